import { getEventListeners } from 'node:events';
import { type Propagation, TimeoutError, TransactionAbortedError, type TransactionOptions } from '../../src';
import { poolStatus } from '../../src/database/connection/connections';
import { atCommit } from '../support/at-commit';
import { eventually, expectWholePool, pupil, signal, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;

const unit = <T>(fn: () => Promise<T>, options: TransactionOptions = {}): Promise<T> =>
  app.unitOfWork.executeInTransaction(fn, app.clinics.a, options);
const write = (number: string) => app.students.create(pupil(number));
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'returned',
    (error: { code?: string }) => error.code ?? String(error),
  );

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 3, acquireTimeoutMs: 20_000 } });
  await atCommit(app.truth, 'slow-commit%', 'waits');
});
afterAll(() => app?.close());
afterEach(() => expectWholePool(app, 3));

/** Statements of the application on the server that are not idle, and transactions left open. */
async function leftOnServer(): Promise<number> {
  const { rowCount } = await app.truth.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = 'phi_app' AND state <> 'idle'`,
  );
  return rowCount ?? 0;
}

/** Statements that sleep on the server. */
async function sleepers(): Promise<number> {
  const { rowCount } = await app.truth.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query = 'SELECT pg_sleep(600)'`,
  );
  return rowCount ?? 0;
}

const slow = () => app.database.query('SELECT pg_sleep(600)');

describe('timeoutMs of an inner unit [U35]', () => {
  it.each(['REQUIRED', 'NESTED', 'SUPPORTS', 'MANDATORY'] as const)(
    'is a timer of its own: the whole transaction ends, and nothing runs on the server: %s',
    async (propagation: Propagation) => {
      const error = await unit(async () => {
        await write('inner-slow-1');
        await unit(slow, { propagation, timeoutMs: 100 });
      }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TimeoutError);
      await eventually(async () => (await leftOnServer()) === 0);
      expect(await app.stored('inner-slow')).toEqual([]);
    },
  );

  it.each(['REQUIRED', 'NESTED'] as const)('cannot be caught and committed around: %s', async (propagation) => {
    const told = await code(
      unit(async () => {
        await write('swallowed-slow');
        await unit(slow, { propagation, timeoutMs: 100 }).catch(() => undefined);
      }),
    );
    expect(told).not.toBe('returned');
    expect(await app.stored('swallowed-slow')).toEqual([]);
  });

  it('of REQUIRES_NEW ends that one only', async () => {
    await unit(async () => {
      await write('own-slow-1');
      await expect(unit(slow, { propagation: 'REQUIRES_NEW', timeoutMs: 100 })).rejects.toThrow(TimeoutError);
      await write('own-slow-2');
    });
    expect(await app.stored('own-slow')).toEqual(['own-slow-1', 'own-slow-2']);
    await eventually(async () => (await leftOnServer()) === 0);
  });
});

