import { poolStatus } from '../../src/database/connection/connections';
import { atCommit } from '../support/at-commit';
import { type CutPoint, type FaultProxy, startFaultProxy } from '../support/fault-proxy';
import {
  backendPid,
  eventually,
  expectWholePool,
  pupil,
  startStudentApp,
  type StudentApp,
  terminate,
} from '../support/student-app';
import { testServer } from '../support/test-server';
import { caseContext, claimOf, outcomeFaults, tell, truthOf, untruths } from './outcome';

const POOL = 2;

let proxy: FaultProxy;
let app: StudentApp;

beforeAll(async () => {
  proxy = await startFaultProxy(testServer());
  app = await startStudentApp({
    port: proxy.port,
    statementTimeoutMs: 5_000,
    pool: { min: 0, max: POOL, acquireTimeoutMs: 5_000 },
  });
  // COMMIT is what kills the backend: it dies with the transaction still open.
  await atCommit(app.truth, '%die', 'dies');
});
afterAll(async () => {
  await app?.close();
  await proxy?.close();
});
afterEach(async () => {
  // A connection that was killed while it lay in the pool is found out by its next user.
  await eventually(async () =>
    (await Promise.all(Array.from({ length: POOL }, () => app.database.isHealthy()))).every(Boolean),
  );
  await expectWholePool(app, POOL);
});

/** COMMIT as a message of its own: the text ends with it, unlike the word COMMITTED. */
const COMMIT = 'COMMIT\0';

/** Something that loses the connection of the current unit. */
type Fault = () => Promise<void> | void;

const killed: Fault = async () => {
  const pid = await backendPid(app);
  const { used } = poolStatus(app.sequelize);
  await terminate(app.truth, pid);
  await eventually(() => poolStatus(app.sequelize).used === used - 1);
};
/** Not waited for: the application sends its next message meanwhile. */
const killedMeanwhile: Fault = async () => {
  void app.truth.query('SELECT pg_terminate_backend($1, 5000)', [await backendPid(app)]);
};
const cutAt =
  (text: string, point: CutPoint, answer?: string): Fault =>
  () =>
    proxy.cutOn(text, point, answer);

/** Where in the unit a fault happens: before which of its steps. */
const PLACES = ['before the unit', 'after begin', 'after write 1', 'after write 2', 'after write 3'] as const;

const faults: [string, Fault][] = [
  ['the backend is killed', killed],
  ['the backend is killed while the next message is sent', killedMeanwhile],
  ['the next message does not arrive', cutAt('', 'before')],
  ['the answer to the next message is lost', cutAt('', 'after answer', 'Z')],
];
const commitFaults: [string, Fault][] = [
  ['COMMIT does not arrive', cutAt(COMMIT, 'before')],
  ['half of COMMIT arrives', cutAt(COMMIT, 'half')],
  ['COMMIT is done and its answer lost', cutAt(COMMIT, 'after answer', COMMIT)],
];

/** Ways to store three students, in three statements. */
const units: [string, (number: string, uow: StudentApp['unitOfWork']) => Promise<unknown>][] = [
  ['repository', (number) => app.students.create(pupil(number))],
  ['model', (number) => app.sequelize.models.Student!.create(pupil(number))],
  [
    'nested unit',
    (number, uow) =>
      uow.executeInTransaction(() => app.students.create(pupil(number)), undefined, { propagation: 'NESTED' }),
  ],
];

/** What may be claimed: whose COMMIT was not sent yet is certainly rolled back, whom the fault missed is stored. */
function claims(fault: Fault, at: number): readonly string[] {
  if (fault === killedMeanwhile) return ['committed', 'rolled back', 'unknown'];
  if (at === 0) return fault === killed ? ['committed'] : ['rolled back'];
  return at < 4 || fault === killed ? ['rolled back'] : ['unknown'];
}

/** Every unit with every fault at every place. */
const cases = units.flatMap(([way, write]) => [
  ...PLACES.flatMap((place, at) =>
    faults.map(([name, fault]) => ({ way, write, name: `${place}: ${name}`, at, fault })),
  ),
  ...commitFaults.map(([name, fault]) => ({ way, write, name, at: 4, fault })),
]);

/** Runs a case and checks its account. @returns The claim. */
async function unitWith({ write, at, fault }: (typeof cases)[number], last = ''): Promise<string> {
  const context = caseContext(app);
  const numbers = [1, 2, 3].map((i) => `${context.requestId}${i}${i === 3 ? last : ''}`);
  if (at === 0) {
    // An idle connection of the pool is what the fault meets.
    await app.unitOfWork.executeInTransaction(async () => fault(), app.clinics.b).catch(() => undefined);
  }
  const told = await tell(app, context, async (uow) => {
    await app.students.count();
    for (const [i, number] of numbers.entries()) {
      if (at === i + 1) await fault();
      await write(number, uow);
    }
    if (at === 4) await fault();
  });
  const truth = await truthOf(app, context);
  expect([...(await untruths(app, told, truth, numbers)), ...outcomeFaults(told, truth)]).toEqual([]);
  expect(told.attempts).toBe(1);
  return told.claim;
}

