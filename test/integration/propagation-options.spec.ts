import { getEventListeners } from 'node:events';
import { type Propagation, TimeoutError, TransactionAbortedError, type TransactionOptions } from '../../src';
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

const unit = <T>(fn: () => Promise<T>, options: TransactionOptions = {}): Promise<T> =>
  app.unitOfWork.executeInTransaction(fn, app.clinics.a, options);
const write = (number: string) => app.students.create(pupil(number));
const model = () => app.sequelize.models.Student!;
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'returned',
    (error: { code?: string; parent?: { code: string }; sqlState?: string }) =>
      error.parent?.code ?? error.sqlState ?? error.code ?? String(error),
  );

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 3, acquireTimeoutMs: 20_000 } });
});
afterAll(() => app?.close());
afterEach(() => expectWholePool(app, 3));

/** What the server holds the current transaction to. */
const settings = () =>
  app.database.one(
    `SELECT current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only') AS read_only,
       current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock`,
  );

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

describe('the options of a unit that begins a transaction [003-25]', () => {
  const wanted = {
    isolation: 'REPEATABLE READ',
    readOnly: true,
    statementTimeoutMs: 4_321,
    lockTimeoutMs: 1_234,
  } as const;
  const held = { isolation: 'repeatable read', read_only: 'on', statement: '4321ms', lock: '1234ms' };

  it.each(['REQUIRED', 'REQUIRES_NEW', 'NESTED'] as const)('hold on the server: %s', async (propagation) => {
    expect(await unit(settings, { ...wanted, propagation })).toEqual(held);
  });

  it('of REQUIRES_NEW are its own, and the suspended unit keeps what it has', async () => {
    await unit(
      async () => {
        const before = await settings();
        expect(await unit(settings, { ...wanted, propagation: 'REQUIRES_NEW' })).toEqual(held);
        expect(await settings()).toEqual(before);
        expect(before).toMatchObject({ isolation: 'serializable', read_only: 'off' });
      },
      { isolation: 'SERIALIZABLE' },
    );
  });

  it('of a unit that wants less than the open one has are its own with REQUIRES_NEW', async () => {
    await unit(
      () => unit(() => write('less'), { propagation: 'REQUIRES_NEW', readOnly: false, isolation: 'READ COMMITTED' }),
      { readOnly: true, isolation: 'SERIALIZABLE' },
    );
    expect(await app.stored('less')).toEqual(['less']);
  });

  it('do not reach the lone statements of NOT_SUPPORTED inside, nor the next user of the connection [U12]', async () => {
    const defaults = await settings();
    await unit(async () => {
      await app.database.query('SELECT 1');
      expect(await unit(settings, { propagation: 'NOT_SUPPORTED' })).toEqual(defaults);
    }, wanted);
    for (let i = 0; i < 3; i += 1) expect(await settings()).toEqual(defaults);
  });
});

const JOINING = ['REQUIRED', 'SUPPORTS', 'MANDATORY', 'NESTED'] as const;
const INNER: readonly [string, TransactionOptions, TransactionOptions, string][] = [
  ['a stronger isolation', { isolation: 'READ COMMITTED' }, { isolation: 'REPEATABLE READ' }, 'TRANSACTION_OPTIONS'],
  ['a stronger isolation than the default', {}, { isolation: 'SERIALIZABLE' }, 'TRANSACTION_OPTIONS'],
  ['the same isolation', { isolation: 'SERIALIZABLE' }, { isolation: 'SERIALIZABLE' }, 'returned'],
  ['a weaker isolation', { isolation: 'SERIALIZABLE' }, { isolation: 'READ COMMITTED' }, 'returned'],
  ['to write where the unit is read-only', { readOnly: true }, { readOnly: false }, 'TRANSACTION_OPTIONS'],
  ['readOnly where the unit is read-only', { readOnly: true }, { readOnly: true }, 'returned'],
  ['a shorter statement timeout', { statementTimeoutMs: 500 }, { statementTimeoutMs: 400 }, 'TRANSACTION_OPTIONS'],
  ['a statement timeout where there is none', {}, { statementTimeoutMs: 400 }, 'TRANSACTION_OPTIONS'],
  ['a longer statement timeout', { statementTimeoutMs: 500 }, { statementTimeoutMs: 600 }, 'returned'],
  ['a shorter lock timeout', { lockTimeoutMs: 500 }, { lockTimeoutMs: 400 }, 'TRANSACTION_OPTIONS'],
  ['a lock timeout where there is none', {}, { lockTimeoutMs: 400 }, 'TRANSACTION_OPTIONS'],
  ['the same lock timeout', { lockTimeoutMs: 500 }, { lockTimeoutMs: 500 }, 'returned'],
];

