import {
  ConflictError,
  DeadlockError,
  type ExecutionContext,
  type IUnitOfWork,
  TransactionOutcomeUnknownError,
  type TransactionOptions,
  UnavailableError,
} from '../../src';
import { atCommit } from '../support/at-commit';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy';
import {
  backendPid,
  expectWholePool,
  pupil,
  signal,
  startStudentApp,
  type StudentApp,
  terminate,
} from '../support/student-app';
import { testServer } from '../support/test-server';

let proxy: FaultProxy;
let app: StudentApp;
let clinic: ExecutionContext;
let counter: string;
let runs = 0;
let prefix: string;

beforeAll(async () => {
  proxy = await startFaultProxy(testServer());
  app = await startStudentApp({ port: proxy.port, pool: { min: 0, max: 3, acquireTimeoutMs: 10_000 } });
  clinic = app.clinics.a;
  await atCommit(app.truth, '%-late', 'refuses');
});
afterAll(async () => {
  await app?.close();
  await proxy?.close();
});
beforeEach(async () => {
  runs += 1;
  prefix = `r${runs}-`;
  ({ id: counter } = await app.students.create(pupil(`counter-${runs}`), clinic));
});
afterEach(() => expectWholePool(app, 3));

const unit = <T>(fn: (uow: IUnitOfWork) => Promise<T>, options: TransactionOptions = {}): Promise<T> =>
  app.unitOfWork.executeInTransaction(fn, clinic, options);
const write = (name: string) => app.students.create(pupil(`${prefix}${name}`));
const grade = (value: string) => app.students.update(counter, { grade: value });
const seen = () => app.students.count({ studentNumber: { like: `${prefix}%` } });
const SNAPSHOT = { isolation: 'REPEATABLE READ' } as const;
const SERIAL = { isolation: 'SERIALIZABLE' } as const;

/** Somebody else changes the counter: an update of it on an older snapshot is refused with 40001. */
const rival = () => app.unitOfWork.runOutsideTransaction(() => app.students.update(counter, { grade: '7' }, clinic));

/** Reads, lets somebody else change what was read, and writes: 40001 where `refused` says so. */
async function stale(refused: boolean, change: () => Promise<unknown> = () => grade('6')): Promise<void> {
  await app.students.findById(counter);
  if (refused) await rival();
  await change();
}

interface Trace {
  readonly attempts: number[];
  readonly hooks: string[];
}

/** Runs a unit and notes its attempts and hooks. */
function traced<T>(trace: Trace, fn: (attempt: number) => Promise<T>, options: TransactionOptions): Promise<T> {
  return unit(async (uow) => {
    const { attempt } = uow;
    trace.attempts.push(attempt);
    uow.afterCommit(() => trace.hooks.push(`${attempt} after commit`));
    uow.afterRollback((error) => trace.hooks.push(`${attempt} after rollback ${(error as { code?: string }).code}`));
    uow.afterCompletion((status) => trace.hooks.push(`${attempt} ${status}`));
    await write(`attempt-${attempt}`);
    return fn(attempt);
  }, options);
}
const newTrace = (): Trace => ({ attempts: [], hooks: [] });