describe('signal [U36]', () => {
  it('that fired before refuses the unit without running it', async () => {
    let runs = 0;
    await expect(unit(async () => (runs += 1), { signal: AbortSignal.abort() })).rejects.toThrow(
      TransactionAbortedError,
    );
    expect(runs).toBe(0);
  });

  it.each(['REQUIRED', 'REQUIRES_NEW', 'NESTED'] as const)(
    'ends a running statement on the server, stores nothing, and tells its reason: %s',
    async (propagation) => {
      const controller = new AbortController();
      const reason = new Error('the client went away');
      const seen: unknown[] = [];
      const running = app.unitOfWork.executeInTransaction(
        async (uow) => {
          uow.afterRollback((error) => seen.push(error));
          await write('aborted');
          await slow();
        },
        app.clinics.a,
        { propagation, signal: controller.signal },
      );
      const settled = running.catch((error: unknown) => error);
      await eventually(async () => (await sleepers()) === 1);
      controller.abort(reason);
      const error = await settled;
      expect(error).toBeInstanceOf(TransactionAbortedError);
      expect((error as Error).cause).toBe(reason);
      expect(seen).toEqual([error]);
      await eventually(async () => (await leftOnServer()) === 0);
      expect(await app.stored('aborted')).toEqual([]);
    },
  );

  it('refuses what the callback sends later', async () => {
    const controller = new AbortController();
    const written = signal();
    const aborted = signal();
    const late = signal<string>();
    const running = unit(
      async () => {
        await write('late-1');
        written.resolve();
        await aborted.promise;
        late.resolve(await code(write('late-2')));
      },
      { signal: controller.signal },
    );
    const settled = code(running);
    await written.promise;
    controller.abort();
    expect(await settled).toBe('TRANSACTION_ABORTED');
    aborted.resolve();
    expect(await late.promise).toBe('TRANSACTION_SCOPE_CLOSED');
    expect(await app.stored('late')).toEqual([]);
  });

  it('ends the whole transaction from a joined unit, and REQUIRES_NEW alone', async () => {
    for (const propagation of ['REQUIRED', 'REQUIRES_NEW'] as const) {
      const controller = new AbortController();
      let inner: Promise<string> | undefined;
      const outer = unit(async () => {
        await write(`inner-${propagation}-1`);
        inner = code(unit(slow, { propagation, signal: controller.signal }));
        await eventually(async () => (await sleepers()) === 1);
        controller.abort();
        await inner;
      });
      await code(outer);
      expect(await inner).toBe('TRANSACTION_ABORTED');
    }
    expect(await app.stored('inner-REQ')).toEqual(['inner-REQUIRES_NEW-1']);
  });

  it('is let go of: no listener stays, and firing after the commit changes nothing', async () => {
    const controller = new AbortController();
    await unit(() => write('after-all'), { signal: controller.signal });
    await code(unit(() => Promise.reject(new Error('x')), { signal: controller.signal }));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    controller.abort();
    expect(await app.stored('after-all')).toEqual(['after-all']);
  });

  it('that fires while COMMIT is under way changes nothing: the caller is told what became of it [U31]', async () => {
    const controller = new AbortController();
    const committing = unit(() => write('slow-commit'), { signal: controller.signal });
    await eventually(async () => {
      const { rowCount } = await app.truth.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query = 'COMMIT'`,
      );
      return rowCount === 1;
    });
    controller.abort();
    await expect(committing).resolves.toMatchObject({ studentNumber: 'slow-commit' });
    expect(await app.stored('slow-commit')).toEqual(['slow-commit']);
  });

  it('that fires while the unit waits for a connection ends the waiting, and loses no slot', async () => {
    const held = signal();
    const holders = Array.from({ length: 3 }, () => unit(() => app.students.count().then(() => held.promise)));
    const controller = new AbortController();
    const waiting = code(unit(() => write('never-begun'), { signal: controller.signal }));
    await eventually(() => poolStatus(app.sequelize).waiting === 1);
    controller.abort();
    expect(await waiting).toBe('TRANSACTION_ABORTED');
    held.resolve();
    await Promise.all(holders);
    expect(await app.stored('never-begun')).toEqual([]);
  });

  it('of a unit does not reach the units beside it', async () => {
    const controller = new AbortController();
    const other = unit(async () => {
      await write('beside-1');
      await eventually(() => controller.signal.aborted);
      await write('beside-2');
    });
    const aborted = unit(slow, { signal: controller.signal });
    const told = code(aborted);
    await eventually(async () => (await sleepers()) === 1);
    controller.abort();
    expect(await told).toBe('TRANSACTION_ABORTED');
    await other;
    expect(await app.stored('beside')).toEqual(['beside-1', 'beside-2']);
  });
});

describe('limits of many units', () => {
  it('may hang on one signal: nobody is warned of listeners, and none is left [U36]', async () => {
    const { signal: stop } = new AbortController();
    const warnings: string[] = [];
    const note = ({ name }: Error) => void warnings.push(name);
    process.on('warning', note);
    await Promise.all(Array.from({ length: 20 }, (_, i) => unit(() => write(`one-signal-${i}`), { signal: stop })));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(warnings).toEqual([]);
    expect(getEventListeners(stop, 'abort')).toEqual([]);
  });

  it('are those of the unit, where the connection was opened with a shorter one [U35]', async () => {
    const hasty = await startStudentApp({ statementTimeoutMs: 100 });
    try {
      // Longer than the client would wait for an answer by default, which is 5 s more than the server may take.
      const long = () => hasty.database.query('SELECT pg_sleep(5.5)');
      const slept = hasty.unitOfWork.executeInTransaction(long, undefined, { statementTimeoutMs: 20_000 });
      await expect(slept).resolves.toHaveLength(1);
      await expect(hasty.database.query('SELECT pg_sleep(1)')).rejects.toMatchObject({ sqlState: '57014' });
    } finally {
      await hasty.close();
    }
  });
});
