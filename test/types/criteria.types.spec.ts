import { typeCheck } from '../support/typescript-program';

const preamble = `
  import type { Entity, PaginatedResult } from 'nestjs-phi-database';
  import type { AllergyRepository, Student } from 'nestjs-phi-database/domains';
  import type { StudentRepository, VitalSignsRepository } from 'nestjs-phi-database/domains';
  declare const students: StudentRepository;
  declare const allergies: AllergyRepository;
  declare const vitals: VitalSignsRepository;
  declare const id: string;
  type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
  declare function same<A, B>(yes: Same<A, B>): void;
  type Part = Pick<Entity<Student>, 'id' | 'grade'>;
  declare function got<T>(promise: Promise<T>): T;
  declare const row: Entity<Student>;
`;

/** One line each, so that a complaint tells its line; all of them are compiled at once. */
const ACCEPTED: [string, string][] = [
  [
    'one row has exactly the selected attributes',
    `const one = got(students.findOne({ select: ['id', 'grade'] })); same<typeof one, Part | null>(true);`,
  ],
  [
    'a page has exactly the selected attributes',
    `const page = got(students.findMany({ select: ['id', 'grade'] })); same<typeof page, PaginatedResult<Part>>(true);`,
  ],
  [
    'all rows have exactly the selected attributes',
    `const all = got(students.findAll({ select: ['id', 'grade'] })); same<typeof all, readonly Part[]>(true);`,
  ],
  [
    'without a projection there is every attribute',
    `const every = got(students.findAll()); same<typeof every, readonly Entity<Student>[]>(true);`,
  ],
  [
    'lists and bounds of an attribute',
    `students.count({ gender: { in: ['MALE'] }, createdAt: { between: [row.createdAt, new Date()] }, version: { gt: 2 } });`,
  ],
  [
    'null where it means something',
    `students.findAll({ where: { grade: null, schoolId: { eq: null, ne: null }, city: { isNull: false } } });`,
  ],
  [
    'AND, OR and NOT of any depth',
    `students.count({ grade: '5', OR: [{ isActive: { ne: true } }, { NOT: { AND: [{ grade: null }] } }] });`,
  ],
  ['decimals as text', `vitals.exists({ heightCm: { gt: '100.5' } });`],
  ['a page request without count', `students.findMany({ pagination: { page: 1, limit: 5, total: false } });`],
  ['bulk input like create’s', `allergies.bulkCreate([{ studentId: id, allergen: 'Peanut', reactions: [] }]);`],
];

const REFUSED: [string, string, RegExp][] = [
  ['an unknown attribute to select', `students.findOne({ select: ['garde'] });`, /'"garde"' is not assignable/],
  [
    'a value outside the enum in a list',
    `students.count({ gender: { in: ['ROBOT'] } });`,
    /'"ROBOT"' is not assignable/,
  ],
  [
    'a text for a time',
    `students.count({ createdAt: { gt: '2024-01-01' } });`,
    /'string' is not assignable to type 'Date'/,
  ],
  ['one bound of two', `students.count({ createdAt: { between: [new Date()] } });`, /not assignable/],
  ['a text for isNull', `students.count({ grade: { isNull: 'yes' } });`, /'string' is not assignable to type 'boolean/],
  [
    'a number for a pattern',
    `students.count({ lastName: { like: 5 } });`,
    /'number' is not assignable to type 'string'/,
  ],
  [
    'a number to be contained in text',
    `students.count({ lastName: { contains: 5 } });`,
    /'number' is not assignable to type 'string'/,
  ],
  ['null under an order', `students.count({ grade: { lt: null } });`, /'null' is not assignable/],
  ['null in a list', `students.count({ grade: { in: [null] } });`, /'null' is not assignable/],
  ['an unknown operator', `students.count({ grade: { matches: 'x' } });`, /'matches' does not exist/],
  ['an object under OR', `students.count({ OR: { grade: '5' } });`, /'grade' does not exist/],
  ['a list under NOT', `students.count({ NOT: [{ grade: '5' }] });`, /no properties in common/],
  ['a page to findAll [D20]', `students.findAll({ pagination: { page: 2 } });`, /'pagination' does not exist/],
  ['a page to findOne [D20]', `students.findOne({ pagination: { page: 2 } });`, /'pagination' does not exist/],
  ['skip [D20]', `students.findMany({ skip: 5 });`, /'skip' does not exist/],
  ['a list to include', `students.findMany({ include: [] });`, /no properties in common/],
  ['offset in a page request [D20]', `students.findMany({ pagination: { offset: 5 } });`, /'offset' does not exist/],
  ['a bulk row that lacks a column', `allergies.bulkCreate([{ studentId: id }]);`, /'allergen' is missing/],
  [
    'a decimal as a number',
    `vitals.create({ studentId: id, heightCm: 127.9 });`,
    /'number' is not assignable to type 'string'/,
  ],
  [
    'an expected version that is no number',
    `students.update(id, { grade: '5' }, undefined, { expectedVersion: '1' });`,
    /'string' is not assignable to type 'number'/,
  ],
  ['null for a required column in a patch', `students.update(id, { gender: null });`, /'null' is not assignable/],
];

/** The preamble is one line. */
const FIRST_LINE = 2;

let accepted: string[];
let refused: string[];

beforeAll(() => {
  accepted = typeCheck(ACCEPTED.map(([, code]) => code).join('\n'), preamble);
  refused = typeCheck(REFUSED.map(([, code]) => code).join('\n'), preamble);
});

describe('the types of criteria and writes', () => {
  it.each(ACCEPTED.map(([name], i) => [name, i] as const))('take %s [003-06]', (_name, i) => {
    expect(accepted.filter((complaint) => complaint.startsWith(`${i + FIRST_LINE}: `))).toEqual([]);
  });

  it.each(REFUSED.map(([name, , why], i) => [name, why, i] as const))('refuse %s', (_name, why, i) => {
    const complaints = refused.filter((complaint) => complaint.startsWith(`${i + FIRST_LINE}: `));
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toMatch(why);
  });
});
