import { randomUUID } from 'node:crypto';
import { Transaction } from 'sequelize';
import { Sequelize } from 'sequelize-typescript';
import { readOptions, runWithContext, TransactionOptionsError, UnexpectedRollbackError } from '../../src';
import { closePool } from '../../src/database/connection/connections';
import { bindSequelize } from '../../src/database/connection/sequelize-binding';
import { sequelizeOptions } from '../../src/database/connection/sequelize-options';
import { attachRuntime, type DatabaseRuntime } from '../../src/database/transaction/runtime';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectWholePool, INSERT_STUDENT, pupil, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;

const unit: StudentApp['unitOfWork']['executeInTransaction'] = (fn, context = app.clinics.a, options) =>
  app.unitOfWork.executeInTransaction(fn, context, options);
const model = () => app.sequelize.models.Student!;

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 2, acquireTimeoutMs: 5_000 } });
});
afterAll(() => app?.close());

describe('everything that runs on the bound instance', () => {
  let id: string;
  beforeAll(async () => {
    ({ id } = await app.students.create(pupil('standing'), app.clinics.a));
  });

  const standing = async () => {
    const { rows } = await app.truth.query(
      `SELECT grade, version, deleted_at FROM students WHERE student_number = 'standing'`,
    );
    return rows as unknown[];
  };

  it.each<[string, () => Promise<unknown>]>([
    ['Model.create', () => model().create(pupil('joined'))],
    ['build and save', () => model().build(pupil('joined')).save()],
    ['Model.bulkCreate', () => model().bulkCreate([pupil('joined'), pupil('joined-2')])],
    [
      'Model.findOrCreate',
      () => model().findOrCreate({ where: { studentNumber: 'joined' }, defaults: pupil('joined') }),
    ],
    [
      'Model.findCreateFind',
      () => model().findCreateFind({ where: { studentNumber: 'joined' }, defaults: pupil('joined') }),
    ],
    [
      'Model.upsert',
      () => model().upsert({ id: randomUUID(), ...pupil('joined') }, { conflictFields: ['clinic_id', 'id'] as never }),
    ],
    ['Model.increment', () => model().increment('version', { where: { studentNumber: 'standing' } })],
    ['Model.update', () => model().update({ grade: '9' }, { where: { studentNumber: 'standing' } })],
    ['Model.destroy', () => model().destroy({ where: { studentNumber: 'standing' } })],
    ['Model.destroy with force', () => model().destroy({ where: { studentNumber: 'standing' }, force: true })],
    [
      'an instance',
      async () => (await model().findOne({ where: { studentNumber: 'standing' } }))!.update({ grade: '8' }),
    ],
    ['sequelize.query', () => app.sequelize.query(INSERT_STUDENT, { bind: ['joined'] })],
    [
      'sequelize.query with transaction: null',
      () => app.sequelize.query(INSERT_STUDENT, { bind: ['joined'], transaction: null }),
    ],
    ['sequelize.transaction', () => app.sequelize.transaction(() => model().create(pupil('joined')))],
    [
      'sequelize.transaction, passed on',
      () => app.sequelize.transaction((transaction) => model().create(pupil('joined'), { transaction })),
    ],
    [
      'sequelize.transaction within another',
      () =>
        app.sequelize.transaction((outer) =>
          app.sequelize.transaction({ transaction: outer }, (transaction) =>
            model().create(pupil('joined'), { transaction }),
          ),
        ),
    ],
    [
      'the query interface',
      () => app.sequelize.getQueryInterface().bulkUpdate('students', { grade: '7' }, { student_number: 'standing' }),
    ],
    ['Database.query', () => app.database.query(INSERT_STUDENT, ['joined'])],
    ['Database.tx', () => app.database.tx(() => app.students.create(pupil('joined')))],
    ['a repository', () => app.students.update(id, { grade: '6' })],
  ])('joins the unit, and vanishes with its rollback: %s [D01]', async (_, work) => {
    const before = await standing();
    const undo = new Error('undo');
    await expect(
      unit(async () => {
        await work();
        const seen = await app.database.one<{ changed: boolean }>(
          `SELECT count(*) FILTER (WHERE student_number LIKE 'joined%') > 0 OR bool_or(student_number = 'standing' AND xmin::text = pg_current_xact_id()::text)
            OR count(*) FILTER (WHERE student_number = 'standing') = 0 AS changed FROM students`,
        );
        expect(seen.changed).toBe(true);
        throw undo;
      }),
    ).rejects.toBe(undo);
    expect(await app.stored('joined')).toEqual([]);
    expect(await standing()).toEqual(before);
  });

  it('uses one connection for all of it [U02]', async () => {
    await unit(async () => {
      const pid = 'SELECT pg_backend_pid() AS pid';
      const [[first], [second], third] = await Promise.all([
        app.database.query<{ pid: number }>(pid),
        app.sequelize.query(pid).then(([rows]) => rows as { pid: number }[]),
        app.sequelize.transaction(() => app.database.one<{ pid: number }>(pid)),
      ]);
      expect(new Set([first!.pid, second!.pid, third.pid]).size).toBe(1);
    });
    await expectWholePool(app, 2);
  });

  it('stores what it writes when the unit commits, and finds it again [U02]', async () => {
    const found = await unit(async () => {
      await model().findOrCreate({ where: { studentNumber: 'found' }, defaults: pupil('found') });
      const [, created] = await model().findOrCreate({ where: { studentNumber: 'found' }, defaults: pupil('found') });
      return created;
    });
    expect(found).toBe(false);
    expect(await app.stored('found')).toEqual(['found']);
  });

  it('lets findOrCreate lose a race without ending the unit [U02]', async () => {
    await unit(async () => {
      // The row appears between its read and its insert.
      const hook = jest.fn(async () => {
        await app.unitOfWork.runOutsideTransaction(() =>
          runWithContext(app.clinics.a, () => app.students.create(pupil('raced'))),
        );
      });
      model().addHook('beforeCreate', 'race', hook as never);
      try {
        const [row, created] = await model().findOrCreate({
          where: { studentNumber: 'raced' },
          defaults: pupil('raced'),
        });
        expect(created).toBe(false);
        expect(row.get('studentNumber')).toBe('raced');
      } finally {
        model().removeHook('beforeCreate', 'race');
      }
      expect(hook).toHaveBeenCalledTimes(1);
      await app.students.create(pupil('raced-after'));
    });
    expect(await app.stored('raced')).toEqual(['raced', 'raced-after']);
  });

  it('gets a transaction with the tenant of its own outside a unit', async () => {
    await runWithContext(app.clinics.a, async () => {
      const [row] = await model().findOrCreate({ where: { studentNumber: 'alone' }, defaults: pupil('alone') });
      expect(row.get('clinicId')).toBe(app.clinics.a.clinicId);
      expect(await model().count({ where: { studentNumber: 'alone' } })).toBe(1);
    });
    expect(await runWithContext(app.clinics.b, () => model().count())).toBe(0);
    expect(await model().count()).toBe(0);
    await expectWholePool(app, 2);
  });

  it('leaves Sequelize itself unbound: no CLS is set for other instances [U01]', () => {
    expect((Sequelize as unknown as { _cls?: unknown })._cls).toBeUndefined();
    expect(Object.getPrototypeOf(app.sequelize)).toBe(Sequelize.prototype);
  });
});

