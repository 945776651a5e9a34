import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { type Entity, InvalidInputError, runWithContext } from '../../src';
import { EmergencyContactRepository, Student, StudentRepository } from '../../src/domains';
import { eventsSince, markTrail } from '../support/audit-events';
import { rejectionOf } from '../support/refusal';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { eventually, pupil, signal } from '../support/student-app';

/** Uses the hooks of a write. */
class HookedStudentRepository extends StudentRepository {
  readonly judged: Entity<Student>[] = [];
  readonly dropped: string[] = [];
  refuse = '';
  meanwhile: () => Promise<unknown> = () => Promise.resolve();

  protected override async validateUpdate(_id: string, _data: object, current: Entity<Student>): Promise<void> {
    this.judged.push(current);
    await this.meanwhile();
    if (current.studentNumber === this.refuse) throw new Error('refused by the hook');
  }

  protected override invalidateCaches({ id }: Entity<Student>): void {
    this.dropped.push(id);
  }
}

let app: DatabaseApp;
let clinics: TwoClinics;
let truth: Client;
let students: StudentRepository;
let hooked: HookedStudentRepository;

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository, HookedStudentRepository, EmergencyContactRepository]);
  clinics = await plantClinics(app);
  truth = await app.db.superClient();
  [students, hooked] = [app.get(StudentRepository), app.get(HookedStudentRepository)];
});
afterAll(() => app?.close());
beforeEach(() => {
  hooked.judged.length = 0;
  hooked.dropped.length = 0;
  hooked.refuse = '';
  hooked.meanwhile = () => Promise.resolve();
});

const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);
const plant = (prefix: string, count: number, context = clinics.a) =>
  students.bulkCreate(
    Array.from({ length: count }, (_, i) => pupil(`${prefix}-${i}`)),
    context,
  );
const of = (prefix: string) => ({ studentNumber: { like: `${prefix}-%` } });
/** What is stored, whoever may see it. */
const rowsOf = async (prefix: string) => {
  const { rows } = await truth.query<{ id: string; grade: string; version: number; deleted_at: Date | null }>(
    'SELECT id, grade, version, deleted_at FROM students WHERE starts_with(student_number, $1) ORDER BY id',
    [`${prefix}-`],
  );
  return rows;
};

