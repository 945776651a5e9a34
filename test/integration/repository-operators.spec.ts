import { type Entity, runWithContext, type WhereClause } from '../../src';
import { Allergy, AllergyRepository, Student, StudentRepository, VitalSignsRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { type SeededRandom, seededRandom } from '../support/seeded-random';

type Row = Entity<Student>;
type Where = WhereClause<Row>;

let app: DatabaseApp;
let clinics: TwoClinics;
let students: StudentRepository;
let rows: readonly Row[];

const base = { dateOfBirth: '2014-12-10', gender: 'OTHER' as const };

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository, AllergyRepository, VitalSignsRepository]);
  clinics = await plantClinics(app);
  students = app.get(StudentRepository);
  const input = [
    {
      studentNumber: 's1',
      firstName: 'Ada',
      lastName: 'Lovelace',
      grade: '5',
      city: 'boston',
      enrollmentDate: '2020-09-01',
      isActive: true,
    },
    {
      studentNumber: 's2',
      firstName: 'Alan',
      lastName: 'Turing',
      grade: '6',
      city: null,
      enrollmentDate: '2021-09-01',
      isActive: false,
    },
    {
      studentNumber: 's3',
      firstName: 'Grace',
      lastName: 'Hopper',
      grade: null,
      city: 'salem',
      enrollmentDate: null,
      isActive: true,
    },
    {
      studentNumber: 's4',
      firstName: 'Edsger',
      lastName: 'Dijk_tra',
      grade: '5',
      city: 'Boston',
      enrollmentDate: '2020-09-02',
      isActive: true,
    },
    {
      studentNumber: 's5',
      firstName: 'Barbara',
      lastName: '100%',
      grade: '7',
      city: null,
      enrollmentDate: null,
      isActive: false,
    },
    {
      studentNumber: 's6',
      firstName: 'Kurt',
      lastName: 'Gödel',
      grade: null,
      city: null,
      enrollmentDate: '2022-02-28',
      isActive: false,
    },
    {
      studentNumber: 's7',
      firstName: 'Tim',
      lastName: 'back\\slash',
      grade: '9',
      city: 'bos',
      enrollmentDate: '2020-09-01',
      isActive: true,
    },
  ];
  rows = await students.bulkCreate(
    input.map((one) => ({ ...base, ...one })),
    clinics.a,
  );
});
afterAll(() => app?.close());

/** Numbers of the students that match. */
async function matching(where: Where): Promise<string[]> {
  return runWithContext(clinics.a, async () => {
    const found = await students.findAll({ where, orderBy: [{ studentNumber: 'ASC' }] });
    // Every way of asking gives the same answer.
    expect(await students.count(where)).toBe(found.length);
    expect(await students.exists(where)).toBe(found.length > 0);
    expect((await students.findMany({ where })).pagination.total).toBe(found.length);
    return found.map(({ studentNumber }) => studentNumber);
  });
}

