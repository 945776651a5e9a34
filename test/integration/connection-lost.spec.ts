import { runWithContext, TransactionOutcomeUnknownError, UnavailableError, UnexpectedRollbackError } from '../../src';
import { poolStatus } from '../../src/database/connection/connections';
import { atCommit } from '../support/at-commit';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy';
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

let proxy: FaultProxy;
let app: StudentApp;

beforeAll(async () => {
  proxy = await startFaultProxy(testServer());
  app = await startStudentApp({
    port: proxy.port,
    statementTimeoutMs: 1_000,
    pool: { min: 0, max: 2, acquireTimeoutMs: 5_000 },
  });
  await atCommit(app.truth, 'die%', 'dies');
});
afterAll(async () => {
  await app?.close();
  await proxy?.close();
});
afterEach(() => expectWholePool(app, 2));

interface Outcome {
  readonly error: unknown;
  /** Hooks that ran, in order. */
  readonly hooks: readonly string[];
}

/** Runs a unit and tells how it ended. */
async function outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
  const hooks: string[] = [];
  const error = await app.unitOfWork
    .executeInTransaction(async (uow) => {
      uow.afterCommit(() => hooks.push('after commit'));
      uow.afterRollback(() => hooks.push('after rollback'));
      uow.afterCompletion((status) => hooks.push(status));
      await work();
    }, app.clinics.a)
    .then(
      () => 'committed',
      (thrown: unknown) => thrown,
    );
  return { error, hooks };
}

const rolledBack = ['after rollback', 'rolled back'];

/** Kills the backend of the current unit, and waits until the application has noticed. */
async function kill(): Promise<void> {
  const { used } = poolStatus(app.sequelize);
  await terminate(app.truth, await backendPid(app));
  await eventually(() => poolStatus(app.sequelize).used === used - 1);
}

describe('a backend killed inside a unit', () => {
  it('before a statement: the statement rejects, the unit is rolled back [U38]', async () => {
    const { error, hooks } = await outcomeOf(async () => {
      await app.students.create(pupil('killed-1'));
      await kill();
      await app.students.create(pupil('killed-2'));
    });
    expect(error).toBeInstanceOf(UnavailableError);
    expect(hooks).toEqual(rolledBack);
    expect(await app.stored('killed')).toEqual([]);
  });

  it('while a statement runs [U38]', async () => {
    const { error, hooks } = await outcomeOf(async () => {
      await app.students.create(pupil('killed-1'));
      const pid = await backendPid(app);
      await Promise.all([app.database.query('SELECT pg_sleep(0.9)'), terminate(app.truth, pid)]);
    });
    expect(error).toBeInstanceOf(UnavailableError);
    expect(hooks).toEqual(rolledBack);
    expect(await app.stored('killed')).toEqual([]);
  });

  it('before COMMIT is sent: certainly rolled back, not unknown [U32]', async () => {
    const { error, hooks } = await outcomeOf(async () => {
      await app.students.create(pupil('killed-1'));
      await kill();
    });
    expect(error).toBeInstanceOf(UnavailableError);
    expect(hooks).toEqual(rolledBack);
    expect(await app.stored('killed')).toEqual([]);
  });

  it('and ignored by the callback: the unit does not report a commit', async () => {
    const { error, hooks } = await outcomeOf(async () => {
      await app.students.create(pupil('killed-1'));
      await kill();
      await app.students.create(pupil('killed-2')).catch(() => undefined);
    });
    expect(error).toBeInstanceOf(UnexpectedRollbackError);
    expect((error as Error).cause).toBeInstanceOf(UnavailableError);
    expect(hooks).toEqual(rolledBack);
  });

  it('before ROLLBACK: the error of the callback is the one that surfaces [002-11] [U34]', async () => {
    const { error, hooks } = await outcomeOf(async () => {
      await app.students.create(pupil('killed-1'));
      await kill();
      throw new Error('mine');
    });
    expect(error).toEqual(new Error('mine'));
    expect(hooks).toEqual(rolledBack);
  });

  it('inside a NESTED unit: the outer unit cannot go on as if nothing had happened', async () => {
    const { error, hooks } = await outcomeOf(async () => {
      await app.students.create(pupil('killed-outer'));
      const inner = app.unitOfWork.executeInTransaction(
        async () => {
          await app.students.create(pupil('killed-inner'));
          await kill();
          await app.students.count();
        },
        undefined,
        { propagation: 'NESTED' },
      );
      await inner.catch(() => undefined);
    });
    expect(error).toBeInstanceOf(UnexpectedRollbackError);
    expect(hooks).toEqual(rolledBack);
    expect(await app.stored('killed')).toEqual([]);
  });

  it('during COMMIT: the outcome is unknown, and neither afterCommit nor afterRollback runs [D04] [U31]', async () => {
    const { error, hooks } = await outcomeOf(() => app.students.create(pupil('die-1')));
    expect(error).toBeInstanceOf(TransactionOutcomeUnknownError);
    expect(hooks).toEqual(['unknown']);
    expect(await app.stored('die')).toEqual([]);
  });

  it('during the COMMIT of a lone write [U31]', async () => {
    await expect(app.students.create(pupil('die-2'), app.clinics.a)).rejects.toThrow(TransactionOutcomeUnknownError);
    expect(await app.stored('die')).toEqual([]);
  });
});

