import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { type DatabaseError, type Entity, type IsolationLevel, runWithContext } from '../../src';
import { School, SchoolRepository, StudentRepository, EmergencyContactRepository } from '../../src/domains';
import { eventsSince, markTrail } from '../support/audit-events';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { rejectionOf } from '../support/refusal';
import { pupil, signal } from '../support/student-app';

/** Tells which hooks ran, and can hold a create back. */
class HookedSchoolRepository extends SchoolRepository {
  readonly calls: string[] = [];
  beforeCreate: () => Promise<unknown> = () => Promise.resolve();

  protected override async validateCreate(): Promise<void> {
    this.calls.push('validateCreate');
    await this.beforeCreate();
  }

  protected override validateUpdate(_id: string, data: object, current: Entity<School>): void {
    this.calls.push(`validateUpdate ${current.name} ${Object.keys(data).join()}`);
  }

  protected override invalidateCaches({ name }: Entity<School>): void {
    this.calls.push(`invalidateCaches ${name}`);
  }
}

let app: DatabaseApp;
let clinics: TwoClinics;
let truth: Client;
let students: StudentRepository;
let schools: HookedSchoolRepository;

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository, HookedSchoolRepository, EmergencyContactRepository]);
  clinics = await plantClinics(app);
  truth = await app.db.superClient();
  [students, schools] = [app.get(StudentRepository), app.get(HookedSchoolRepository)];
});
afterAll(() => app?.close());
beforeEach(() => {
  schools.calls.length = 0;
  schools.beforeCreate = () => Promise.resolve();
});

const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);
const stored = async (studentNumber: string) => {
  const { rows } = await truth.query<{ id: string; grade: string; version: number; deleted_at: Date | null }>(
    'SELECT id, grade, version, deleted_at FROM students WHERE student_number = $1 ORDER BY created_at',
    [studentNumber],
  );
  return rows;
};
const put = (studentNumber: string, rest: object = {}) => {
  const { studentNumber: _key, ...data } = pupil(studentNumber);
  return students.upsert({ studentNumber }, { ...data, ...rest });
};

