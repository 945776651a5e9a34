import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { ConflictError, type Entity, NotFoundError, runWithContext } from '../../src';
import { School, SchoolRepository, Student, StudentRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

/** Refuses to change a student whom someone else deactivated, as the row is at the moment of the write. */
class CarefulStudentRepository extends StudentRepository {
  readonly judged: Entity<Student>[] = [];
  /** Runs while the row is locked. */
  meanwhile: () => Promise<void> = () => Promise.resolve();

  protected override async validateUpdate(_id: string, _data: object, current: Entity<Student>): Promise<void> {
    this.judged.push(current);
    await this.meanwhile();
    if (!current.isActive) throw new Error('not active');
  }
}

let app: DatabaseApp;
let clinics: TwoClinics;
let students: StudentRepository;
let careful: CarefulStudentRepository;
let superuser: Client;

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository, CarefulStudentRepository, SchoolRepository]);
  clinics = await plantClinics(app);
  students = app.get(StudentRepository);
  careful = app.get(CarefulStudentRepository);
  superuser = await app.db.superClient();
});
afterAll(() => app?.close());

let number = 0;
const pupil = () => ({
  studentNumber: `update-${(number += 1)}`,
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '2014-12-10',
  gender: 'FEMALE' as const,
  grade: '5',
});
const create = () => students.create(pupil(), clinics.a);
const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);

describe('Updates that meet', () => {
  it('of different columns all survive [D21] [U60]', async () => {
    const { id } = await create();
    const changes = [
      { grade: '6' },
      { lastName: 'Byron' },
      { city: 'Boston' },
      { phone: '555' },
      { isActive: false },
      { race: 'x' },
    ];
    await Promise.all(changes.map((change) => students.update(id, change, clinics.a)));
    expect(await students.findById(id, { context: clinics.a })).toMatchObject({
      ...Object.assign({}, ...changes),
      version: 7,
    });
  });

  it('in units of work of their own wait for each other, and none is lost [D21] [U60]', async () => {
    const { id } = await create();
    await Promise.all(
      ['city', 'county', 'state', 'phone'].map((column) =>
        app.unitOfWork.executeInTransaction(async () => {
          await students.update(id, { [column]: column });
          await app.database.query('SELECT pg_sleep(0.01)');
        }, clinics.a),
      ),
    );
    expect(await students.findById(id, { context: clinics.a })).toMatchObject({
      city: 'city',
      county: 'county',
      state: 'state',
      phone: 'phone',
      version: 5,
    });
  });

  it('with the version that each had read: one wins, the others are told [D21] [U60]', async () => {
    const { id, version } = await create();
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        students.update(id, { grade: `${i}` }, clinics.a, { expectedVersion: version }),
      ),
    );
    const winners = results.filter((result) => result.status === 'fulfilled');
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(winners).toHaveLength(1);
    expect(errors).toHaveLength(9);
    for (const error of errors) expect(error).toBeInstanceOf(ConflictError);
    expect((await students.findById(id, { context: clinics.a }))?.version).toBe(version + 1);
  });

  it('with a version: deletion and restoring take part', async () => {
    const { id } = await create();
    await asA(async () => {
      await expect(students.delete(id, undefined, { expectedVersion: 9 })).rejects.toThrow(ConflictError);
      await students.delete(id, undefined, { expectedVersion: 1 });
      await expect(students.restore(id, undefined, { expectedVersion: 1 })).rejects.toThrow(ConflictError);
      await expect(students.update(id, { grade: '6' }, undefined, { expectedVersion: 2 })).rejects.toThrow(
        NotFoundError,
      );
      expect(await students.restore(id, undefined, { expectedVersion: 2 })).toMatchObject({
        version: 3,
        deletedAt: null,
      });
      await expect(students.update(randomUUID(), { grade: '6' }, undefined, { expectedVersion: 1 })).rejects.toThrow(
        NotFoundError,
      );
    });
  });
});

describe('A deleted row', () => {
  it('is not there to be deleted again or updated, and a living one not to be restored: its version stays [000-24]', async () => {
    const { id } = await create();
    await asA(async () => {
      await expect(students.restore(id)).rejects.toThrow(NotFoundError);
      await students.delete(id);
      await expect(students.delete(id)).rejects.toThrow(NotFoundError);
      await expect(students.softDelete(id, undefined, { expectedVersion: 2 })).rejects.toThrow(NotFoundError);
      await expect(students.update(id, { grade: '6' })).rejects.toThrow(NotFoundError);
      expect(await students.findById(id, { withDeleted: true })).toMatchObject({ version: 2, grade: '5' });
    });
  });

  it('cannot come back when its place was taken meanwhile, and can when that is free again [U64]', async () => {
    const row = pupil();
    await asA(async () => {
      const { id } = await students.create(row);
      await students.delete(id);
      const other = await students.create(row);
      await expect(students.restore(id)).rejects.toMatchObject({ code: 'UNIQUE_VIOLATION' });
      await students.delete(other.id);
      expect(await students.restore(id)).toMatchObject({ id, version: 3, deletedAt: null });
    });
  });
});

