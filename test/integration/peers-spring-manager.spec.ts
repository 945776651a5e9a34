import { type IUnitOfWork, type Propagation, type TransactionOptions } from '../../src';
import { poolStatus } from '../../src/database/connection/connections';
import { atCommit } from '../support/at-commit';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy';
import {
  backendPid,
  eventually,
  expectWholePool,
  INSERT_STUDENT,
  pupil,
  startStudentApp,
  type StudentApp,
  terminate,
} from '../support/student-app';
import { testServer } from '../support/test-server';

// Behaviours that Spring's DataSourceTransactionManagerTests name, on a real server.

let proxy: FaultProxy;
let app: StudentApp;
let runs = 0;
let prefix: string;
let hooks: string[];

beforeAll(async () => {
  proxy = await startFaultProxy(testServer());
  app = await startStudentApp({ port: proxy.port, pool: { min: 0, max: 3, acquireTimeoutMs: 10_000 } });
  await atCommit(app.truth, '%-late', 'refuses');
  await atCommit(app.truth, '%-die', 'dies');
});
afterAll(async () => {
  await app?.close();
  await proxy?.close();
});
beforeEach(() => {
  runs += 1;
  prefix = `s${runs}-`;
  hooks = [];
});
afterEach(() => expectWholePool(app, 3));

const write = (name: string) => app.students.create(pupil(`${prefix}${name}`));
const stored = async () => (await app.stored(prefix)).map((number) => number.slice(prefix.length));
const xid = async () => (await app.database.one<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid')).xid;

/** A unit whose completion is noted under its name. */
const unit = <T>(
  name: string,
  fn: (uow: IUnitOfWork) => Promise<T>,
  options: TransactionOptions | Propagation = {},
): Promise<T> =>
  app.unitOfWork.executeInTransaction(
    (uow) => {
      uow.afterCompletion((status) => hooks.push(`${name} ${status}`));
      return fn(uow);
    },
    app.clinics.a,
    typeof options === 'string' ? { propagation: options } : options,
  );
const told = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'returned',
    (error: { code?: string }) => error.code ?? error,
  );

describe('a participant that marks the unit rollback-only', () => {
  it('without throwing: the outer one returns, nothing is stored, and its caller is told [U20]', async () => {
    const outcome = await told(
      unit('outer', async () => {
        await write('outer');
        await unit('inner', () => app.sequelize.transaction(async (transaction) => transaction.rollback()));
        await write('after');
      }),
    );
    expect(outcome).toBe('UNEXPECTED_ROLLBACK');
    expect(hooks).toEqual(['outer rolled back', 'inner rolled back']);
    expect(await stored()).toEqual([]);
  });

  it('is told of by the outermost unit only: each one between returns normally', async () => {
    const returned: string[] = [];
    const outcome = await told(
      unit('1', async () => {
        await unit('2', async () => {
          await unit('3', async () => {
            await told(unit('4', () => Promise.reject(new Error('4'))));
            returned.push('3');
          });
          returned.push('2');
        });
        returned.push('1');
      }),
    );
    expect(returned).toEqual(['3', '2', '1']);
    expect(outcome).toBe('UNEXPECTED_ROLLBACK');
  });

  it('inside a REQUIRES_NEW unit ends that one, and the suspended one commits', async () => {
    await unit('outer', async () => {
      await write('outer');
      const inner = unit(
        'inner',
        async () => {
          await write('inner');
          await told(unit('joined', () => Promise.reject(new Error('x'))));
        },
        'REQUIRES_NEW',
      );
      expect(await told(inner)).toBe('UNEXPECTED_ROLLBACK');
    });
    expect(hooks).toEqual(['inner rolled back', 'joined rolled back', 'outer committed']);
    expect(await stored()).toEqual(['outer']);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a joined failure that was caught', () => told(unit('inner', () => Promise.reject(new Error('x'))))],
    ['rollback() of what Sequelize was handed', () => app.sequelize.transaction(async (own) => own.rollback())],
  ])('runs no beforeCommit hook, for there is no commit to come, and the cause is told: %s [U30]', async (_, work) => {
    const ran: string[] = [];
    const outcome = await told(
      unit('outer', async (uow) => {
        uow.beforeCommit(() => ran.push('before commit'));
        uow.beforeCommit(() => write('hook'));
        await work();
      }),
    );
    expect(outcome).toBe('UNEXPECTED_ROLLBACK');
    expect(ran).toEqual([]);
    expect(await stored()).toEqual([]);
  });
});