describe('upsert', () => {
  it('creates the row that is not there, then changes the one that is: same id, next version [U61] [D21]', async () => {
    await asA(async () => {
      const first = await put('twice');
      expect(first).toMatchObject({ created: true, entity: { studentNumber: 'twice', grade: '5', version: 1 } });
      const second = await put('twice', { grade: '6', id: randomUUID() });
      expect(second).toMatchObject({ created: false, entity: { id: first.entity.id, grade: '6', version: 2 } });
      expect(await students.findById(first.entity.id)).toEqual(second.entity);
      expect(Object.isFrozen(second.entity)).toBe(true);
    });
    expect(await stored('twice')).toHaveLength(1);
  });

  it('leaves what it is not given, and with nothing beside the key the row as it is', async () => {
    await asA(async () => {
      const { id } = await students.create({ ...pupil('leaves'), city: 'Boston' });
      expect((await put('leaves')).entity).toMatchObject({ id, city: 'Boston', version: 2 });
      const whole = pupil('leaves');
      expect(await students.upsert(whole, {})).toMatchObject({ created: false, entity: { id, version: 2 } });
    });
  });

  it('leaves one audit event, of a creation or of a change [003-09]', async () => {
    const mark = await markTrail(truth);
    const { entity } = await asA(() => put('trail'));
    await asA(() => put('trail', { grade: '6' }));
    const events = (await eventsSince(truth, mark)).filter((event) => event.entity === 'Student');
    expect(events).toMatchObject([
      { action: 'CREATE', entity_id: entity.id },
      { action: 'UPDATE', entity_id: entity.id, changed: ['grade'] },
    ]);
  });

  it('does not see a deleted row: another one takes its place, and both are kept [U64] [000-24]', async () => {
    await asA(async () => {
      const { entity } = await put('deleted');
      await students.delete(entity.id);
      const again = await put('deleted', { grade: '6' });
      expect(again).toMatchObject({ created: true, entity: { grade: '6', version: 1 } });
      expect(again.entity.id).not.toBe(entity.id);
    });
    expect(await stored('deleted')).toHaveLength(2);
  });

  it('does not see the row of another clinic [000-28] [D28]', async () => {
    const mine = await runWithContext(clinics.a, () => put('clinics'));
    const theirs = await runWithContext(clinics.b, () => put('clinics'));
    expect([mine.created, theirs.created]).toEqual([true, true]);
    expect(mine.entity.id).not.toBe(theirs.entity.id);
  });

  it('takes an id as the key, and several attributes', async () => {
    await asA(async () => {
      const id = randomUUID();
      const { studentNumber, ...rest } = pupil('by-id');
      expect((await students.upsert({ id }, { ...rest, studentNumber })).entity.id).toBe(id);
      expect(await students.upsert({ id: id.toUpperCase() }, { ...rest, studentNumber })).toMatchObject({
        created: false,
        entity: { id, version: 2 },
      });
      const key = { studentNumber, firstName: rest.firstName };
      expect(await students.upsert(key, { ...rest, grade: '7' })).toMatchObject({ created: false, entity: { id } });
    });
  });

  it('runs the hooks of what it does: those of a create, or those of an update [003-12]', async () => {
    await asA(async () => {
      await schools.upsert({ code: 'hooks' }, { name: 'Old' });
      await schools.upsert({ code: 'hooks' }, { name: 'New' });
      expect(schools.calls).toEqual([
        'validateCreate',
        'invalidateCaches Old',
        'validateUpdate Old name',
        'invalidateCaches New',
      ]);
    });
  });

  it('refuses a key that several rows share, and writes nothing', async () => {
    await asA(async () => {
      await students.bulkCreate([
        { ...pupil('share-1'), city: 'Salem' },
        { ...pupil('share-2'), city: 'Salem' },
      ]);
      const upsert = students.upsert({ city: 'Salem' }, { ...pupil('share-3'), grade: '9' });
      expect(await rejectionOf(upsert)).toMatchObject({
        code: 'INVALID_INPUT',
        message: 'Student: several rows match the key of the upsert',
      });
      expect(await students.count({ studentNumber: { like: 'share-%' }, version: 1 })).toBe(2);
    });
  });

  it.each<[string, object, object]>([
    ['no key', {}, {}],
    ['null', { studentNumber: null }, {}],
    ['undefined', { studentNumber: undefined }, {}],
    ['another operator', { studentNumber: { ne: 'x' } }, {}],
    ['a list', { studentNumber: { in: ['x'] } }, {}],
    ['a branch', { OR: [{ studentNumber: 'x' }] }, {}],
    ['what the database keeps', { version: 1 }, {}],
    ['an unknown attribute', { garde: '5' }, {}],
    ['a key that the input contradicts', { studentNumber: 'x' }, { studentNumber: 'y' }],
    ['a key that the input denies', { studentNumber: 'x' }, { studentNumber: null }],
  ])('refuses as a key: %s', async (_name, where, rest) => {
    const { studentNumber: _key, ...data } = pupil('x');
    const upsert = students.upsert(where as { studentNumber: string }, { ...data, ...rest }, clinics.a);
    expect(await rejectionOf(upsert)).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await stored('x')).toEqual([]);
  });

  it('refuses input that create would refuse, also when the row is there', async () => {
    await asA(async () => {
      await put('judged');
      const upsert = students.upsert({ studentNumber: 'judged' }, { grade: '6' } as never);
      expect(await rejectionOf(upsert)).toMatchObject({ code: 'NOT_NULL_VIOLATION', attribute: 'firstName' });
      expect(await rejectionOf(put('judged', { gender: 'BAD' }))).toMatchObject({ code: 'INVALID_INPUT' });
    });
    expect(await stored('judged')).toMatchObject([{ version: 1 }]);
  });

  it('names the constraint when a row with another key stands in the way', async () => {
    await asA(async () => {
      await put('in-the-way', { medicalRecordNumber: 'MRN-1' });
      const upsert = put('not-there', { medicalRecordNumber: 'MRN-1' });
      expect(await rejectionOf(upsert)).toMatchObject({
        code: 'UNIQUE_VIOLATION',
        constraint: 'students_medical_record_number_key',
      });
    });
    expect(await stored('not-there')).toEqual([]);
  });

  it('is part of a unit of work, and of a transaction that the caller opened', async () => {
    const unit = app.unitOfWork.executeInTransaction(async () => {
      expect((await put('unit')).created).toBe(true);
      expect((await put('unit')).created).toBe(false);
      throw new Error('fault');
    }, clinics.a);
    await expect(unit).rejects.toThrow('fault');
    const { studentNumber, ...data } = pupil('unit');
    const transaction = await School.sequelize!.transaction();
    expect(await students.upsert({ studentNumber }, data, clinics.a, { transaction })).toMatchObject({ created: true });
    expect(await students.upsert({ studentNumber }, data, clinics.a, { transaction })).toMatchObject({
      created: false,
    });
    await transaction.rollback();
    expect(await stored('unit')).toEqual([]);
  });
});

