import { ResultTooLargeError, runWithContext } from '../../src';
import { SchoolRepository, StudentRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

let app: DatabaseApp;
let clinics: TwoClinics;
let students: StudentRepository;

const pupil = (n: number, rest: object = {}) => ({
  studentNumber: `p-${n}`,
  firstName: `F${n % 3}`,
  lastName: `L${n % 2}`,
  dateOfBirth: '2014-12-10',
  gender: 'OTHER' as const,
  ...rest,
});

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository, SchoolRepository]);
  clinics = await plantClinics(app);
  students = app.get(StudentRepository);
  await students.bulkCreate(
    Array.from({ length: 130 }, (_, n) => pupil(n, { grade: n < 125 ? '5' : null })),
    clinics.a,
  );
});
afterAll(() => app?.close());

const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);

describe('Pages', () => {
  it('have 20 rows and a count unless asked otherwise [003-19]', async () => {
    const { data, pagination } = await asA(() => students.findMany());
    expect(data).toHaveLength(20);
    expect(pagination).toEqual({ page: 1, limit: 20, total: 130, pages: 7, hasNext: true, hasPrevious: false });
  });

  it('hold at most 100 rows: more is refused, not cut off [D20]', async () => {
    await asA(async () => {
      expect((await students.findMany({ pagination: { limit: 100 } })).data).toHaveLength(100);
      await expect(students.findMany({ pagination: { limit: 101 } })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        status: 400,
      });
    });
  });

  it('show every row once, though the sort keys are equal [D20] [U66]', async () => {
    await asA(async () => {
      const seen: string[] = [];
      for (let page = 1; page <= 19; page += 1) {
        const { data } = await students.findMany({ orderBy: [{ lastName: 'DESC' }], pagination: { page, limit: 7 } });
        seen.push(...data.map(({ id }) => id));
      }
      expect(seen).toHaveLength(130);
      expect(new Set(seen).size).toBe(130);
      const whole = await students.findAll({ orderBy: [{ lastName: 'DESC' }] });
      expect(seen).toEqual(whole.map(({ id }) => id));
    });
  });

  it('are sorted by several keys, in one object or in several [003-18] [D20]', async () => {
    await asA(async () => {
      const keys = (rows: readonly { lastName: string; firstName: string }[]) =>
        rows.map(({ lastName, firstName }) => `${lastName} ${firstName}`);
      const expected = keys(
        (await students.findAll()).toSorted(
          (a, b) => a.lastName.localeCompare(b.lastName) || b.firstName.localeCompare(a.firstName),
        ),
      );
      expect(keys(await students.findAll({ orderBy: [{ lastName: 'ASC' }, { firstName: 'DESC' }] }))).toEqual(expected);
      expect(keys(await students.findAll({ orderBy: [{ lastName: 'ASC', firstName: 'DESC' }] }))).toEqual(expected);
      const other = keys(await students.findAll({ orderBy: [{ firstName: 'DESC', lastName: 'ASC' }] }));
      expect(other).not.toEqual(expected);
    });
  });

  it('end: the last one has no next, and beyond it there is nothing', async () => {
    await asA(async () => {
      const last = await students.findMany({ pagination: { page: 13, limit: 10 } });
      expect(last.pagination).toMatchObject({ hasNext: false, hasPrevious: true, total: 130, pages: 13 });
      expect(last.data).toHaveLength(10);
      const beyond = await students.findMany({ pagination: { page: 14, limit: 10 } });
      expect(beyond).toEqual({
        data: [],
        pagination: { page: 14, limit: 10, total: 130, pages: 13, hasNext: false, hasPrevious: true },
      });
      const none = await students.findMany({ where: { grade: 'none' } });
      expect(none.pagination).toMatchObject({ total: 0, pages: 0, hasNext: false });
    });
  });

  it('know whether there is a next one also without counting', async () => {
    await asA(async () => {
      const page = (n: number) => students.findMany({ pagination: { page: n, limit: 65, total: false } });
      expect((await page(1)).pagination).toEqual({
        page: 1,
        limit: 65,
        total: null,
        pages: null,
        hasNext: true,
        hasPrevious: false,
      });
      expect((await page(2)).pagination).toMatchObject({ hasNext: false, hasPrevious: true });
    });
  });

  it('count what the filter lets through [D20] [U66]', async () => {
    await asA(async () => {
      const { pagination } = await students.findMany({
        where: { OR: [{ grade: null }, { studentNumber: 'p-1' }] },
        pagination: { limit: 2 },
      });
      expect(pagination).toMatchObject({ total: 6, pages: 3 });
    });
  });

  it('hold the selected attributes only, and their dates as dates', async () => {
    await asA(async () => {
      const { data } = await students.findMany({ select: ['grade', 'createdAt'], pagination: { limit: 1 } });
      expect(Object.keys(data[0]!).toSorted()).toEqual(['createdAt', 'grade']);
      expect(data[0]!.createdAt).toBeInstanceOf(Date);
      expect(await students.findOne({ where: { studentNumber: 'p-7' }, select: ['lastName'] })).toEqual({
        lastName: 'L1',
      });
    });
  });
});

describe('findAll', () => {
  it('answers 1,000 rows, and refuses to answer a part of more [D20]', async () => {
    const schools = app.get(SchoolRepository);
    await asA(async () => {
      await schools.bulkCreate(Array.from({ length: 1_000 }, (_, n) => ({ name: 'School', code: `c-${n}` })));
      expect(await schools.findAll()).toHaveLength(1_000);
      await schools.create({ name: 'One more', code: 'one-more' });
      await expect(schools.findAll()).rejects.toThrow(ResultTooLargeError);
      expect(await schools.findAll({ where: { name: 'One more' } })).toHaveLength(1);
    });
  });
});
