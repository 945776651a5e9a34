import { createExecutionContext, type IUnitOfWork, type TransactionOptions } from '../../src';
import { atCommit } from '../support/at-commit';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy';
import {
  backendPid,
  expectWholePool,
  INSERT_STUDENT,
  pupil,
  startStudentApp,
  type StudentApp,
  terminate,
} from '../support/student-app';
import { testServer } from '../support/test-server';

let proxy: FaultProxy;
let app: StudentApp;
let runs = 0;
let prefix: string;

beforeAll(async () => {
  proxy = await startFaultProxy(testServer());
  app = await startStudentApp({ port: proxy.port, pool: { min: 0, max: 2, acquireTimeoutMs: 10_000 } });
  await atCommit(app.truth, '%-late', 'refuses');
});
afterAll(async () => {
  await app?.close();
  await proxy?.close();
});
beforeEach(() => {
  runs += 1;
  prefix = `a${runs}`;
});
afterEach(() => expectWholePool(app, 2));

const write = (name: string) => app.students.create(pupil(`${prefix}-${name}`));
const unit = <T>(fn: (uow: IUnitOfWork) => Promise<T>, options: TransactionOptions = {}): Promise<unknown> =>
  app.unitOfWork
    .executeInTransaction(fn, createExecutionContext({ ...app.clinics.a, requestId: prefix }), options)
    .catch((error: unknown) => error);
const cut = (point: 'before' | 'after answer') => async () => {
  await write('row');
  proxy.cutOn('COMMIT', point);
};

interface OutcomeEvent {
  readonly outcome: string;
  readonly code: string | null;
  /** Whether the id it names is the one of the transaction that told itself. */
  readonly own: boolean;
  readonly user: string;
}

/** Outcome events of this case, oldest first. */
async function outcomes(xids: readonly string[] = []): Promise<OutcomeEvent[]> {
  const { rows } = await app.truth.query<OutcomeEvent>(
    `SELECT details->>'outcome' AS outcome, details->>'code' AS code, entity_id = ANY ($2) AS own, user_id AS user
     FROM audit.event WHERE request_id = $1 AND action = 'TRANSACTION' ORDER BY seq`,
    [prefix, xids],
  );
  return rows;
}

/** How a unit that has written a row ends, the events that it leaves, and the rows. */
const ENDS: readonly [string, () => Promise<unknown>, TransactionOptions, string, number][] = [
  ['returns', () => write('row'), {}, 'COMMITTED', 1],
  ['wrote with a model', () => app.sequelize.models.Student!.create(pupil(`${prefix}-row`)), {}, 'COMMITTED', 1],
  ['wrote with raw SQL', () => app.database.query(INSERT_STUDENT, [`${prefix}-row`]), {}, 'COMMITTED', 1],
  ['throws', () => write('row').then(() => Promise.reject(new TypeError('Ada'))), {}, 'ROLLED_BACK APPLICATION', 0],
  [
    'throws after it wrote with a model',
    () => app.sequelize.models.Student!.create(pupil(`${prefix}-row`)).then(() => Promise.reject(new TypeError('Ada'))),
    {},
    'ROLLED_BACK APPLICATION',
    0,
  ],
  ['fails with an SQL error', () => write('row').then(() => write('row')), {}, 'ROLLED_BACK UNIQUE_VIOLATION', 0],
  [
    'swallows an SQL error',
    () => write('row').then(() => write('row').catch(() => undefined)),
    {},
    'ROLLED_BACK UNEXPECTED_ROLLBACK',
    0,
  ],
  ['fails at COMMIT', () => write('late'), {}, 'ROLLED_BACK CHECK_VIOLATION', 0],
  [
    'takes too long',
    () => write('row').then(() => app.database.query('SELECT pg_sleep(600)')),
    { timeoutMs: 150, statementTimeoutMs: 60_000 },
    'ROLLED_BACK TIMEOUT',
    0,
  ],
  [
    'loses its connection',
    () =>
      write('row')
        .then(() => backendPid(app))
        .then((pid) => terminate(app.truth, pid))
        .then(() => app.students.count()),
    {},
    'ROLLED_BACK UNAVAILABLE',
    0,
  ],
  ['is cut before COMMIT', cut('before'), {}, 'UNKNOWN TRANSACTION_OUTCOME_UNKNOWN', 0],
  [
    'wrote in a savepoint that was released',
    () => app.unitOfWork.executeInTransaction(() => write('row'), undefined, { propagation: 'NESTED' }),
    {},
    'COMMITTED',
    1,
  ],
];