describe('updateMany', () => {
  it('sets the given attributes of the rows that match, and raises each version [003-43] [D21] [U61]', async () => {
    const planted = await plant('set', 5);
    await students.delete(planted[4]!.id, clinics.a);
    const written = await students.updateMany(
      { ...of('set'), studentNumber: { in: ['set-0', 'set-1', 'set-4'] } },
      { grade: '6' },
      clinics.a,
    );
    expect(written).toEqual({ count: 2, ids: [planted[0]!.id, planted[1]!.id].sort() });
    expect(Object.isFrozen(written) && Object.isFrozen(written.ids)).toBe(true);
    const stored = new Map((await rowsOf('set')).map((row) => [row.id, row]));
    expect(planted.map(({ id }) => stored.get(id)!.grade)).toEqual(['6', '6', '5', '5', '5']);
    expect(planted.map(({ id }) => stored.get(id)!.version)).toEqual([2, 2, 1, 1, 2]);
    expect(await students.findByIdOrFail(planted[0]!.id, { context: clinics.a })).toMatchObject({
      updatedBy: clinics.a.userId,
    });
  });

  it('answers no ids when nothing matches, and writes nothing', async () => {
    const mark = await markTrail(truth);
    expect(await students.updateMany({ studentNumber: 'none' }, { grade: '6' }, clinics.a)).toEqual({
      count: 0,
      ids: [],
    });
    expect(await eventsSince(truth, mark)).toEqual([]);
  });

  it('leaves one audit event a row, each with its id, under one transaction id [003-37] [D11] [U61]', async () => {
    await plant('trail', 3);
    const mark = await markTrail(truth);
    const { ids } = await students.updateMany(of('trail'), { grade: '7' }, clinics.a);
    const events = (await eventsSince(truth, mark)).filter(({ entity }) => entity === 'Student');
    expect(events.map(({ entity_id: id }) => id).sort()).toEqual(ids);
    expect(new Set(events.map((event) => event.transaction_id)).size).toBe(1);
    expect(events[0]).toMatchObject({ action: 'UPDATE', changed: ['grade'], user_id: clinics.a.userId });
  });

  it('never writes to the rows of another clinic, not even with allowAll [000-28] [D28]', async () => {
    await plant('mixed', 2, clinics.a);
    await plant('mixed', 3, clinics.b);
    expect(await students.updateMany(of('mixed'), { grade: '8' }, clinics.b)).toMatchObject({ count: 3 });
    const { count } = await students.updateMany({}, { grade: '9' }, clinics.b, { allowAll: true });
    expect(count).toBe(3);
    const grades = (await rowsOf('mixed')).map(({ grade }) => grade).sort();
    expect(grades).toEqual(['5', '5', '9', '9', '9']);
  });

  it.each([
    ['{}', {}],
    ['{ AND: [] }', { AND: [] }],
    ['{ OR: [{}] }', { OR: [{}] }],
    ['{ NOT: { OR: [] } }', { NOT: { OR: [] } }],
    ['a list that excludes nothing', { grade: { notIn: [] } }],
    ['a null test of a column that is never null', { lastName: { isNull: false } }],
  ])(
    'refuses a filter that every row passes without allowAll, before anything is sent: %s [U62] [L]',
    async (_name, where) => {
      const mark = await markTrail(truth);
      for (const write of [
        () => students.updateMany(where, { grade: '1' }, clinics.a),
        () => students.updateMany(where, { grade: '1' }, clinics.a, { allowAll: false }),
        () => students.deleteMany(where, clinics.a),
      ]) {
        expect(await rejectionOf(write())).toMatchObject({
          code: 'INVALID_INPUT',
          hint: expect.stringContaining('allowAll') as string,
        });
      }
      expect(await eventsSince(truth, mark)).toEqual([]);
    },
  );

  it.each([[undefined], [null], [[]], [new Map()]])(
    'refuses %p as a filter, also with allowAll [U62]',
    async (where) => {
      for (const write of [
        () => students.updateMany(where as never, { grade: '1' }, clinics.a, { allowAll: true }),
        () => students.deleteMany(where as never, clinics.a, { allowAll: true }),
      ])
        await expect(write()).rejects.toThrow(InvalidInputError);
    },
  );

  it('refuses undefined as a value to filter by, also with allowAll: it would widen the filter [U62]', async () => {
    const write = students.updateMany({ grade: undefined }, { grade: '1' }, clinics.a, { allowAll: true });
    expect(await rejectionOf(write)).toMatchObject({ code: 'INVALID_INPUT', attribute: 'grade' });
  });

  it('writes all rows or none: one that the server refuses takes the others along [U63] [D21]', async () => {
    await plant('none', 3);
    const write = students.updateMany(of('none'), { studentNumber: 'the-same' }, clinics.a);
    expect(await rejectionOf(write)).toMatchObject({
      code: 'UNIQUE_VIOLATION',
      constraint: 'students_student_number_key',
    });
    expect((await rowsOf('none')).map(({ version }) => version)).toEqual([1, 1, 1]);
  });

  it('is part of a unit of work, and of a transaction that the caller opened', async () => {
    await plant('unit', 2);
    const unit = app.unitOfWork.executeInTransaction(async () => {
      expect(await students.updateMany(of('unit'), { grade: '6' })).toMatchObject({ count: 2 });
      expect(await students.deleteMany(of('unit'))).toMatchObject({ count: 2 });
      throw new Error('fault');
    }, clinics.a);
    await expect(unit).rejects.toThrow('fault');
    const transaction = await Student.sequelize!.transaction();
    expect(await students.updateMany(of('unit'), { grade: '6' }, clinics.a, { transaction })).toMatchObject({
      count: 2,
    });
    await transaction.rollback();
    expect(await rowsOf('unit')).toMatchObject([
      { grade: '5', version: 1, deleted_at: null },
      { grade: '5', version: 1, deleted_at: null },
    ]);
  });

  it('filters by a parent, whose row is not locked', async () => {
    const [first, second] = await plant('parent', 2);
    const contacts = app.get(EmergencyContactRepository);
    await asA(async () => {
      const contact = (studentId: string) =>
        contacts.create({ studentId, firstName: 'Bo', lastName: 'Lovelace', relationship: 'x', phone: '555' } as never);
      const mine = await contact(first!.id);
      await contact(second!.id);
      await app.unitOfWork.executeInTransaction(async (uow) => {
        const { ids } = await contacts.updateMany({ student: { studentNumber: 'parent-0' } }, { phone: '666' });
        expect(ids).toEqual([mine.id]);
        await uow.runOutsideTransaction(() => students.update(first!.id, { grade: '6' }));
      });
    });
  });

  it('waits for a row that another unit holds, and judges it as it is then [U60] [D21]', async () => {
    const [held] = await plant('wait', 2);
    const locked = signal();
    const go = signal();
    const other = app.unitOfWork.executeInTransaction(async () => {
      await students.update(held!.id, { grade: '12' });
      locked.resolve();
      await go.promise;
    }, clinics.a);
    await locked.promise;
    const write = students.updateMany({ ...of('wait'), grade: '5' }, { city: 'Boston' }, clinics.a);
    await eventually(
      async () =>
        (
          await truth.query(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
          )
        ).rowCount === 1,
    );
    go.resolve();
    await other;
    expect(await write).toMatchObject({ count: 1 });
    expect(await students.findByIdOrFail(held!.id, { context: clinics.a })).toMatchObject({
      grade: '12',
      city: null,
    });
  });

  it('meets others of its kind without a deadlock: each locks in the order of the ids', async () => {
    await plant('meet', 50);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        students.updateMany(of('meet'), i % 2 ? { grade: `${i}` } : { city: `${i}` }, clinics.a),
      ),
    );
    expect((await rowsOf('meet')).every(({ version }) => version === 21)).toBe(true);
  });
});