describe('Upserts of one key that meet', () => {
  it('50 at once make one row: one creates it, all others change it [U65] [D21]', async () => {
    const results = await asA(() =>
      Promise.all(Array.from({ length: 50 }, (_, i) => put('race', { grade: String(i) }))),
    );
    expect(results.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(results.map(({ entity }) => entity.id)).size).toBe(1);
    expect(results.map(({ entity }) => entity.version).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    expect(await stored('race')).toMatchObject([{ version: 50 }]);
  });

  it('one that lost the race against a create changes the winner’s row, and the unit around it still commits [U65] [L]', async () => {
    const here = signal();
    const go = signal();
    schools.beforeCreate = async () => {
      here.resolve();
      await go.promise;
    };
    const loser = app.unitOfWork.executeInTransaction(async () => {
      const before = await students.create(pupil('beside-the-race'));
      const { entity, created } = await schools.upsert({ code: 'race' }, { name: 'Loser' });
      return { before, entity, created };
    }, clinics.a);
    await here.promise;
    schools.beforeCreate = () => Promise.resolve();
    const winner = await schools.create({ code: 'race', name: 'Winner' }, clinics.a);
    go.resolve();
    expect(await loser).toMatchObject({ created: false, entity: { id: winner.id, name: 'Loser', version: 2 } });
    expect(await stored('beside-the-race')).toHaveLength(1);
    expect(schools.calls.filter((call) => call === 'validateUpdate Winner name')).toHaveLength(1);
  });

  it('make one row also where no unique index covers the key [U65]', async () => {
    const contacts = app.get(EmergencyContactRepository);
    await asA(async () => {
      const { id: studentId } = await students.create(pupil('no-index'));
      const key = { studentId, phone: '555' };
      const data = { firstName: 'Bo', lastName: 'Lovelace', relationship: 'aunt' };
      const results = await Promise.all(Array.from({ length: 30 }, () => contacts.upsert(key, data)));
      expect(results.filter(({ created }) => created)).toHaveLength(1);
      expect(await contacts.findAll({ where: key })).toMatchObject([{ version: 30 }]);
    });
  });

  it('of other keys, and of other clinics, do not wait for each other', async () => {
    const open = signal();
    const unit = app.unitOfWork.executeInTransaction(async () => {
      await put('turn-1');
      await open.promise;
    }, clinics.a);
    await asA(() => put('turn-2'));
    await runWithContext(clinics.b, () => put('turn-1'));
    open.resolve();
    await unit;
    expect(await stored('turn-1')).toHaveLength(2);
  });

  it('in units of their own, one of which rolls back: another takes its place [U65]', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        app.unitOfWork.executeInTransaction(async () => {
          const result = await put('rolls', { grade: String(i) });
          if (result.created && i === 0) throw new Error('fault');
          return result;
        }, clinics.a),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(9);
    expect(await stored('rolls')).toHaveLength(1);
  });

  it.each<[IsolationLevel]>([['REPEATABLE READ'], ['SERIALIZABLE']])(
    'at %s make one row; who cannot be serialised is told so, and stores nothing [U65] [L]',
    async (isolation) => {
      const studentNumber = `race-${isolation}`;
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, i) =>
          app.unitOfWork.executeInTransaction(() => put(studentNumber, { grade: String(i) }), clinics.a, { isolation }),
        ),
      );
      const done = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const codes = results.flatMap((result) =>
        result.status === 'rejected' ? [(result.reason as DatabaseError).code] : [],
      );
      expect(new Set(codes)).toEqual(new Set(codes.length > 0 ? ['DEADLOCK'] : []));
      expect(done.filter(({ created }) => created)).toHaveLength(1);
      expect(await stored(studentNumber)).toMatchObject([{ version: done.length }]);
    },
  );

  it.each<[IsolationLevel]>([['REPEATABLE READ'], ['SERIALIZABLE']])(
    'at %s a row that the snapshot does not show is a failure to repeat, not a violation [U65] [L]',
    async (isolation) => {
      const studentNumber = `hidden-${isolation}`;
      let attempts = 0;
      const run = () =>
        app.unitOfWork.executeInTransaction(
          async (uow) => {
            attempts += 1;
            await students.count();
            if (attempts === 1) await uow.runOutsideTransaction(() => asA(() => put(studentNumber)));
            return put(studentNumber, { grade: '6' });
          },
          clinics.a,
          { isolation, retry: false },
        );
      expect(await rejectionOf(run())).toMatchObject({ code: 'DEADLOCK', sqlState: '40001' });
      expect(await run()).toMatchObject({ created: false, entity: { grade: '6', version: 2 } });
      expect(await stored(studentNumber)).toHaveLength(1);
    },
  );
});
