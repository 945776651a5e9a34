import { TimeoutError, TransactionOptionsError, TransactionScopeClosedError } from '../../src';
import {
  eventually,
  expectWholePool,
  INSERT_STUDENT,
  pupil,
  signal,
  startStudentApp,
  type StudentApp,
} from '../support/student-app';

let app: StudentApp;

const unit: StudentApp['unitOfWork']['executeInTransaction'] = (fn, context = app.clinics.a, options) =>
  app.unitOfWork.executeInTransaction(fn, context, options);

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 2, acquireTimeoutMs: 8_000 } });
});
afterAll(() => app?.close());

/** Sessions of the application that run a statement with `text` in it. */
const running = async (text: string): Promise<number> => {
  const { rowCount } = await app.truth.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = 'phi_app' AND state = 'active' AND query LIKE $1`,
    [`%${text}%`],
  );
  return rowCount ?? 0;
};

describe('timeoutMs', () => {
  it('rejects with TimeoutError, stores nothing, and refuses what the callback sends later [U35]', async () => {
    const seen: unknown[] = [];
    const timedOut = signal();
    const late = signal<unknown>();
    await expect(
      unit(
        async (uow) => {
          uow.afterRollback((error) => seen.push(error));
          uow.afterCommit(() => seen.push('committed'));
          await app.students.create(pupil('slow-1'));
          await timedOut.promise;
          await app.students.create(pupil('slow-2')).catch(late.resolve);
          await app.sequelize.query(INSERT_STUDENT, { bind: ['slow-3'] });
        },
        undefined,
        { timeoutMs: 100 },
      ),
    ).rejects.toThrow(TimeoutError);
    timedOut.resolve();
    expect(await late.promise).toBeInstanceOf(TransactionScopeClosedError);
    expect(seen).toEqual([expect.any(TimeoutError)]);
    expect(await app.stored('slow')).toEqual([]);
    await expectWholePool(app, 2);
  });

  it('cancels the statement on the server, and does not wait for its own limit [U35]', async () => {
    await expect(
      unit(() => app.database.query('SELECT pg_sleep(600)'), undefined, {
        timeoutMs: 200,
        statementTimeoutMs: 600_000,
      }),
    ).rejects.toThrow(TimeoutError);
    await eventually(async () => (await running('pg_sleep(600)')) === 0);
    await expectWholePool(app, 2);
  });

  it('counts while the unit waits for a connection; the one that comes too late goes back to the pool', async () => {
    const held = signal();
    const holding = Promise.all(
      [1, 2].map(() =>
        unit(async () => {
          await app.database.query('SELECT 1');
          await held.promise;
        }),
      ),
    );
    await expect(unit(() => app.students.create(pupil('waiting')), undefined, { timeoutMs: 100 })).rejects.toThrow(
      TimeoutError,
    );
    held.resolve();
    await holding;
    await expectWholePool(app, 2);
    expect(await app.stored('waiting')).toEqual([]);
  });

  it('counts for beforeCommit hooks, too', async () => {
    await expect(
      unit(
        async (uow) => {
          uow.beforeCommit(() => new Promise(() => undefined));
          await app.students.create(pupil('stuck'));
        },
        undefined,
        { timeoutMs: 100 },
      ),
    ).rejects.toThrow(TimeoutError);
    expect(await app.stored('stuck')).toEqual([]);
    await expectWholePool(app, 2);
  });

  it('refuses a nested unit that goes on, and never lets it reach another connection', async () => {
    const timedOut = signal();
    let inner: Promise<unknown> | undefined;
    await expect(
      unit(
        async () => {
          inner = unit(
            async () => {
              await app.students.create(pupil('deep-slow-1'));
              await timedOut.promise;
              await app.students.create(pupil('deep-slow-2'));
            },
            undefined,
            { propagation: 'NESTED' },
          );
          await inner;
        },
        undefined,
        { timeoutMs: 100 },
      ),
    ).rejects.toThrow(TimeoutError);
    timedOut.resolve();
    await expect(inner).rejects.toThrow(TransactionScopeClosedError);
    expect(await app.stored('deep-slow')).toEqual([]);
    await expectWholePool(app, 2);
  });
});

describe('statementTimeoutMs and lockTimeoutMs', () => {
  it('are kept by the server, and leave the connection usable', async () => {
    await expect(
      unit(() => app.database.query('SELECT pg_sleep(600)'), undefined, { statementTimeoutMs: 50 }),
    ).rejects.toMatchObject({ code: 'TIMEOUT', sqlState: '57014' });
    const { id } = await app.students.create(pupil('locked'), app.clinics.a);
    await unit(async () => {
      await app.students.update(id, { grade: '6' });
      await expect(
        app.unitOfWork.runOutsideTransaction(() =>
          unit(() => app.students.update(id, { grade: '7' }), undefined, { lockTimeoutMs: 50 }),
        ),
      ).rejects.toMatchObject({ code: 'TIMEOUT', sqlState: '55P03' });
    });
    expect((await app.students.findById(id, { context: app.clinics.a }))?.grade).toBe('6');
    await expectWholePool(app, 2);
  });

  it('end with the transaction: the next user of the connection has the defaults [U12]', async () => {
    const before = await app.database.one('SHOW statement_timeout');
    await unit(() => app.database.query('SELECT 1'), undefined, { statementTimeoutMs: 4_321, lockTimeoutMs: 1_234 });
    for (let i = 0; i < 4; i += 1) {
      expect(await app.database.one('SHOW statement_timeout')).toEqual(before);
      expect(await app.database.one('SHOW lock_timeout')).toEqual({ lock_timeout: '0' });
    }
  });
});

describe('readOnly', () => {
  it.each([
    ['a repository', () => app.students.create(pupil('read-only'))],
    ['raw SQL', () => app.database.query(INSERT_STUDENT, ['read-only'])],
    ['Database.none', () => app.database.none(INSERT_STUDENT, ['read-only'])],
  ])('is enforced by the server, against %s', async (_, write) => {
    await expect(unit(write as () => Promise<unknown>, undefined, { readOnly: true })).rejects.toMatchObject({
      sqlState: '25006',
    });
    expect(await app.stored('read-only')).toEqual([]);
  });

  it('is enforced by the server against a model, and lets reads through [U13]', async () => {
    await expect(
      unit(() => app.sequelize.models.Student!.create(pupil('read-only')), undefined, { readOnly: true }),
    ).rejects.toMatchObject({ parent: { code: '25006' } });
    expect(await unit(() => app.students.count({ studentNumber: 'read-only' }), undefined, { readOnly: true })).toBe(0);
  });

  it('cannot be left by an inner unit that wants to write [U14]', async () => {
    await expect(
      unit(() => unit(() => app.students.create(pupil('read-only')), undefined, { readOnly: false }), undefined, {
        readOnly: true,
      }),
    ).rejects.toThrow(TransactionOptionsError);
  });
});

describe('isolation', () => {
  it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'is honoured: %s [003-25]',
    async (isolation) => {
      const row = await unit(() => app.database.one('SHOW transaction_isolation'), undefined, { isolation });
      expect(row).toEqual({ transaction_isolation: isolation.toLowerCase() });
      expect(await app.database.one('SHOW transaction_isolation')).toEqual({ transaction_isolation: 'read committed' });
    },
  );

  it('of REPEATABLE READ shows one snapshot, where READ COMMITTED shows the change', async () => {
    const counts = async (isolation: 'READ COMMITTED' | 'REPEATABLE READ', number: string): Promise<number[]> =>
      unit(
        async (uow) => {
          const before = await app.students.count({ studentNumber: { like: 'snapshot%' } });
          await uow.runOutsideTransaction(() => app.students.create(pupil(number)));
          return [before, await app.students.count({ studentNumber: { like: 'snapshot%' } })];
        },
        undefined,
        { isolation },
      );
    expect(await counts('REPEATABLE READ', 'snapshot-1')).toEqual([0, 0]);
    expect(await counts('READ COMMITTED', 'snapshot-2')).toEqual([1, 2]);
  });

  it('that is stronger than the open unit has is refused, one that is satisfied is not [U14]', async () => {
    await unit(
      async () => {
        await expect(unit(async () => 1, undefined, { isolation: 'SERIALIZABLE' })).rejects.toThrow(
          TransactionOptionsError,
        );
        await expect(
          app.sequelize.transaction({ isolationLevel: 'SERIALIZABLE' as never }, async () => 1),
        ).rejects.toThrow(TransactionOptionsError);
        await expect(unit(async () => 1, undefined, { isolation: 'REPEATABLE READ' })).resolves.toBe(1);
        await expect(unit(async () => 1, undefined, { isolation: 'READ COMMITTED' })).resolves.toBe(1);
      },
      undefined,
      { isolation: 'REPEATABLE READ' },
    );
    await unit(async () => {
      await expect(unit(async () => 1, undefined, { isolation: 'READ COMMITTED' })).resolves.toBe(1);
      await expect(
        unit(async () => 1, undefined, { isolation: 'SERIALIZABLE', propagation: 'NESTED' }),
      ).rejects.toThrow(TransactionOptionsError);
    });
  });
});

describe('an option that cannot be honoured', () => {
  it.each([
    [{ timeoutMs: 0 }],
    [{ timeoutMs: Number.NaN }],
    [{ timeoutMs: 2 ** 31 }],
    [{ statementTimeoutMs: -1 }],
    [{ statementTimeoutMs: 2 ** 40 }],
    [{ lockTimeoutMs: Number.POSITIVE_INFINITY }],
    [{ isolation: 'SNAPSHOT' }],
    [{ isolation: 'SERIALIZABLE; DROP TABLE students; --' }],
    [{ propagation: 'SOMETIMES' }],
  ])('is refused before the callback runs: %j', async (options) => {
    let runs = 0;
    await expect(unit(async () => (runs += 1), undefined, options as never)).rejects.toThrow(TransactionOptionsError);
    expect(runs).toBe(0);
  });
});