describe('deleteMany', () => {
  it('deletes softly and raises each version; the rows can be restored [000-24]', async () => {
    const planted = await plant('soft', 3);
    const mark = await markTrail(truth);
    expect(await students.deleteMany({ id: { in: planted.map(({ id }) => id) } }, clinics.a)).toMatchObject({
      count: 3,
    });
    expect((await rowsOf('soft')).every((row) => row.deleted_at !== null && row.version === 2)).toBe(true);
    expect((await eventsSince(truth, mark)).filter(({ action }) => action === 'DELETE')).toHaveLength(3);
    expect(await students.deleteMany(of('soft'), clinics.a)).toEqual({ count: 0, ids: [] });
    expect(await students.restore(planted[0]!.id, clinics.a)).toMatchObject({ version: 3 });
  });
});

describe('Hooks of a bulk write', () => {
  it('validateUpdate judges each row as it is, locked; caches are dropped for each after the commit [003-12] [D17]', async () => {
    const planted = await plant('hooks', 3);
    hooked.meanwhile = () => Promise.resolve(expect(hooked.dropped).toEqual([]));
    const { ids } = await hooked.updateMany(of('hooks'), { grade: '6' }, clinics.a);
    expect(hooked.judged.map(({ id, grade }) => [id, grade])).toEqual(ids.map((id) => [id, '5']));
    expect([...hooked.dropped].sort()).toEqual(ids);
    await hooked.deleteMany(of('hooks'), clinics.a);
    expect(hooked.judged).toHaveLength(3);
    expect(hooked.dropped).toHaveLength(6);
    expect(planted).toHaveLength(3);
  });

  it('validateUpdate that refuses one row refuses all, and nothing is dropped [U63]', async () => {
    await plant('refuse', 3);
    hooked.refuse = 'refuse-1';
    await expect(hooked.updateMany(of('refuse'), { grade: '6' }, clinics.a)).rejects.toThrow('refused by the hook');
    expect((await rowsOf('refuse')).map(({ version }) => version)).toEqual([1, 1, 1]);
    expect(hooked.dropped).toEqual([]);
  });

  it('a row that a hook deletes meanwhile is neither written nor counted', async () => {
    const [gone] = await plant('gone', 2);
    let first = true;
    hooked.meanwhile = async () => {
      if (first) await students.delete(gone!.id);
      first = false;
    };
    const { count, ids } = await hooked.updateMany(of('gone'), { grade: '6' }, clinics.a);
    expect([count, ids.includes(gone!.id)]).toEqual([1, false]);
  });
});

describe('A bulk write of many rows', () => {
  it('writes 10,000 rows and refuses one more; an outer unit that catches the refusal can commit [U63] [L]', async () => {
    await truth.query(
      `INSERT INTO students (clinic_id, id, student_number, first_name, last_name, date_of_birth, gender)
       SELECT $1, gen_random_uuid(), 'big-' || n, 'x', 'x', '2014-01-01', 'OTHER' FROM generate_series(1, 10001) AS n`,
      [clinics.a.clinicId],
    );
    for (const write of [
      () => students.updateMany(of('big'), { grade: '6' }),
      () => students.deleteMany(of('big')),
      () => hooked.updateMany(of('big'), { grade: '6' }),
    ]) {
      const kept = `kept-${randomUUID()}`;
      await app.unitOfWork.executeInTransaction(async () => {
        await students.create(pupil(kept));
        expect(await rejectionOf(write())).toMatchObject({
          code: 'RESULT_TOO_LARGE',
          hint: expect.stringContaining('several calls') as string,
        });
      }, clinics.a);
      expect(await students.exists({ studentNumber: kept }, { context: clinics.a })).toBe(true);
    }
    expect(hooked.judged).toEqual([]);
    const { rows } = await truth.query(
      "SELECT DISTINCT version FROM students WHERE starts_with(student_number, 'big-')",
    );
    expect(rows).toEqual([{ version: 1 }]);
    const mark = await markTrail(truth);
    const { count, ids } = await students.updateMany(
      { ...of('big'), NOT: { studentNumber: 'big-10001' } },
      { grade: '6' },
      clinics.a,
    );
    expect([count, new Set(ids).size]).toEqual([10_000, 10_000]);
    const events = await eventsSince(truth, mark);
    expect(events.filter(({ entity }) => entity === 'Student')).toHaveLength(10_000);
  }, 60_000);
});