describe('the trail of a unit that [U39] [003-26] [003-38]', () => {
  it.each(ENDS.map(([end, work, options, event, rows]) => [end, event, work, options, rows] as const))(
    '%s tells: %s; the data agrees',
    async (_, event, work, options, rows) => {
      let xid = '';
      await unit(async () => {
        ({ xid } = await app.database.one<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid'));
        await work();
      }, options);
      const [outcome, code = null] = event.split(' ');
      expect(await outcomes([xid])).toEqual([{ outcome, code, own: true, user: app.clinics.a.userId }]);
      expect(await app.stored(prefix)).toHaveLength(rows);
    },
  );

  it('is committed with an answer that was lost tells both: that nobody knew, and that it was stored', async () => {
    await unit(cut('after answer'));
    const told = (await outcomes()).map(({ outcome }) => outcome);
    expect(told.toSorted()).toEqual(['COMMITTED', 'UNKNOWN']);
    expect(await app.stored(prefix)).toHaveLength(1);
  });

  it('runs again tells of each attempt', async () => {
    const xids: string[] = [];
    await unit(async ({ attempt }) => {
      await write(`row-${attempt}`);
      xids.push((await app.database.one<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid')).xid);
      if (attempt === 1) await app.database.query(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$`);
    });
    const user = app.clinics.a.userId;
    expect(await outcomes(xids)).toEqual([
      { outcome: 'ROLLED_BACK', code: 'DEADLOCK', own: true, user },
      { outcome: 'COMMITTED', code: null, own: true, user },
    ]);
    expect(new Set(xids).size).toBe(2);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['did nothing', () => Promise.resolve()],
    ['only read', () => app.students.count()],
    ['threw before it wrote', () => app.students.count().then(() => Promise.reject(new Error('x')))],
    ['was refused its only write', () => app.students.delete('0190d000-0000-7000-8000-00000000000d')],
  ])('%s tells nothing', async (_, work) => {
    await unit(work);
    expect(await outcomes()).toEqual([]);
  });

  it('failed holds no message and no value of what it wrote', async () => {
    await unit(() => write('row').then(() => Promise.reject(new Error('Ada Lovelace'))));
    const { rows } = await app.truth.query<{ text: string }>(
      `SELECT details::text AS text FROM audit.event WHERE request_id = $1`,
      [prefix],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]!.text).not.toMatch(/Ada|Lovelace|row/);
  });
});

describe('who acts, after a savepoint took back what was said inside it [U12] [U71]', () => {
  const nested = (fn: () => Promise<unknown>) =>
    app.unitOfWork
      .executeInTransaction(() => fn().then(() => Promise.reject(new Error('undo'))), undefined, {
        propagation: 'NESTED',
      })
      .catch(() => undefined);

  it('is told to the server again: the event names who wrote, not who wrote before', async () => {
    const colleague = createExecutionContext({ ...app.clinics.a, userId: 'colleague', requestId: `${prefix}-other` });
    await unit(async () => {
      await write('own');
      await nested(() => app.students.create(pupil(`${prefix}-gone`), colleague));
      await app.students.create(pupil(`${prefix}-theirs`), colleague);
      await nested(() => write('gone'));
      await write('own-again');
    });
    const { rows } = await app.truth.query<{ event: string }>(
      `SELECT action || ' ' || user_id AS event FROM audit.event
       WHERE request_id LIKE $1 AND entity = 'Student' ORDER BY seq`,
      [`${prefix}%`],
    );
    const own = `CREATE ${app.clinics.a.userId}`;
    expect(rows.map(({ event }) => event)).toEqual([own, 'CREATE colleague', own]);
  });

  it('is told again where the unit itself had nobody: the clinic is not lost', async () => {
    await app.unitOfWork.executeInTransaction(async () => {
      await nested(() => app.students.create(pupil(`${prefix}-gone`), app.clinics.a));
      await app.students.create(pupil(`${prefix}-kept`), app.clinics.a);
      expect(await app.students.count({ studentNumber: `${prefix}-kept` }, { context: app.clinics.a })).toBe(1);
    });
    expect(await app.stored(prefix)).toEqual([`${prefix}-kept`]);
  });
});