describe('An operator', () => {
  it.each<[string, Where, string]>([
    ['a bare value', { grade: '5' }, 's1 s4'],
    ['bare null', { grade: null }, 's3 s6'],
    ['eq', { grade: { eq: '5' } }, 's1 s4'],
    ['eq null', { grade: { eq: null } }, 's3 s6'],
    ['ne, not of null', { grade: { ne: '5' } }, 's2 s5 s7'],
    ['ne null', { grade: { ne: null } }, 's1 s2 s4 s5 s7'],
    ['in', { grade: { in: ['5', '9'] } }, 's1 s4 s7'],
    ['in with doubles', { grade: { in: ['5', '5'] } }, 's1 s4'],
    ['in nothing', { grade: { in: [] } }, ''],
    ['notIn, not of null', { grade: { notIn: ['5', '9'] } }, 's2 s5'],
    ['notIn nothing', { grade: { notIn: [] } }, 's1 s2 s3 s4 s5 s6 s7'],
    ['lt', { enrollmentDate: { lt: '2020-09-02' } }, 's1 s7'],
    ['lte', { enrollmentDate: { lte: '2020-09-02' } }, 's1 s4 s7'],
    ['gt', { enrollmentDate: { gt: '2020-09-02' } }, 's2 s6'],
    ['gte', { enrollmentDate: { gte: '2020-09-02' } }, 's2 s4 s6'],
    ['between, both ends included', { enrollmentDate: { between: ['2020-09-02', '2021-09-01'] } }, 's2 s4'],
    ['between the wrong way round', { enrollmentDate: { between: ['2021-09-01', '2020-09-02'] } }, ''],
    ['like', { city: { like: 'bos%' } }, 's1 s7'],
    ['like with one letter', { city: { like: 'bo_' } }, 's7'],
    ['ilike', { city: { ilike: 'BOS%' } }, 's1 s4 s7'],
    ['ilike with an escape', { lastName: { ilike: '%\\%' } }, 's5'],
    ['contains, whatever the case', { city: { contains: 'OSTO' } }, 's1 s4'],
    ['contains a wildcard as itself', { lastName: { contains: '%' } }, 's5'],
    ['contains an underscore as itself', { lastName: { contains: 'k_t' } }, 's4'],
    ['contains a backslash as itself', { lastName: { contains: 'k\\s' } }, 's7'],
    ['contains letters beyond ASCII', { lastName: { contains: 'GÖD' } }, 's6'],
    ['contains nothing: every text, no null', { city: { contains: '' } }, 's1 s3 s4 s7'],
    ['isNull', { city: { isNull: true } }, 's2 s5 s6'],
    ['isNull false', { city: { isNull: false } }, 's1 s3 s4 s7'],
    ['a boolean', { isActive: false }, 's2 s5 s6'],
    [
      'several operators on one attribute',
      { enrollmentDate: { gte: '2020-09-01', lt: '2021-01-01', ne: '2020-09-02' } },
      's1 s7',
    ],
  ])('finds by %s [D20]', async (_name, where, expected) => {
    expect(await matching(where)).toEqual(expected.split(' ').filter(Boolean));
  });

  it.each<[string, Where, string]>([
    ['AND', { AND: [{ grade: '5' }, { city: 'boston' }] }, 's1'],
    ['OR', { OR: [{ grade: '6' }, { city: 'salem' }] }, 's2 s3'],
    ['NOT', { NOT: { isActive: true } }, 's2 s5 s6'],
    ['NOT over null is not true', { NOT: { grade: '5' } }, 's2 s5 s7'],
    ['NOT of several', { NOT: { grade: '5', city: 'boston' } }, 's2 s3 s4 s5 s7'],
    ['a sibling beside OR', { isActive: true, OR: [{ grade: '5' }, { grade: '6' }] }, 's1 s4'],
    [
      'siblings beside AND, OR and NOT',
      { isActive: true, AND: [{ grade: '5' }], OR: [{ city: 'boston' }, { city: 'Boston' }], NOT: { city: 'boston' } },
      's4',
    ],
    ['AND of nothing', { AND: [] }, 's1 s2 s3 s4 s5 s6 s7'],
    ['OR of nothing', { OR: [] }, ''],
    ['NOT of nothing', { NOT: {} }, ''],
    ['OR with an empty branch', { OR: [{ grade: '5' }, {}] }, 's1 s2 s3 s4 s5 s6 s7'],
    ['NOT of an OR with an empty branch', { NOT: { OR: [{ grade: '5' }, {}] } }, ''],
    ['NOT of OR of nothing', { NOT: { OR: [] } }, 's1 s2 s3 s4 s5 s6 s7'],
    ['an OR of nothing beside a condition', { grade: '5', OR: [] }, ''],
    ['ne, and null with it', { OR: [{ grade: { ne: '5' } }, { grade: null }] }, 's2 s3 s5 s6 s7'],
  ])('joins by %s [D20]', async (_name, where, expected) => {
    expect(await matching(where)).toEqual(expected.split(' ').filter(Boolean));
  });

  it('compares times, decimals, versions and JSON', async () => {
    await runWithContext(clinics.a, async () => {
      const studentId = rows[0]!.id;
      const vitals = app.get(VitalSignsRepository);
      await vitals.bulkCreate(
        ['99.90', '100.00', '100.10'].map((heightCm, i) => ({
          studentId,
          heightCm,
          measuredAt: new Date(Date.UTC(2024, 0, 1, 0, 0, 0, i)),
        })),
      );
      const heights = async (where: object): Promise<unknown[]> =>
        (await vitals.findAll({ where, orderBy: [{ heightCm: 'ASC' }] })).map(({ heightCm }) => heightCm);
      expect(await heights({ heightCm: '100' })).toEqual(['100.00']);
      expect(await heights({ heightCm: { gt: '99.9' } })).toEqual(['100.00', '100.10']);
      expect(await heights({ heightCm: { in: ['100.1', '99.900'] } })).toEqual(['99.90', '100.10']);
      // Not rounded to what the column holds.
      expect(await heights({ heightCm: { in: ['99.999', '100.004'] } })).toEqual([]);
      expect(await heights({ heightCm: { between: ['99.901', '100.0999'] } })).toEqual(['100.00']);
      expect(await heights({ heightCm: { eq: '100.001' } })).toEqual([]);
      expect(await heights({ measuredAt: { gte: new Date(Date.UTC(2024, 0, 1, 0, 0, 0, 1)) } })).toEqual([
        '100.00',
        '100.10',
      ]);
      expect(await heights({ measuredAt: { lt: '2024-01-01T01:00:00.001+01:00' } })).toEqual(['99.90']);
      expect(await heights({ version: { between: [1, 2] } })).toHaveLength(3);
      const allergies = app.get(AllergyRepository);
      await allergies.create({
        studentId,
        allergen: 'peanut',
        reactions: [{ code: '271807003', description: 'rash', severity: 'MILD' }],
      });
      expect(await allergies.count({ reactions: { contains: [{ code: '271807003' }] } })).toBe(1);
      expect(await allergies.count({ reactions: { contains: [{ code: 'other' }] } })).toBe(0);
      expect(await allergies.count({ reactions: { ne: [] as never } })).toBe(1);
      expect((await Allergy.findOne())?.reactions).toEqual([
        { code: '271807003', description: 'rash', severity: 'MILD' },
      ]);
    });
  });

  it('leaves deleted rows out, unless they are asked for', async () => {
    await runWithContext(clinics.a, async () => {
      const { id } = await students.create({
        ...base,
        studentNumber: 's8',
        firstName: 'x',
        lastName: 'x',
        grade: '99',
      });
      await students.delete(id);
      const where = { grade: '99' };
      expect([
        await students.count(where),
        await students.exists(where),
        await students.exists(id),
        await students.findOne({ where }),
      ]).toEqual([0, false, false, null]);
      const withDeleted = { withDeleted: true };
      expect([
        await students.count(where, withDeleted),
        await students.exists(where, withDeleted),
        await students.exists(id, withDeleted),
      ]).toEqual([1, true, true]);
      expect(
        await students.findAll({ where: { grade: '99', deletedAt: { isNull: false } } }, withDeleted),
      ).toHaveLength(1);
      expect(await students.findAll({ where: { OR: [{ grade: '99' }, { deletedAt: { isNull: false } }] } })).toEqual(
        [],
      );
    });
  });
});

