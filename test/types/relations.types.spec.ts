import { typeCheck } from '../support/typescript-program';

const preamble = `
  import type { Entity, Include, PaginatedResult, QueryCriteria, RowCriteria } from 'nestjs-phi-database';
  import type { Clinic, ClinicVisit, District, School, Student, User, VitalSigns } from 'nestjs-phi-database/domains';
  import type { ClinicRepository, StudentRepository, VitalSignsRepository } from 'nestjs-phi-database/domains';
  declare const students: StudentRepository;
  declare const vitals: VitalSignsRepository;
  declare const clinics: ClinicRepository;
  declare const id: string;
  declare const maybe: boolean;
  type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
  declare function same<A, B>(yes: Same<A, B>): void;
  declare function got<T>(promise: Promise<T>): T;
  type Of<M, K extends keyof M> = Pick<M, K>;
  type Part = Pick<Entity<VitalSigns>, 'id' | 'heightCm'>;
  declare const widened: Include<Student>;
`;

/** One line each, so that a complaint tells its line; all of them are compiled at once. */
const ACCEPTED: [string, string][] = [
  [
    'a parent with all of its attributes',
    `const a = got(students.findAll({ include: { school: true } })); same<(typeof a)[0]['school'], Entity<School> | null>(true); same<(typeof a)[0]['grade'], string | null>(true);`,
  ],
  [
    'a row that is its attributes and its parents, and no more',
    `const b = got(students.findOne({ include: { school: true } })); same<NonNullable<typeof b>, Entity<Student> & { readonly school: Entity<School> | null }>(true);`,
  ],
  [
    'a projection of the row and one of its parent',
    `const c = got(vitals.findOne({ select: ['id', 'heightCm'], include: { student: { select: ['id', 'grade'] } } })); same<typeof c, (Part & { readonly student: Pick<Entity<Student>, 'id' | 'grade'> | null }) | null>(true);`,
  ],
  [
    'parents of parents',
    `const d = got(vitals.findOne({ include: { student: { select: ['id'], include: { school: { include: { district: { select: ['name'] } } } } } } }))!; same<typeof d.student, (Pick<Entity<Student>, 'id'> & { readonly school: (Entity<School> & { readonly district: Pick<Entity<District>, 'name'> | null }) | null }) | null>(true);`,
  ],
  [
    'two parents of one row',
    `const e = got(vitals.findMany({ select: ['id'], include: { visit: { select: ['startedAt'] }, student: true } })); same<typeof e, PaginatedResult<Pick<Entity<VitalSigns>, 'id'> & { readonly visit: Pick<Entity<ClinicVisit>, 'startedAt'> | null; readonly student: Entity<Student> | null }>>(true);`,
  ],
  [
    'five levels',
    `const f = got(vitals.findOne({ include: { visit: { include: { student: { include: { nurse: { include: { school: { include: { district: { select: ['code'] } } } } } } } } } } })); f?.visit?.student?.nurse?.school?.district?.code.length;`,
  ],
  [
    'nothing included',
    `const g = got(students.findOne({ include: {} })); same<typeof g, Pick<Entity<Student>, keyof Entity<Student>> | null>(true);`,
  ],
  [
    'a parent that may have been included or not, where the call does not say',
    `const h = got(students.findOne({ include: widened })); same<NonNullable<NonNullable<typeof h>['school']>['name'], string | undefined>(true);`,
  ],
  [
    'conditions on a parent, and on a parent of it',
    `vitals.count({ student: { grade: { in: ['5'] }, OR: [{ school: { code: 'x', district: { name: { ilike: 'n%' } } } }, { school: null }] } });`,
  ],
  [
    'conditions on parents under AND, OR and NOT',
    `students.exists({ NOT: { school: { isActive: true } }, AND: [{ nurse: { role: 'NURSE' } }], OR: [{ school: {} }, { nurse: null }] });`,
  ],
  [
    'conditions on a parent where many rows are written',
    `students.updateMany({ school: { code: 'x' } }, { grade: '5' }); students.deleteMany({ NOT: { school: null } });`,
  ],
  [
    'includes of pages by cursor and of streams',
    `async () => { for await (const s of students.stream({ select: ['id'], include: { school: { select: ['code'] } } })) same<typeof s, Pick<Entity<Student>, 'id'> & { readonly school: Pick<Entity<School>, 'code'> | null }>(true); return (await students.findPage({ include: { nurse: true } })).data[0]!.nurse?.lastName.length; };`,
  ],
  [
    'criteria that are named, where the model is named with them',
    `const named: RowCriteria<Entity<Student>, keyof Entity<Student>, Student> = { where: { school: { code: 'x' } } }; students.findAll(named);`,
  ],
  [
    'criteria that know of no model',
    `const plain: QueryCriteria<Entity<Student>> = { where: { grade: '5' } }; students.findMany(plain);`,
  ],
];