describe('an inner unit of an open transaction that wants [U14]', () => {
  it.each(
    JOINING.flatMap((propagation) =>
      INNER.map(
        ([what, outer, inner, told]) =>
          [what, propagation, told === 'returned' ? 'runs' : 'is refused before it runs', outer, inner, told] as const,
      ),
    ),
  )('%s, %s: %s, and the open unit stays whole', async (_what, propagation, _told, outer, inner, told) => {
    let runs = 0;
    await unit(async () => {
      expect(await code(unit(async () => (runs += 1), { ...inner, propagation }))).toBe(told);
      await app.database.query('SELECT 1');
    }, outer);
    expect(runs).toBe(told === 'returned' ? 1 : 0);
  });
});

describe('isolation and readOnly without anything to hold on', () => {
  it.each(
    (['SUPPORTS', 'NOT_SUPPORTED', 'NEVER'] as const).flatMap((propagation) =>
      [{ isolation: 'SERIALIZABLE' as const }, { readOnly: true }].map(
        (options) => [propagation, Object.keys(options)[0]!, options] as const,
      ),
    ),
  )('are refused, not ignored: %s without a unit and %s [U14]', async (propagation, _, options) => {
    let runs = 0;
    expect(await code(unit(async () => (runs += 1), { ...options, propagation }))).toBe('TRANSACTION_OPTIONS');
    expect(runs).toBe(0);
  });
});

describe('an unknown value', () => {
  it.each([{ propagation: 'required' }, { propagation: null }, { propagation: 'toString' }, { isolation: 'CHAOS' }])(
    'is refused before the callback runs, with a unit open and without: %j',
    async (options) => {
      let runs = 0;
      const attempt = () => code(unit(async () => (runs += 1), options as never));
      expect(await attempt()).toBe('TRANSACTION_OPTIONS');
      expect(await unit(attempt)).toBe('TRANSACTION_OPTIONS');
      expect(runs).toBe(0);
    },
  );
});

let id: string;
beforeAll(async () => {
  ({ id } = await app.students.create(pupil('standing'), app.clinics.a));
});

/** Every kind of write. */
const WRITES: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['create of a repository', () => write('refused')],
  ['bulkCreate of a repository', () => app.students.bulkCreate([pupil('refused')])],
  ['update of a repository', () => app.students.update(id, { grade: '6' })],
  ['delete of a repository', () => app.students.delete(id)],
  ['create of a model', () => model().create(pupil('refused'))],
  ['update of a model', () => model().update({ grade: '6' }, { where: { studentNumber: 'standing' } })],
  ['destroy of a model', () => model().destroy({ where: { studentNumber: 'standing' } })],
  ['raw SQL', () => app.database.query(INSERT_STUDENT, ['refused'])],
  ['raw SQL behind a comment', () => app.database.query(`/* SELECT */ -- x\n${INSERT_STUDENT}`, ['refused'])],
  [
    'a write inside WITH',
    () => app.database.query(`WITH gone AS (DELETE FROM students RETURNING id) SELECT count(*) FROM gone`),
  ],
  ['Database.none', () => app.database.none(`UPDATE students SET grade = '6' WHERE id = $1`, [id])],
  ['sequelize.query', () => app.sequelize.query(INSERT_STUDENT, { bind: ['refused'] })],
];
const READS: readonly (() => Promise<unknown>)[] = [
  () => app.students.findById(id),
  () => app.students.count(),
  () => model().findAll(),
  () => app.database.query('SELECT 1'),
  () => app.database.query('VALUES (1)'),
  () => app.database.query('TABLE students'),
  () => app.database.query('SHOW transaction_read_only'),
  () => app.database.query('EXPLAIN SELECT 1'),
  () => app.sequelize.query('SELECT 1'),
];