/** What fails in the first attempt, and may not fail in the second. */
const TRANSIENT: readonly [string, TransactionOptions, (first: boolean) => Promise<unknown>][] = [
  ['40001 of a repository', SNAPSHOT, (first) => stale(first)],
  [
    '40001 of raw SQL',
    SNAPSHOT,
    (first) => stale(first, () => app.database.query(`UPDATE students SET grade = '6' WHERE id = $1`, [counter])),
  ],
  [
    '40001 of a model, thrown as Sequelize’s own error',
    SNAPSHOT,
    (first) => stale(first, () => app.sequelize.models.Student!.update({ grade: '6' }, { where: { id: counter } })),
  ],
  ['40001 that the callback swallowed', SNAPSHOT, (first) => stale(first).catch(() => undefined)],
  [
    '40001 that the callback wrapped in an error of its own',
    SNAPSHOT,
    (first) =>
      stale(first).catch(() => {
        throw new Error('enrolment failed');
      }),
  ],
  ['40001 in a joined unit', SNAPSHOT, (first) => unit(() => stale(first))],
  ['40001 in a NESTED unit', SNAPSHOT, (first) => unit(() => stale(first), { propagation: 'NESTED' })],
  [
    '40001 in a beforeCommit hook',
    SNAPSHOT,
    async (first) => {
      await app.students.findById(counter);
      app.unitOfWork.beforeCommit(() => stale(first));
    },
  ],
  [
    '40001 that surfaces at COMMIT',
    SERIAL,
    async (first) => {
      await seen();
      const number = `${prefix}rival`;
      const skew = () =>
        unit(async () => {
          await seen();
          await app.students.create(pupil(number));
        }, SERIAL);
      if (first) await app.unitOfWork.runOutsideTransaction(skew);
      if (first) await app.truth.query('DELETE FROM students WHERE student_number = $1', [number]);
    },
  ],
];

describe('a unit that fails with [U40] [U41]', () => {
  it.each(TRANSIENT)('%s runs again in a fresh transaction, with fresh hooks', async (_, options, work) => {
    const trace = newTrace();
    await traced(trace, (attempt) => work(attempt === 1), options);
    expect(trace.attempts).toEqual([1, 2]);
    expect(trace.hooks.filter((hook) => !hook.includes('after rollback'))).toEqual([
      '1 rolled back',
      '2 after commit',
      '2 committed',
    ]);
    expect(trace.hooks[0]).toMatch(/^1 after rollback/);
    expect(await app.stored(prefix)).toEqual([`${prefix}attempt-2`]);
  });

  it('40P01, of two that lock two rows crosswise, runs again: both are stored, neither caller is told', async () => {
    const { id: other } = await app.students.create(pupil(`other-${runs}`), clinic);
    const bothHold = signal();
    let holding = 0;
    const attempts: string[] = [];
    const cross = (name: string, first: string, second: string) =>
      unit(async (uow) => {
        attempts.push(`${name} ${uow.attempt}`);
        await app.students.update(first, { grade: '6' });
        holding += 1;
        if (holding === 2) bothHold.resolve();
        await bothHold.promise;
        await app.students.update(second, { grade: '6' });
        await write(name);
      });
    await Promise.all([cross('a', counter, other), cross('b', other, counter)]);
    expect(await app.stored(prefix)).toEqual([`${prefix}a`, `${prefix}b`]);
    expect(attempts.toSorted()).toEqual(expect.arrayContaining(['a 1', 'b 1']));
    expect(attempts).toHaveLength(3);
    expect((await app.students.findById(counter, { context: clinic }))?.version).toBe(3);
  });

  it('40001, of two SERIALIZABLE ones that each read what the other writes, runs again [003-25]', async () => {
    const bothRead = signal();
    let readers = 0;
    const attempts: number[] = [];
    const skew = (name: string) =>
      unit(async (uow) => {
        attempts.push(uow.attempt);
        const found = await seen();
        readers += 1;
        if (readers === 2) bothRead.resolve();
        await bothRead.promise;
        if (found === 0) await write(name);
        return found;
      }, SERIAL);
    const found = await Promise.all([skew('a'), skew('b')]);
    expect(found.toSorted()).toEqual([0, 1]);
    expect(attempts).toEqual([1, 1, 2]);
    expect(await app.stored(prefix)).toHaveLength(1);
  });

  it('40001, and left a statement behind: that one is refused, and does not reach the next attempt', async () => {
    const again = signal();
    let late: Promise<unknown> | undefined;
    let told: unknown;
    await unit(async ({ attempt }) => {
      if (attempt === 1) {
        late = again.promise.then(() => write('straggler'));
        late.catch(() => undefined);
      } else {
        again.resolve();
        told = await late?.catch((error: unknown) => error);
      }
      await stale(attempt === 1);
    }, SNAPSHOT);
    expect(told).toMatchObject({ code: 'TRANSACTION_SCOPE_CLOSED' });
    expect(await app.stored(prefix)).toEqual([]);
  });

  it('40001 in REQUIRES_NEW runs that one again, and not the unit around it', async () => {
    const attempts: string[] = [];
    await unit(async (outer) => {
      attempts.push(`outer ${outer.attempt}`);
      await write('outer');
      await unit(
        async (inner) => {
          attempts.push(`inner ${inner.attempt}`);
          await stale(inner.attempt === 1);
        },
        { ...SNAPSHOT, propagation: 'REQUIRES_NEW' },
      );
      attempts.push(`outer ${outer.attempt}`);
    });
    expect(attempts).toEqual(['outer 1', 'inner 1', 'inner 2', 'outer 1']);
  });

  it('40001 in REQUIRES_NEW every time is given up there: the unit around it is told, and runs once [U42]', async () => {
    const attempts = { outer: 0, inner: 0 };
    const outer = unit(async () => {
      attempts.outer += 1;
      const failing = async (): Promise<void> => {
        attempts.inner += 1;
        await stale(true);
      };
      await unit(failing, { ...SNAPSHOT, propagation: 'REQUIRES_NEW' });
    });
    await expect(outer).rejects.toThrow(DeadlockError);
    expect(attempts).toEqual({ outer: 1, inner: 3 });
  });

  it('40001 inside a savepoint, and recovers from it, commits at the first attempt', async () => {
    const trace = newTrace();
    await traced(
      trace,
      async () => {
        const inner = unit(() => stale(true), { propagation: 'NESTED' });
        await expect(inner).rejects.toThrow(DeadlockError);
      },
      SNAPSHOT,
    );
    expect(trace.hooks).toEqual(['1 after commit', '1 committed']);
  });

  it('a conflict of versions runs again when retry.conflicts asks for it', async () => {
    const trace = newTrace();
    await traced(
      trace,
      async (attempt) => {
        const { version } = await app.students.findByIdOrFail(counter);
        if (attempt === 1) await rival();
        await app.students.update(counter, { grade: '6' }, undefined, { expectedVersion: version });
      },
      { retry: { conflicts: true } },
    );
    expect(trace.attempts).toEqual([1, 2]);
    expect(await app.stored(prefix)).toEqual([`${prefix}attempt-2`]);
  });
});