describe('the transaction that Sequelize is handed inside a unit', () => {
  it('cannot be committed, and rolling it back undoes the unit', async () => {
    await expect(
      unit(() =>
        app.sequelize.transaction(async (transaction) => {
          await model().create(pupil('by-hand'));
          await transaction.commit();
        }),
      ),
    ).rejects.toThrow(TransactionOptionsError);
    await expect(
      unit(() =>
        app.sequelize.transaction(async (transaction) => {
          await model().create(pupil('by-hand'));
          await transaction.rollback();
        }),
      ),
    ).rejects.toThrow(UnexpectedRollbackError);
    expect(await app.stored('by-hand')).toEqual([]);
  });

  it('that fails and is caught makes the unit rollback-only, with the cause [U20]', async () => {
    const cause = new Error('inner');
    const error = await unit(async () => {
      await app.students.create(pupil('caught'));
      await app.sequelize.transaction(() => Promise.reject(cause)).catch(() => undefined);
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnexpectedRollbackError);
    expect((error as Error).cause).toBe(cause);
    expect(await app.stored('caught')).toEqual([]);
  });

  it('cannot be had without a callback: it would take a second connection [U05]', async () => {
    await expect(unit(() => app.sequelize.transaction())).rejects.toThrow(TransactionOptionsError);
    await expectWholePool(app, 2);
  });

  it('is refused once the unit has settled, however it is used [U03]', async () => {
    let kept: Transaction | undefined;
    await unit(() =>
      app.sequelize.transaction(async (transaction) => {
        kept = transaction;
      }),
    );
    const transaction = kept!;
    const closed = { code: 'TRANSACTION_SCOPE_CLOSED' };
    await runWithContext(app.clinics.a, async () => {
      await expect(model().create(pupil('kept'), { transaction })).rejects.toMatchObject(closed);
      await expect(app.students.create(pupil('kept'), undefined, { transaction })).rejects.toMatchObject(closed);
      await expect(app.sequelize.query(INSERT_STUDENT, { bind: ['kept'], transaction })).rejects.toMatchObject(closed);
      await expect(app.sequelize.transaction({ transaction }, () => Promise.resolve())).rejects.toMatchObject(closed);
    });
    expect(await app.stored('kept')).toEqual([]);
  });
});

describe('two Sequelize instances', () => {
  let db: TestDatabase;
  let other: Sequelize;
  let runtime: DatabaseRuntime;

  beforeAll(async () => {
    db = await createTestDatabase();
    const options = readOptions(db.env, { pool: { min: 0, max: 2 } });
    other = new Sequelize(sequelizeOptions(options) as never);
    runtime = attachRuntime(other, options);
    const clinic = {
      text: `INSERT INTO clinics (id, name) VALUES ($1, 'Clinic A')`,
      values: [app.clinics.a.clinicId],
      operation: 'plant',
      write: true,
    };
    await runtime.runner.run(clinic, { context: app.clinics.a });
  });
  afterAll(async () => {
    await closePool(other, 1_000);
    await db.drop();
  });

  const stored = async (): Promise<string[]> => {
    const { rows } = await (
      await db.superClient()
    ).query<{ number: string }>('SELECT student_number AS number FROM students ORDER BY 1');
    return rows.map(({ number }) => number);
  };
  const where = async (sequelize: Sequelize): Promise<unknown> => {
    const [rows] = await sequelize.query('SELECT current_database() AS name');
    return (rows as { name: string }[])[0]!.name;
  };

  it('never see each other’s unit: each statement runs on its own database, in or outside its own unit [U01]', async () => {
    await expect(
      unit(async () => {
        expect(await where(other)).toBe(db.name);
        expect(await where(app.sequelize)).toBe(app.db.name);
        await other.query(INSERT_STUDENT, { bind: ['other-alone'] });
        await runtime.runner.run({ text: INSERT_STUDENT, values: ['other-runner'], operation: 'insert', write: true });
        await app.students.create(pupil('own'));
        expect(runtime.unitOfWork.isInTransaction()).toBe(false);
        throw new Error('undo');
      }),
    ).rejects.toThrow('undo');
    expect(await stored()).toEqual(['other-alone', 'other-runner']);
    expect(await app.stored('o')).toEqual([]);
  });

  it('may have a unit open each, which settle apart [U01]', async () => {
    await unit(async () => {
      await app.students.create(pupil('mixed-own'));
      const inner = runtime.unitOfWork.executeInTransaction(async () => {
        await other.query(INSERT_STUDENT, { bind: ['mixed-other'] });
        await app.students.create(pupil('mixed-inside'));
        throw new Error('other only');
      });
      await expect(inner).rejects.toThrow('other only');
    });
    expect(await app.stored('mixed')).toEqual(['mixed-inside', 'mixed-own']);
    expect(await stored()).not.toContain('mixed-other');
  });

  it('refuse each other’s transactions [U09]', async () => {
    const foreign = { code: 'TRANSACTION_OPTIONS' };
    const own = await other.transaction();
    const inUnit = await runtime.unitOfWork.executeInTransaction(() =>
      other.transaction(async (transaction) => transaction),
    );
    for (const transaction of [own, inUnit]) {
      await expect(app.students.create(pupil('foreign'), app.clinics.a, { transaction })).rejects.toMatchObject(
        foreign,
      );
      await expect(app.sequelize.query('SELECT 1', { transaction })).rejects.toMatchObject(foreign);
      await expect(app.sequelize.transaction({ transaction }, () => Promise.resolve())).rejects.toMatchObject(foreign);
      await expect(
        runWithContext(app.clinics.a, () => model().create(pupil('foreign'), { transaction })),
      ).rejects.toMatchObject(foreign);
    }
    await own.rollback();
    expect(await stored()).not.toContain('foreign');
    expect(await app.stored('foreign')).toEqual([]);
  });

  it('are bound once each, and an unbound one is left as it was', async () => {
    bindSequelize(other, true);
    expect(attachRuntime(other, readOptions(db.env))).toBe(runtime);
    const plain = new Sequelize(sequelizeOptions(readOptions(db.env)) as never);
    try {
      await unit(async () => {
        expect(await where(plain)).toBe(db.name);
        const own = await plain.transaction();
        expect(own).toBeInstanceOf(Transaction);
        await own.rollback();
      });
    } finally {
      await plain.close();
    }
  });
});
