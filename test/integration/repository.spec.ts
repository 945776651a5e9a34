import { ConflictError, InvalidInputError, NotFoundError, runWithContext } from '../../src';
import { StudentRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

let app: DatabaseApp;
let clinics: TwoClinics;
let students: StudentRepository;

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository]);
  clinics = await plantClinics(app);
  students = app.get(StudentRepository);
});
afterAll(() => app?.close());

const ada = (studentNumber: string, grade: string | null = '5') => ({
  studentNumber,
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '2014-12-10',
  gender: 'FEMALE' as const,
  grade,
});

describe('BaseRepository', () => {
  it('creates, reads, changes, deletes and restores a row [003-07] [003-08] [000-24]', async () => {
    await runWithContext(clinics.a, async () => {
      const created = await students.create(ada('crud-1'));
      expect(created).toMatchObject({
        studentNumber: 'crud-1',
        version: 1,
        deletedAt: null,
        clinicId: clinics.a.clinicId,
      });
      expect(Object.isFrozen(created)).toBe(true);
      expect(await students.findById(created.id)).toEqual(created);

      const changed = await students.update(created.id, { grade: '6' });
      expect(changed).toMatchObject({ grade: '6', version: 2, updatedBy: clinics.a.userId });
      await expect(students.update(created.id, { grade: '7' }, undefined, { expectedVersion: 1 })).rejects.toThrow(
        ConflictError,
      );

      await students.delete(created.id);
      expect(await students.findById(created.id)).toBeNull();
      expect((await students.findById(created.id, { withDeleted: true }))?.deletedAt).toBeInstanceOf(Date);
      await expect(students.findByIdOrFail(created.id)).rejects.toThrow(NotFoundError);
      expect((await students.restore(created.id)).deletedAt).toBeNull();
    });
  });

  it('pages by several sort keys with a tie-break and a count [003-18] [003-19] [D20]', async () => {
    await runWithContext(clinics.b, async () => {
      await students.bulkCreate(Array.from({ length: 45 }, (_, i) => ada(`page-${i}`, '9')));
      const criteria = { where: { grade: '9' }, orderBy: [{ lastName: 'ASC' }, { firstName: 'DESC' }] } as const;
      const seen = new Set<string>();
      for (const page of [1, 2, 3]) {
        const result = await students.findMany({ ...criteria, pagination: { page, limit: 20 } });
        expect(result.pagination).toEqual({
          page,
          limit: 20,
          total: 45,
          pages: 3,
          hasNext: page < 3,
          hasPrevious: page > 1,
        });
        result.data.forEach((student) => seen.add(student.id));
      }
      expect(seen.size).toBe(45);
      expect(await students.count({ grade: '9' })).toBe(45);
      expect(await students.exists({ studentNumber: { in: ['page-1', 'none'] } })).toBe(true);
    });
  });

  it('refuses bad input before anything is written, and never echoes it', async () => {
    await expect(students.create({ ...ada('bad\0'), grade: '5' }, clinics.a)).rejects.toThrow(InvalidInputError);
    await expect(students.findById('not-a-uuid')).rejects.toThrow(InvalidInputError);
  });
});