describe('attempts [U42]', () => {
  it.each([
    [undefined, 3],
    [{ attempts: 1 }, 1],
    [{ attempts: 4 }, 4],
    [false, 1],
  ] as const)('are limited, retry being %j, to %i; then the caller gets the original error', async (retry, times) => {
    const trace = newTrace();
    const failing = traced(trace, () => stale(true), { ...SNAPSHOT, ...(retry === undefined ? {} : { retry }) });
    await expect(failing).rejects.toMatchObject({ name: 'DeadlockError', sqlState: '40001' });
    expect(trace.attempts).toEqual(Array.from({ length: times }, (_, i) => i + 1));
    expect(trace.hooks).toEqual(
      trace.attempts.flatMap((attempt) => [`${attempt} after rollback DEADLOCK`, `${attempt} rolled back`]),
    );
    expect(await app.stored(prefix)).toEqual([]);
  });

  it.each([{ attempts: 0 }, { attempts: 11 }, { attempts: 1.5 }, { attempts: 'x' }, null, true, 3])(
    'that are no number from 1 to 10 are refused before the callback runs: %j',
    async (retry) => {
      const trace = newTrace();
      await expect(traced(trace, () => Promise.resolve(), { retry } as never)).rejects.toMatchObject({
        code: 'TRANSACTION_OPTIONS',
      });
      expect(trace.attempts).toEqual([]);
    },
  );

  it('end with timeoutMs, which holds for all of them and the waits between', async () => {
    const trace = newTrace();
    const failing = traced(
      trace,
      async () => {
        await app.database.query('SELECT pg_sleep(0.1)');
        await stale(true);
      },
      { ...SNAPSHOT, timeoutMs: 350, retry: { attempts: 10 } },
    );
    await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/^(DEADLOCK|TIMEOUT)$/) });
    expect(trace.attempts.length).toBeLessThan(5);
    expect(await app.stored(prefix)).toEqual([]);
  });

  it('do not begin after timeoutMs: the caller gets the original error at once, not one of the time limit', async () => {
    const trace = newTrace();
    // The wait before the second attempt would end after the limit.
    const chance = jest.spyOn(Math, 'random').mockReturnValue(1_000);
    const failing = traced(trace, () => stale(true), { ...SNAPSHOT, timeoutMs: 20_000 });
    await expect(failing.finally(() => chance.mockRestore())).rejects.toThrow(DeadlockError);
    expect(trace.attempts).toEqual([1]);
  });

  it('end when the signal fires between two of them', async () => {
    const controller = new AbortController();
    const trace = newTrace();
    const failing = traced(
      trace,
      async () => {
        app.unitOfWork.afterRollback(() => controller.abort());
        await stale(true);
      },
      { ...SNAPSHOT, signal: controller.signal, retry: { attempts: 10 } },
    );
    await expect(failing).rejects.toMatchObject({ code: 'TRANSACTION_ABORTED' });
    expect(trace.attempts).toEqual([1]);
  });

  it('are told as uow.attempt: 0 outside, the root’s inside what joined it, its own in REQUIRES_NEW', async () => {
    expect(app.unitOfWork.attempt).toBe(0);
    const told: number[] = [];
    await unit(async (uow) => {
      const note = async () => void told.push(uow.attempt);
      await note();
      for (const propagation of ['REQUIRED', 'NESTED', 'REQUIRES_NEW', 'NOT_SUPPORTED'] as const) {
        await unit(note, { propagation });
      }
      await stale(uow.attempt === 1);
    }, SNAPSHOT);
    expect(told).toEqual([1, 1, 1, 1, 0, 2, 2, 2, 1, 0]);
  });
});