type Truth = boolean | null;
type Value = string | boolean | null;
type Operand = Value | readonly Value[];
const and = (parts: readonly Truth[]): Truth => (parts.includes(false) ? false : parts.includes(null) ? null : true);
const or = (parts: readonly Truth[]): Truth => (parts.includes(true) ? true : parts.includes(null) ? null : false);
const not = (part: Truth): Truth => (part === null ? null : !part);

/** SQL's logic of three values, written down a second time. */
function holds(row: Row, where: Record<string, unknown>): Truth {
  return and(
    Object.entries(where).map(([key, value]): Truth => {
      if (key === 'AND') return and((value as never[]).map((part) => holds(row, part)));
      if (key === 'OR') return or((value as never[]).map((part) => holds(row, part)));
      if (key === 'NOT') return not(holds(row, value as never));
      const operators = typeof value === 'object' && value !== null ? value : { eq: value };
      return and(
        Object.entries(operators).map(([operator, operand]) =>
          compares(row[key as keyof Row] as Value, operator, operand as Operand),
        ),
      );
    }),
  );
}

function compares(value: Value, operator: string, operand: Operand): Truth {
  if (operator === 'isNull') return (value === null) === operand;
  if (operand === null) return operator === 'eq' ? value === null : value !== null;
  if (operator === 'in' && (operand as readonly Value[]).length === 0) return false;
  if (operator === 'notIn' && (operand as readonly Value[]).length === 0) return true;
  if (value === null) return null;
  switch (operator) {
    case 'eq':
      return value === operand;
    case 'ne':
      return value !== operand;
    case 'in':
      return (operand as readonly Value[]).includes(value);
    case 'notIn':
      return !(operand as readonly Value[]).includes(value);
    case 'lt':
      return value < (operand as string);
    default:
      return value >= (operand as string);
  }
}

