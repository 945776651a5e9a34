import { AUDIT_LOGGER, type IAuditLogger, type TransactionOptions } from '../../src';
import { markTrail } from '../support/audit-events';
import { expectWholePool, INSERT_STUDENT, pupil, startStudentApp, type StudentApp } from '../support/student-app';

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
  ['sequelize.transaction', () => app.sequelize.transaction(() => model().create(pupil('refused')))],
  [
    'findOrCreate of a model',
    () => model().findOrCreate({ where: { studentNumber: 'refused' }, defaults: pupil('refused') }),
  ],
  ['increment of a model', () => model().increment('version', { where: { studentNumber: 'standing' } })],
  ['update by a function', () => app.students.update(id, () => ({ grade: '6' }))],
  ['updateMany', () => app.students.updateMany({ studentNumber: 'standing' }, { grade: '6' })],
  ['deleteMany', () => app.students.deleteMany({ studentNumber: 'standing' })],
  ['upsert', () => app.students.upsert({ studentNumber: 'refused' }, pupil('refused'))],
  ['the audit logger', () => app.module.get<IAuditLogger>(AUDIT_LOGGER).logRead('Student', id, app.clinics.a)],
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

const trail = () => markTrail(app.truth);

async function expectUntouched(events: string): Promise<void> {
  expect(await trail()).toBe(events);
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
    const events = await trail();
    expect(await code(run(attempt))).toMatch(new RegExp(`^${told}$`));
    await expectUntouched(events);
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