describe('validateUpdate', () => {
  beforeEach(() => {
    careful.judged.length = 0;
    careful.meanwhile = () => Promise.resolve();
  });

  it('judges the row as it is now, and it stays so until the write is done [D21] [003-12]', async () => {
    const { id } = await create();
    await students.update(id, { lastName: 'Byron' }, clinics.a);
    let waits = true;
    let other: Promise<unknown> | undefined;
    careful.meanwhile = async () => {
      other = app.unitOfWork
        .runOutsideTransaction(() => students.update(id, { isActive: false }, clinics.a))
        .then(() => (waits = false));
      await app.database.query('SELECT pg_sleep(0.05)');
      expect(waits).toBe(true);
    };
    expect(await careful.update(id, { grade: '7' }, clinics.a)).toMatchObject({ grade: '7', isActive: true });
    await other;
    expect(careful.judged).toMatchObject([{ lastName: 'Byron', grade: '5', version: 2, isActive: true }]);
    careful.meanwhile = () => Promise.resolve();
    await expect(careful.update(id, { grade: '8' }, clinics.a)).rejects.toThrow('not active');
    expect(await students.findById(id, { context: clinics.a })).toMatchObject({ grade: '7', isActive: false });
  });

  it('is asked about living rows of the own clinic only', async () => {
    const { id } = await create();
    await expect(careful.update(id, { grade: '6' }, clinics.b)).rejects.toThrow(NotFoundError);
    await expect(careful.update(randomUUID(), { grade: '6' }, clinics.a)).rejects.toThrow(NotFoundError);
    await students.delete(id, clinics.a);
    await expect(careful.update(id, { grade: '6' }, clinics.a)).rejects.toThrow(NotFoundError);
    expect(careful.judged).toEqual([]);
  });

  it('is asked about input that fits only', async () => {
    const { id } = await create();
    await expect(careful.update(id, { gender: 'BAD' as never }, clinics.a)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(careful.judged).toEqual([]);
  });

  it('sees a lost race as such: two judged updates run one after the other', async () => {
    const { id } = await create();
    await Promise.all([
      careful.update(id, { grade: '6' }, clinics.a),
      careful.update(id, { city: 'Boston' }, clinics.a),
    ]);
    expect(careful.judged.map(({ version }) => version)).toEqual([1, 2]);
  });
});

describe('The version of a row', () => {
  const versionOf = async (
    id: string,
  ): Promise<{ version: number; updated_at: Date; created_at: Date; created_by: string | null }> =>
    (await superuser.query('SELECT version, updated_at, created_at, created_by FROM students WHERE id = $1', [id]))
      .rows[0];

  const PATHS: [string, (id: string) => Promise<unknown>][] = [
    ['update', (id) => students.update(id, { grade: '6' })],
    ['an update of nothing new', (id) => students.update(id, { grade: '5' })],
    ['delete', (id) => students.delete(id)],
    ['raw SQL', (id) => app.database.none(`UPDATE students SET grade = '6' WHERE id = $1`, [id])],
    [
      'raw SQL that sets the version back',
      (id) => app.database.none('UPDATE students SET version = 1 WHERE id = $1', [id]),
    ],
    [
      'raw SQL that sets the times back',
      (id) =>
        app.database.none(
          `UPDATE students SET updated_at = 'epoch', created_at = 'epoch', created_by = NULL WHERE id = $1`,
          [id],
        ),
    ],
    [
      'an upsert in SQL',
      (id) =>
        app.database.none(
          `INSERT INTO students (id, student_number, first_name, last_name, date_of_birth, gender)
       VALUES ($1, $2, 'x', 'x', '2014-01-01', 'OTHER')
       ON CONFLICT (clinic_id, id) DO UPDATE SET grade = '6'`,
          [id, id],
        ),
    ],
    ['save of an instance', async (id) => (await Student.findByPk(id))!.set('grade', '6').save()],
    ['static update', (id) => Student.update({ grade: '6' }, { where: { id } })],
    ['static destroy', (id) => Student.destroy({ where: { id } })],
    ['increment of a column', (id) => Student.increment('version', { where: { id }, by: 5 })],
    [
      'upsert of the model',
      (id) => Student.upsert({ ...pupil(), id, grade: '6' }, { conflictFields: ['clinic_id', 'id'] as never }),
    ],
    [
      'bulkCreate that updates',
      (id) =>
        Student.bulkCreate([{ ...pupil(), id }], {
          updateOnDuplicate: ['grade'],
          conflictAttributes: ['clinicId', 'id'],
        }),
    ],
  ];

  it.each(PATHS)(
    'is raised by one, with its time, and its creation kept: %s [D21] [004-16] [U61]',
    async (_name, write) => {
      const { id } = await create();
      const before = await versionOf(id);
      await superuser.query('SELECT pg_sleep(0.002)');
      await asA(() => write(id));
      const after = await versionOf(id);
      expect(after.version).toBe(before.version + 1);
      expect(after.updated_at.getTime()).toBeGreaterThan(before.updated_at.getTime());
      expect([after.created_at, after.created_by]).toEqual([before.created_at, before.created_by]);
    },
  );

  it('is what the write answered: no other read is needed', async () => {
    await asA(async () => {
      const created = await students.create(pupil());
      expect(await students.findById(created.id)).toEqual(created);
      const updated = await students.update(created.id, { grade: '6' });
      expect(await students.findById(created.id)).toEqual(updated);
      await students.delete(created.id);
      const restored = await students.restore(created.id);
      expect(await students.findById(created.id)).toEqual(restored);
      expect([created, updated, restored].map(({ version }) => version)).toEqual([1, 2, 4]);
      expect([updated.updatedBy, updated.createdBy]).toEqual([clinics.a.userId, clinics.a.userId]);
    });
  });

  it('cannot be told by a caller, nor can the id be changed', async () => {
    const { id } = await asA(() => app.get(SchoolRepository).create({ name: 'x', code: 'fixed' }));
    await asA(async () => {
      await expect(
        app.database.none('UPDATE schools SET id = $2 WHERE id = $1', [id, randomUUID()]),
      ).rejects.toMatchObject({ sqlState: '23000' });
      await expect(School.update({ id: randomUUID() }, { where: { id } })).rejects.toMatchObject({
        parent: { code: '23000' },
      });
    });
  });
});