function randomWhere(random: SeededRandom, depth: number): Record<string, unknown> {
  const leaf = (): Record<string, unknown> => {
    const grade = (): string => random.pick(['5', '6', '7', '8', '9']);
    return random.pick<() => Record<string, unknown>>([
      () => ({ grade: random.pick([grade(), null]) }),
      () => ({
        grade: random.pick([
          { eq: grade() },
          { ne: grade() },
          { ne: null },
          { isNull: random.pick([true, false]) },
          { lt: grade(), gte: grade() },
        ]),
      }),
      () => ({ grade: { [random.pick(['in', 'notIn'])]: Array.from({ length: random.below(3) }, grade) } }),
      () => ({ city: random.pick(['boston', 'salem', null]) }),
      () => ({ enrollmentDate: { [random.pick(['lt', 'gte'])]: random.pick(['2020-09-02', '2022-01-01']) } }),
      () => ({ isActive: random.pick([true, false]) }),
      () => ({}),
    ])();
  };
  if (depth === 0) return leaf();
  const some = (): Record<string, unknown>[] =>
    Array.from({ length: random.below(4) }, () => randomWhere(random, depth - 1));
  return random.pick([
    leaf,
    () => ({ ...leaf(), OR: some() }),
    () => ({ AND: some(), ...leaf() }),
    () => ({ NOT: randomWhere(random, depth - 1), ...leaf() }),
    () => ({ NOT: { OR: some() }, AND: some() }),
  ])();
}

describe('Filters made at random', () => {
  it('find exactly the rows for which SQL’s logic says true [D15] [D20]', async () => {
    const random = seededRandom(20);
    const living = rows.toSorted((a, b) => a.studentNumber.localeCompare(b.studentNumber));
    const sizes = new Set<number>();
    for (let i = 0; i < 400; i += 1) {
      const where = randomWhere(random, 3);
      const expected = living.filter((row) => holds(row, where) === true).map(({ studentNumber }) => studentNumber);
      const found = await students.findAll(
        { where: where as Where, orderBy: [{ studentNumber: 'ASC' }] },
        { context: clinics.a },
      );
      expect([where, found.map(({ studentNumber }) => studentNumber)]).toEqual([where, expected]);
      sizes.add(expected.length);
    }
    // The filters were neither all empty nor all true.
    expect(sizes.size).toBeGreaterThan(5);
  });
});