describe('a connection cut on the wire', () => {
  it('at the begin of a unit: nothing was begun [U16]', async () => {
    proxy.cutOn('START TRANSACTION', 'before');
    const { error, hooks } = await outcomeOf(() => app.students.create(pupil('cut-1')));
    expect(error).toBeInstanceOf(UnavailableError);
    expect(hooks).toEqual(rolledBack);
    expect(await app.stored('cut')).toEqual([]);
  });

  it('before COMMIT arrives: unknown to us, and not stored [U31]', async () => {
    const { error, hooks } = await outcomeOf(async () => {
      await app.students.create(pupil('cut-2'));
      proxy.cutOn('COMMIT', 'before');
    });
    expect(error).toBeInstanceOf(TransactionOutcomeUnknownError);
    expect(hooks).toEqual(['unknown']);
    expect(await app.stored('cut-2')).toEqual([]);
  });

  it('after COMMIT was done: unknown to us, and stored [U31]', async () => {
    const { error, hooks } = await outcomeOf(async () => {
      await app.students.create(pupil('cut-3'));
      proxy.cutOn('COMMIT', 'after answer');
    });
    expect(error).toBeInstanceOf(TransactionOutcomeUnknownError);
    expect(hooks).toEqual(['unknown']);
    expect(await app.stored('cut-3')).toEqual(['cut-3']);
  });

  it('at ROLLBACK: the error of the callback surfaces, and nothing is stored [U34]', async () => {
    const { error, hooks } = await outcomeOf(async () => {
      await app.students.create(pupil('cut-4'));
      proxy.cutOn('ROLLBACK', 'before');
      throw new Error('mine');
    });
    expect(error).toEqual(new Error('mine'));
    expect(hooks).toEqual(rolledBack);
    await eventually(async () => (await app.stored('cut-4')).length === 0);
  });

  it('at RELEASE of a savepoint: the unit does not commit [U31]', async () => {
    const { error, hooks } = await outcomeOf(async () => {
      await app.students.create(pupil('cut-5'));
      proxy.cutOn('RELEASE', 'after answer');
      await app.unitOfWork
        .executeInTransaction(() => app.students.create(pupil('cut-5-inner')), undefined, { propagation: 'NESTED' })
        .catch(() => undefined);
    });
    expect(error).toBeInstanceOf(UnexpectedRollbackError);
    expect(hooks).toEqual(rolledBack);
    expect(await app.stored('cut-5')).toEqual([]);
  });

  it.each([
    ['before', 0],
    ['after answer', 1],
  ] as const)('at a lone write, %s: unknown, never "failed"', async (point, rows) => {
    const number = `cut-lone-${rows}`;
    proxy.cutOn('COMMIT', point);
    await expect(app.students.create(pupil(number), app.clinics.a)).rejects.toThrow(TransactionOutcomeUnknownError);
    expect(await app.stored(number)).toHaveLength(rows);
  });

  it('at a lone read: unavailable, for there is no outcome to doubt', async () => {
    proxy.cutOn('COMMIT', 'before');
    await expect(app.students.count({}, { context: app.clinics.a })).rejects.toThrow(UnavailableError);
    proxy.cutOn('SELECT 1', 'before');
    expect(await app.database.isHealthy()).toBe(false);
    expect(await app.database.isHealthy()).toBe(true);
  });

  it('at the COMMIT of a model outside a unit', async () => {
    proxy.cutOn('COMMIT', 'after answer');
    await expect(
      runWithContext(app.clinics.a, () => app.sequelize.models.Student!.create(pupil('cut-model'))),
    ).rejects.toThrow(TransactionOutcomeUnknownError);
    expect(await app.stored('cut-model')).toEqual(['cut-model']);
  });

  it('by a peer that falls silent: the call ends by itself [U82]', async () => {
    const { error } = await outcomeOf(async () => {
      await app.students.create(pupil('silent'));
      proxy.stall();
      try {
        await app.students.count();
      } finally {
        proxy.resume();
      }
    });
    expect(error).toMatchObject({ code: expect.stringMatching(/^(TIMEOUT|UNAVAILABLE)$/) });
    await eventually(async () => {
      await app.truth.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'phi_app' AND state LIKE 'idle in%' AND datname = current_database()`,
      );
      return (await app.stored('silent')).length === 0;
    });
  });
});