async function expectUntouched(): Promise<void> {
  const { rows } = await app.truth.query(
    `SELECT grade, version, deleted_at FROM students WHERE student_number IN ('standing', 'refused')`,
  );
  expect(rows).toEqual([{ grade: '5', version: 1, deleted_at: null }]);
}

/** Where readOnly stands, and who opens the unit around it. */
const READ_ONLY: readonly [string, (fn: () => Promise<unknown>) => Promise<unknown>, string][] = [
  ['on a root', (fn) => unit(fn, { readOnly: true }), '25006'],
  [
    'on REQUIRES_NEW in a unit that writes',
    (fn) => unit(() => unit(fn, { propagation: 'REQUIRES_NEW', readOnly: true })),
    '25006',
  ],
  ['on the root of a joined unit', (fn) => unit(() => unit(fn), { readOnly: true }), '25006'],
  ['on the root of a savepoint', (fn) => unit(() => unit(fn, { propagation: 'NESTED' }), { readOnly: true }), '25006'],
  [
    'on a savepoint in a unit that writes',
    (fn) => unit(() => unit(fn, { propagation: 'NESTED', readOnly: true })),
    '25006',
  ],
  [
    'on a savepoint in a savepoint',
    (fn) => unit(() => unit(() => unit(fn, { propagation: 'NESTED' }), { propagation: 'NESTED', readOnly: true })),
    '25006',
  ],
  [
    'on a joined unit in a unit that writes',
    (fn) => unit(() => unit(fn, { readOnly: true })),
    '(25006|TRANSACTION_OPTIONS)',
  ],
  [
    'on a unit around a joined one',
    (fn) => unit(() => unit(() => unit(fn), { readOnly: true })),
    '(25006|TRANSACTION_OPTIONS)',
  ],
];

describe('readOnly [U13]', () => {
  it.each(
    READ_ONLY.flatMap(([where, run, told]) =>
      WRITES.map(([what, attempt]) => [where, what, run, attempt, told] as const),
    ),
  )('%s refuses %s, and nothing changes', async (_where, _what, run, attempt, told) => {
    expect(await code(run(attempt))).toMatch(new RegExp(`^${told}$`));
    await expectUntouched();
  });

  it.each(READ_ONLY)('%s lets every read through', async (_where, run) => {
    for (const read of READS) expect(await code(run(read))).toBe('returned');
  });

  it.each(['REQUIRED', 'NESTED'] as const)(
    '%s ends with the inner unit: the open one writes again',
    async (propagation) => {
      const prefix = `again-${propagation}`;
      await unit(async () => {
        await write(`${prefix}-1`);
        await unit(() => app.students.count(), { propagation, readOnly: true });
        await write(`${prefix}-2`);
      });
      expect(await app.stored(prefix)).toEqual([`${prefix}-1`, `${prefix}-2`]);
    },
  );

  it('of a savepoint that failed ends with it, too', async () => {
    await unit(async () => {
      await write('savepoint-1');
      await expect(unit(() => write('savepoint-2'), { propagation: 'NESTED', readOnly: true })).rejects.toMatchObject({
        sqlState: '25006',
      });
      expect(await settings()).toMatchObject({ read_only: 'off' });
      await write('savepoint-3');
    });
    expect(await app.stored('savepoint')).toEqual(['savepoint-1', 'savepoint-3']);
  });
});

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
});
