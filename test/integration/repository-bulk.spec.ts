import { randomUUID } from 'node:crypto';
import { runWithContext } from '../../src';
import { AllergyRepository, StudentRepository, VitalSignsRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { rejectionOf } from '../support/refusal';

let app: DatabaseApp;
let clinics: TwoClinics;
let students: StudentRepository;

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository, AllergyRepository, VitalSignsRepository], {
    pool: { min: 0, max: 1 },
  });
  clinics = await plantClinics(app);
  students = app.get(StudentRepository);
});
afterAll(() => app?.close());

const pupil = (studentNumber: string, rest: object = {}) => ({
  studentNumber,
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '2014-12-10',
  gender: 'FEMALE' as const,
  ...rest,
});
const many = (length: number, prefix: string) => Array.from({ length }, (_, i) => pupil(`${prefix}-${i}`));
const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);

describe('bulkCreate', () => {
  it.each([0, 1, 2, 999, 1_000, 1_001, 2_500])(
    'stores %i rows in the given order and answers them with their ids [003-08] [003-43]',
    async (length) => {
      await asA(async () => {
        const input = many(length, `order-${length}`);
        const created = await students.bulkCreate(input);
        expect(created.map(({ studentNumber }) => studentNumber)).toEqual(
          input.map(({ studentNumber }) => studentNumber),
        );
        expect(new Set(created.map(({ id }) => id)).size).toBe(length);
        expect(
          created.every(
            (row) => row.version === 1 && row.clinicId === clinics.a.clinicId && row.createdBy === clinics.a.userId,
          ),
        ).toBe(true);
        expect(await students.count({ studentNumber: { like: `order-${length}-%` } })).toBe(length);
        expect(await students.findAll({ where: { id: { in: created.slice(-1).map(({ id }) => id) } } })).toEqual(
          created.slice(-1),
        );
      });
    },
  );

  it('keeps ids that were made beforehand, in any spelling', async () => {
    await asA(async () => {
      const ids = [randomUUID(), randomUUID().toUpperCase(), randomUUID()];
      const created = await students.bulkCreate(ids.map((id, i) => pupil(`given-${i}`, { id })));
      expect(created.map(({ id }) => id)).toEqual(ids.map((id) => id.toLowerCase()));
      const upper = randomUUID().toUpperCase();
      expect((await students.create(pupil('given-upper', { id: upper }))).id).toBe(upper.toLowerCase());
      expect((await students.findById(upper))?.studentNumber).toBe('given-upper');
    });
  });

  it.each([
    ['in the first thousand', 3],
    ['in the second', 1_499],
    ['in the last', 2_999],
  ])('stores all or nothing: a row that the server refuses %s [D21]', async (_name, at) => {
    const before = await students.count({}, { context: clinics.a });
    const rows = many(3_000, `all-${at}`);
    for (const bad of [
      pupil('order-2-0'),
      pupil(`bad-${at}`, { lastName: '' }),
      pupil(`bad-${at}`, { schoolId: randomUUID() }),
    ]) {
      const error = await rejectionOf(students.bulkCreate(rows.with(at, bad), clinics.a));
      expect(error.code).toMatch(/^(UNIQUE|CHECK|FOREIGN_KEY)_VIOLATION$/);
      expect(await students.count({}, { context: clinics.a })).toBe(before);
    }
  });

  it('stores nothing when one row is bad input, and sends nothing [U63]', async () => {
    const before = await students.count({}, { context: clinics.a });
    const rows = many(1_200, 'input');
    expect(
      await rejectionOf(students.bulkCreate(rows.with(1_100, pupil('input', { gender: 'BAD' })), clinics.a)),
    ).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await students.count({}, { context: clinics.a })).toBe(before);
  });

  it('is part of a unit of work', async () => {
    const unit = app.unitOfWork.executeInTransaction(async () => {
      await students.bulkCreate(many(1_500, 'unit'));
      expect(await students.count({ studentNumber: { like: 'unit-%' } })).toBe(1_500);
      throw new Error('fault');
    }, clinics.a);
    await expect(unit).rejects.toThrow('fault');
    expect(await students.count({ studentNumber: { like: 'unit-%' } }, { context: clinics.a })).toBe(0);
  });

  it('stores every kind of column as create does', async () => {
    await asA(async () => {
      const { id: studentId } = await students.create(pupil('kinds'));
      const reactions = [{ code: null, description: `quote ' " \\ { } , NULL`, severity: 'MILD' as const }];
      const allergy = { studentId, allergen: 'a,b{}"\\ NULL', reactions, onsetOn: '2020-02-29', notes: 'null' };
      const one = await app.get(AllergyRepository).create(allergy);
      const [first, second] = await app
        .get(AllergyRepository)
        .bulkCreate([allergy, { ...allergy, notes: null, isVerified: true }]);
      const content = ({ id: _id, createdAt: _created, updatedAt: _updated, ...rest }: typeof one) => rest;
      expect(content(first!)).toEqual(content(one));
      expect(second).toMatchObject({ notes: null, isVerified: true, reactions, onsetOn: '2020-02-29' });
      const vitals = {
        studentId,
        heightCm: '127.9',
        temperatureCelsius: '36.60',
        measuredAt: new Date('2024-01-01T00:00:00.123Z'),
      };
      const [measured] = await app.get(VitalSignsRepository).bulkCreate([vitals, vitals]);
      expect(measured).toMatchObject({
        heightCm: '127.90',
        temperatureCelsius: '36.60',
        weightKg: null,
        measuredAt: vitals.measuredAt,
      });
    });
  });
});