const REFUSED: [string, string, RegExp][] = [
  ['an unknown relation', `students.findAll({ include: { scool: true } });`, /'scool' does not exist|no properties/],
  ['an unknown relation beside a known one', `students.findAll({ include: { school: true, scool: true } });`, /never/],
  ['an attribute as a relation', `students.findAll({ include: { schoolId: true } });`, /schoolId/],
  ['a member of the model as a relation', `students.findAll({ include: { sequelize: true } });`, /sequelize/],
  [
    'a relation of an entity that has none',
    `clinics.findAll({ include: { school: true } });`,
    /never|'school' does not exist/,
  ],
  ['false, which the result would not follow', `students.findAll({ include: { school: false } });`, /false/],
  ['a boolean, which the result would not follow', `students.findAll({ include: { school: maybe } });`, /boolean/],
  [
    'an unknown attribute of the parent to select',
    `students.findAll({ include: { school: { select: ['nam'] } } });`,
    /'"nam"'|"nam"/,
  ],
  [
    'an attribute of the row in the parent’s projection',
    `students.findAll({ include: { school: { select: ['grade'] } } });`,
    /"grade"/,
  ],
  [
    'an unknown relation of the parent',
    `vitals.findAll({ include: { student: { include: { district: true } } } });`,
    /'district' does not exist/,
  ],
  [
    'an unknown key of an included relation',
    `students.findAll({ include: { school: { where: {} } } });`,
    /where|no prop/,
  ],
  [
    'an unknown key beside known ones',
    `students.findAll({ include: { school: { select: ['id'], required: true } } });`,
    /never|required/,
  ],
  [
    'the use of a parent that was not included',
    `async () => (await students.findAll())[0]?.school;`,
    /'school' does not exist/,
  ],
  [
    'the use of another parent than the included one',
    `async () => (await students.findAll({ include: { nurse: true } }))[0]?.school;`,
    /'school' does not exist/,
  ],
  [
    'the use of an attribute of the parent that was not selected',
    `async () => (await students.findAll({ include: { school: { select: ['id'] } } }))[0]?.school?.name;`,
    /'name' does not exist/,
  ],
  [
    'the use of the parent’s parent that was not included',
    `async () => (await vitals.findAll({ include: { student: true } }))[0]?.student?.school;`,
    /'school' does not exist/,
  ],
  [
    'a parent that is taken to be there',
    `async () => (await students.findOne({ include: { school: true } }))!.school.name;`,
    /possibly 'null'/,
  ],
  [
    'a change to what was read of a parent',
    `async () => { (await students.findOne({ include: { school: true } }))!.school!.name = 'x'; };`,
    /read-only/,
  ],
  [
    'a change of the parent',
    `async () => { (await students.findOne({ include: { school: true } }))!.school = null; };`,
    /read-only/,
  ],
  [
    'a method of the model',
    `async () => (await students.findOne({ include: { school: true } }))!.school!.save();`,
    /save/,
  ],
  [
    'an unknown attribute of a parent to filter by',
    `students.count({ school: { nam: 'x' } });`,
    /'nam' does not exist/,
  ],
  ['a value of another type for it', `students.count({ school: { isActive: 'yes' } });`, /'string' is not assignable/],
  ['a relation of another entity to filter by', `students.count({ visit: { id } });`, /'visit' does not exist/],
  ['an operator on a relation', `students.count({ school: { eq: null } });`, /'eq' does not exist/],
  ['a list for a relation', `students.count({ school: [{ name: 'x' }] });`, /not assignable|no properties/],
  ['a sort by a parent’s attribute', `students.findAll({ orderBy: [{ school: 'ASC' }] });`, /'school' does not exist/],
  ['a parent among the attributes to select', `students.findAll({ select: ['school'] });`, /"school"/],
  [
    'a sixth level',
    `vitals.findAll({ include: { visit: { include: { student: { include: { nurse: { include: { school: { include: { district: { include: { clinic: true } } } } } } } } } } } });`,
    /never|clinic/,
  ],
  [
    'an include of criteria that know of no model',
    `const c: RowCriteria<Entity<Student>> = { include: { school: true } };`,
    /never/,
  ],
  [
    'a parent in the input of create',
    `students.create({ studentNumber: '1', firstName: 'a', lastName: 'b', dateOfBirth: '2014-12-10', gender: 'MALE', school: null });`,
    /'school' does not exist/,
  ],
  [
    'a parent in what is written to many rows',
    `students.updateMany({ grade: '5' }, { school: null });`,
    /'school' does not exist/,
  ],
  [
    'a parent in a natural key',
    `students.upsert({ school: null }, {} as never);`,
    /'school' does not exist|no properties/,
  ],
  [
    'a parent in the input of upsert',
    `students.upsert({ studentNumber: '1' }, { firstName: 'a', lastName: 'b', dateOfBirth: '2014-12-10', gender: 'MALE', school: null });`,
    /'school' does not exist/,
  ],
  [
    'an unknown attribute of a parent where many rows are written',
    `students.deleteMany({ school: { nam: 'x' } });`,
    /'nam' does not exist/,
  ],
  ['a parent in the input of update', `students.update(id, { school: null });`, /'school' does not exist/],
  [
    'an include for findById, which takes none',
    `students.findById(id, { include: { school: true } });`,
    /'include' does not/,
  ],
];

/** The preamble is one line. */
const FIRST_LINE = 2;

let accepted: string[];
let refused: string[];

beforeAll(() => {
  accepted = typeCheck(ACCEPTED.map(([, code]) => code).join('\n'), preamble);
  refused = typeCheck(REFUSED.map(([, code]) => code).join('\n'), preamble);
});

describe('the types of relations', () => {
  it('are those of names that exist', () => {
    expect([...accepted, ...refused].filter((complaint) => complaint.startsWith('1: '))).toEqual([]);
  });

  it.each(ACCEPTED.map(([name], i) => [name, i] as const))('take %s [003-06] [003-18]', (_name, i) => {
    expect(accepted.filter((complaint) => complaint.startsWith(`${i + FIRST_LINE}: `))).toEqual([]);
  });

  it.each(REFUSED.map(([name, , why], i) => [name, why, i] as const))('refuse %s', (_name, why, i) => {
    const complaints = refused.filter((complaint) => complaint.startsWith(`${i + FIRST_LINE}: `));
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toMatch(why);
  });
});