describe('a unit without an open one, under SUPPORTS or NEVER,', () => {
  it.each(['SUPPORTS', 'NOT_SUPPORTED', 'NEVER'] as const)(
    'is suspended by nothing: REQUIRES_NEW, REQUIRED and NESTED inside %s begin, and it goes on without one',
    async (propagation) => {
      const seen = new Set<string>();
      await app.unitOfWork.executeInTransaction(
        async (uow) => {
          seen.add(await xid());
          for (const inner of ['REQUIRES_NEW', 'REQUIRED', 'NESTED'] as const) {
            await unit(
              inner,
              async () => {
                expect(uow.isInTransaction()).toBe(true);
                seen.add(await xid());
                expect(seen.has(await xid())).toBe(true);
              },
              inner,
            );
            expect(uow.isInTransaction()).toBe(false);
          }
          seen.add(await xid());
        },
        app.clinics.a,
        { propagation },
      );
      expect(seen.size).toBe(5);
      expect(hooks).toEqual(['REQUIRES_NEW committed', 'REQUIRED committed', 'NESTED committed']);
    },
  );
});

describe('an exception on begin', () => {
  it('rejects the unit, stores nothing, and the next unit works [U16]', async () => {
    proxy.cutOn('START TRANSACTION', 'before');
    expect(await told(unit('first', () => write('first')))).toBe('UNAVAILABLE');
    await unit('second', () => write('second'));
    expect(hooks).toEqual(['first rolled back', 'second committed']);
    expect(await stored()).toEqual(['second']);
  });

  it('of REQUIRES_NEW leaves the suspended unit whole, if it catches that', async () => {
    await unit('outer', async () => {
      await write('outer');
      proxy.cutOn('START TRANSACTION', 'before');
      expect(await told(unit('inner', () => write('inner'), 'REQUIRES_NEW'))).toBe('UNAVAILABLE');
      await write('after');
    });
    expect(hooks).toEqual(['inner rolled back', 'outer committed']);
    expect(await stored()).toEqual(['after', 'outer']);
  });

  it('of REQUIRES_NEW, because the server takes no more connections, rolls the suspended unit back if it passes', async () => {
    // None but the one that the outer unit holds.
    await app.truth.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()',
      ['phi_app'],
    );
    await eventually(() => poolStatus(app.sequelize).size === 0);
    const outcome = told(
      unit('outer', async () => {
        await write('outer');
        await app.truth.query(`ALTER DATABASE ${app.db.name} CONNECTION LIMIT 0`);
        await unit('inner', () => write('inner'), 'REQUIRES_NEW');
      }),
    );
    expect(await outcome.finally(() => app.truth.query(`ALTER DATABASE ${app.db.name} CONNECTION LIMIT -1`))).toBe(
      'UNAVAILABLE',
    );
    expect(hooks).toEqual(['inner rolled back', 'outer rolled back']);
    expect(await stored()).toEqual([]);
  });
});

/** How COMMIT can fail, what the caller is told, and what was stored. */
const COMMITS: readonly [string, () => Promise<unknown>, string, string, boolean][] = [
  ['a deferred constraint', () => write('late'), 'CHECK_VIOLATION', 'rolled back', false],
  ['a backend killed by it', () => write('die'), 'TRANSACTION_OUTCOME_UNKNOWN', 'unknown', false],
  [
    'a wire cut before it',
    () => write('cut').then(() => proxy.cutOn('COMMIT', 'before')),
    'TRANSACTION_OUTCOME_UNKNOWN',
    'unknown',
    false,
  ],
  [
    'a wire cut after it',
    () => write('cut').then(() => proxy.cutOn('COMMIT', 'after answer')),
    'TRANSACTION_OUTCOME_UNKNOWN',
    'unknown',
    true,
  ],
  [
    'a connection that was lost before',
    async () => {
      await write('lost');
      const { used } = poolStatus(app.sequelize);
      await terminate(app.truth, await backendPid(app));
      await eventually(() => poolStatus(app.sequelize).used < used);
    },
    'UNAVAILABLE',
    'rolled back',
    false,
  ],
];