describe('what is not repeated [U43]', () => {
  it.each<[string, () => Promise<unknown>, object, TransactionOptions]>([
    ['an error of the application', () => Promise.reject(new TypeError('x')), { name: 'TypeError' }, {}],
    ['a unique violation', () => write('attempt-1'), { code: 'UNIQUE_VIOLATION' }, {}],
    ['a rule that is checked at COMMIT', () => write('late'), { code: 'CHECK_VIOLATION' }, {}],
    [
      'a conflict of versions, unless asked for',
      () => app.students.update(counter, { grade: '6' }, undefined, { expectedVersion: 99 }),
      { name: ConflictError.name },
      {},
    ],
    [
      'a statement timeout',
      () => app.database.query('SELECT pg_sleep(600)'),
      { code: 'TIMEOUT', sqlState: '57014' },
      { statementTimeoutMs: 50 },
    ],
    ['a swallowed error of another kind', () => write('attempt-1').catch(() => 0), { code: 'UNEXPECTED_ROLLBACK' }, {}],
    [
      'a serialisation failure with retry: false',
      () => stale(true),
      { sqlState: '40001' },
      { ...SNAPSHOT, retry: false },
    ],
    [
      'a connection lost before COMMIT',
      async () => terminate(app.truth, await backendPid(app)).then(() => seen()),
      { name: UnavailableError.name },
      {},
    ],
    [
      'an unknown outcome',
      async () => proxy.cutOn('COMMIT', 'before'),
      { name: TransactionOutcomeUnknownError.name },
      {},
    ],
  ])('is %s: one attempt, and the caller is told', async (_, work, told, options) => {
    const trace = newTrace();
    await expect(traced(trace, work, options)).rejects.toMatchObject(told);
    expect(trace.attempts).toEqual([1]);
    expect(await app.stored(prefix)).toEqual([]);
  });
});