describe('a unit of three writes', () => {
  it.each(cases)(
    'tells the truth, rows and trail agree, the pool recovers: $way, $name [U31] [U32] [U39]',
    async (one) => {
      const claim = await unitWith(one);
      expect(claims(one.fault, one.at)).toContain(claim);
    },
  );

  it.each(units)(
    'whose backend dies in the middle of COMMIT is unknown, and turns out rolled back: %s [U31]',
    async (way, write) => {
      expect(await unitWith({ way, write, name: 'dies', at: 5, fault: () => undefined }, 'die')).toBe('unknown');
    },
  );

  it.each(units)('without a fault is committed, with one outcome event: %s', async (way, write) => {
    expect(await unitWith({ way, write, name: 'none', at: 5, fault: () => undefined })).toBe('committed');
  });

  it('whose COMMIT was done is found to be committed, whose COMMIT did not arrive to be rolled back [U31]', async () => {
    const write = units[0]![1];
    for (const [point, outcome] of [
      ['after answer', 'committed'],
      ['before', 'rolled back'],
      ['half', 'rolled back'],
    ] as const) {
      const context = caseContext(app);
      const told = await tell(app, context, async (uow) => {
        await write(`${context.requestId}1`, uow);
        proxy.cutOn(COMMIT, point, COMMIT);
      });
      expect(told.claim).toBe('unknown');
      await truthOf(app, context);
      expect(await app.unitOfWork.outcomeOf((told.error as { transactionId: string }).transactionId)).toBe(outcome);
    }
  });
});

/** Calls that are no unit of the caller's, and how many rows they store. */
const calls: [string, number, (numbers: string[], context: ReturnType<typeof caseContext>) => Promise<unknown>][] = [
  ['a lone create', 1, ([number], context) => app.students.create(pupil(number!), context)],
  ['a bulkCreate of one statement', 3, (numbers, context) => app.students.bulkCreate(numbers.map(pupil), context)],
  ['a bulkCreate of two statements', 1_001, (numbers, context) => app.students.bulkCreate(numbers.map(pupil), context)],
];
const lostAt: [string, Fault][] = [
  ['its begin does not arrive', cutAt('START TRANSACTION', 'before')],
  ['half of its begin arrives', cutAt('START TRANSACTION', 'half')],
  ['the answer to its begin is lost', cutAt('START TRANSACTION', 'after answer', 'START')],
  ['the answer to its first INSERT is lost', cutAt('INSERT', 'after answer', 'INSERT 0')],
  ...commitFaults,
];

describe('a write that is a unit by itself', () => {
  it.each(calls.flatMap(([name, rows, call]) => lostAt.map(([at, fault]) => ({ name, rows, call, at, fault }))))(
    'tells the truth, rows and trail agree: $name, $at [U31] [U39]',
    async ({ rows, call, fault }) => {
      const context = caseContext(app);
      const numbers = Array.from({ length: rows }, (_, i) => `${context.requestId}${i + 1_000}`);
      await fault();
      const told = await claimOf(call(numbers, context));
      const truth = await truthOf(app, context);
      const wrong = await untruths(app, told, truth, numbers);
      // Everything travels in one flight: where no answer came at all, nobody can know the id.
      const unknowable = (told.error as { transactionId?: string } | undefined)?.transactionId === undefined;
      expect(wrong.filter((text) => !unknowable || !text.includes('no transaction id'))).toEqual([]);
      expect(told.claim).not.toBe('committed');
    },
  );
});

describe('a unit that says it is idempotent', () => {
  /** Stores what is not there yet. */
  const store = (numbers: readonly string[]) => async (): Promise<void> => {
    for (const number of numbers) {
      if (!(await app.students.exists({ studentNumber: number }))) await app.students.create(pupil(number));
    }
  };

  it.each([
    ...PLACES.slice(1).flatMap((place, i) =>
      faults.map(([name, fault]) => ({ name: `${place}: ${name}`, at: i + 1, fault })),
    ),
    ...commitFaults.map(([name, fault]) => ({ name, at: 4, fault })),
  ])('is repeated until it is stored, exactly once: $name', async ({ at, fault }) => {
    const context = caseContext(app);
    const numbers = [1, 2, 3].map((i) => `${context.requestId}${i}`);
    let faulty = true;
    const told = await tell(
      app,
      context,
      async () => {
        await app.students.count();
        for (const [i, number] of numbers.entries()) {
          if (faulty && at === i + 1) {
            faulty = false;
            await fault();
          }
          await store([number])();
        }
        if (faulty && at === 4) {
          faulty = false;
          await fault();
        }
      },
      { idempotent: true },
    );
    const truth = await truthOf(app, context);
    expect(told.claim).toBe('committed');
    expect(truth.rows).toEqual(numbers);
    expect([...(await untruths(app, told, truth, numbers)), ...outcomeFaults(told, truth)]).toEqual([]);
    expect(fault === killedMeanwhile ? [1, 2] : [2]).toContain(told.attempts);
  });

  it('says that it is unknown when the connection is lost at every attempt', async () => {
    const context = caseContext(app);
    const told = await tell(
      app,
      context,
      async () => {
        await store([`${context.requestId}1`])();
        proxy.cutOn(COMMIT, 'before');
      },
      { idempotent: true, retry: { attempts: 2 } },
    );
    const truth = await truthOf(app, context);
    expect(told).toMatchObject({ claim: 'unknown', attempts: 2 });
    expect(truth.rows).toEqual([]);
    expect([...(await untruths(app, told, truth, [])), ...outcomeFaults(told, truth)]).toEqual([]);
  });
});