describe('an exception on commit [U31] [U33]', () => {
  it.each(COMMITS)('by %s is told as it is', async (_, work, code, status, there) => {
    expect(await told(unit('unit', work))).toBe(code);
    expect(hooks).toEqual([`unit ${status}`]);
    expect((await stored()).length > 0).toBe(there);
  });

  it.each(COMMITS)('of REQUIRES_NEW by %s leaves the suspended unit whole', async (_, work, code, status) => {
    await unit('outer', async () => {
      await write('outer');
      expect(await told(unit('inner', work, 'REQUIRES_NEW'))).toBe(code);
    });
    expect(hooks).toEqual([`inner ${status}`, 'outer committed']);
    expect(await stored()).toContain('outer');
  });
});

describe('an exception on rollback [U34]', () => {
  it.each(['REQUIRED', 'REQUIRES_NEW', 'NESTED'] as const)(
    'never masks the error of the callback: %s',
    async (propagation) => {
      const mine = new Error('mine');
      const failing = unit(
        'unit',
        async () => {
          await write('lost');
          proxy.cutOn('ROLLBACK', 'before');
          throw mine;
        },
        propagation,
      );
      expect(await told(failing)).toBe(mine);
      expect(hooks).toEqual(['unit rolled back']);
      await eventually(async () => (await stored()).length === 0);
    },
  );

  it('to a savepoint ends the unit around it, which cannot know what is left', async () => {
    const outcome = await told(
      unit('outer', async () => {
        await write('outer');
        const inner = unit(
          'inner',
          async () => {
            await write('inner');
            proxy.cutOn('ROLLBACK TO', 'before');
            throw new Error('mine');
          },
          'NESTED',
        );
        await expect(inner).rejects.toThrow('mine');
      }),
    );
    expect(outcome).toBe('UNEXPECTED_ROLLBACK');
    expect(await stored()).toEqual([]);
  });
});

describe('a limit of the server', () => {
  it.each([
    ['REQUIRED', 'UNEXPECTED_ROLLBACK', []],
    ['NESTED', 'returned', ['outer']],
    ['REQUIRES_NEW', 'returned', ['outer']],
  ] as const)('on waiting for a lock, in a unit that is %s and caught: %s', async (propagation, outcome, rows) => {
    const { id } = await app.students.create(pupil(`${prefix}contested`), app.clinics.a);
    const outer = unit('holder', async () => {
      await app.students.update(id, { grade: '6' });
      return app.unitOfWork.runOutsideTransaction(() =>
        told(
          unit(
            'outer',
            async () => {
              await write('outer');
              // REQUIRES_NEW takes no limit from the unit that it suspends.
              const inner = { propagation, ...(propagation === 'REQUIRES_NEW' ? { lockTimeoutMs: 50 } : {}) };
              expect(await told(unit('inner', () => app.students.update(id, { grade: '7' }), inner))).toBe('TIMEOUT');
            },
            { lockTimeoutMs: 50 },
          ),
        ),
      );
    });
    expect(await outer).toBe(outcome);
    expect((await stored()).filter((name) => name !== 'contested')).toEqual(rows);
  });

  it('on idling inside a transaction ends the session: the unit is told, and its slot is not lost [U38]', async () => {
    const outcome = await told(
      unit('idle', async () => {
        await write('idle');
        await app.database.query(`SET LOCAL idle_in_transaction_session_timeout = '50ms'`);
        const pid = await backendPid(app);
        await eventually(
          async () => (await app.truth.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount === 0,
        );
        await app.database.query(INSERT_STUDENT, [`${prefix}late`]);
      }),
    );
    expect(outcome).toBe('UNAVAILABLE');
    expect(hooks).toEqual(['idle rolled back']);
    expect(await stored()).toEqual([]);
  });
});
