import { type IUnitOfWork, TransactionOutcomeUnknownError, type TransactionOptions } from '../../src';
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
let attempts: number[];
let hooks: string[];

beforeAll(async () => {
  proxy = await startFaultProxy(testServer());
  app = await startStudentApp({ port: proxy.port, pool: { min: 0, max: 2, acquireTimeoutMs: 10_000 } });
});
afterAll(async () => {
  await app?.close();
  await proxy?.close();
});
beforeEach(() => {
  runs += 1;
  prefix = `i${runs}-`;
  attempts = [];
  hooks = [];
});
afterEach(() => expectWholePool(app, 2));

/** Runs a unit and notes its attempts and how each ended. */
const unit = <T>(fn: (uow: IUnitOfWork) => Promise<T>, options: TransactionOptions = {}): Promise<T> =>
  app.unitOfWork.executeInTransaction(
    (uow) => {
      attempts.push(uow.attempt);
      uow.afterCompletion((status) => hooks.push(status));
      return fn(uow);
    },
    app.clinics.a,
    { idempotent: true, ...options },
  );
const write = (name: string) => app.students.create(pupil(`${prefix}${name}`));

/** Stores the row unless it is there: a callback that may be run twice. */
async function ensure(name: string): Promise<void> {
  const number = `${prefix}${name}`;
  if ((await app.students.count({ studentNumber: number })) === 0) await app.database.query(INSERT_STUDENT, [number]);
  else await app.database.query(`UPDATE students SET grade = '6' WHERE student_number = $1`, [number]);
}

describe('a unit that said idempotent: true [U43]', () => {
  it.each([
    ['was not done, because the connection was cut before it', 'before'],
    ['was done, and the answer was lost', 'after answer'],
  ] as const)('is repeated when its COMMIT %s: the row is there once', async (_, point) => {
    await unit(async ({ attempt }) => {
      await ensure('once');
      if (attempt === 1) proxy.cutOn('COMMIT', point);
    });
    expect({ attempts, hooks }).toEqual({ attempts: [1, 2], hooks: ['unknown', 'committed'] });
    expect(await app.stored(prefix)).toEqual([`${prefix}once`]);
  });

  it('is repeated when its connection was lost before COMMIT', async () => {
    await unit(async ({ attempt }) => {
      await write(`attempt-${attempt}`);
      if (attempt === 1) await terminate(app.truth, await backendPid(app));
      await app.students.count();
    });
    expect({ attempts, hooks }).toEqual({ attempts: [1, 2], hooks: ['rolled back', 'committed'] });
    expect(await app.stored(prefix)).toEqual([`${prefix}attempt-2`]);
  });

  it('is repeated when its connection was lost at the begin', async () => {
    proxy.cutOn('START TRANSACTION', 'before');
    await unit(({ attempt }) => write(`attempt-${attempt}`));
    expect(attempts).toEqual([1, 2]);
    expect(await app.stored(prefix)).toEqual([`${prefix}attempt-2`]);
  });

  it.each<[string, () => Promise<unknown>, object]>([
    ['an error of the application', () => Promise.reject(new TypeError('x')), { name: 'TypeError' }],
    ['a unique violation', () => write('first'), { code: 'UNIQUE_VIOLATION' }],
  ])('is not repeated for what would fail again: %s', async (_, work, told) => {
    await expect(unit(() => write('first').then(work))).rejects.toMatchObject(told);
    expect({ attempts, hooks }).toEqual({ attempts: [1], hooks: ['rolled back'] });
    expect(await app.stored(prefix)).toEqual([]);
  });

  it('gives up after its attempts, with the original error', async () => {
    const failing = unit(async () => {
      await write('never');
      proxy.cutOn('COMMIT', 'before');
    });
    await expect(failing).rejects.toThrow(TransactionOutcomeUnknownError);
    expect({ attempts, hooks }).toEqual({ attempts: [1, 2, 3], hooks: ['unknown', 'unknown', 'unknown'] });
    expect(await app.stored(prefix)).toEqual([]);
  });

  it('is not repeated with retry: false', async () => {
    const failing = unit(
      async () => {
        await write('never');
        proxy.cutOn('COMMIT', 'before');
      },
      { retry: false },
    );
    await expect(failing).rejects.toThrow(TransactionOutcomeUnknownError);
    expect(attempts).toEqual([1]);
  });
});

describe('an unknown outcome [U31]', () => {
  it.each([
    ['before', 'rolled back', 0],
    ['after answer', 'committed', 1],
  ] as const)('names the transaction, and the server tells: cut %s, %s', async (point, outcome, rows) => {
    let xid: string | undefined;
    const error = (await unit(
      async () => {
        await write('doubt');
        ({ xid } = await app.database.one<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid'));
        proxy.cutOn('COMMIT', point);
      },
      { idempotent: false },
    ).catch((thrown: unknown) => thrown)) as TransactionOutcomeUnknownError;
    expect(error).toBeInstanceOf(TransactionOutcomeUnknownError);
    expect(error.transactionId).toBe(xid);
    expect(await app.unitOfWork.outcomeOf(error.transactionId!)).toBe(outcome);
    expect(attempts).toEqual([1]);
    expect(await app.stored(prefix)).toHaveLength(rows);
  });

  it('of an open transaction is: in progress', async () => {
    await unit(async () => {
      await write('open');
      const { xid } = await app.database.one<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
      expect(await app.unitOfWork.runOutsideTransaction(() => app.unitOfWork.outcomeOf(xid))).toBe('in progress');
    });
  });
});
