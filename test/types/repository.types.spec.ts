import { typeCheck } from '../support/typescript-program';

const preamble = `
  import { createExecutionContext, type Entity, type CreateInput } from 'nestjs-phi-database';
  import { type Allergy, AllergyRepository, StudentRepository } from 'nestjs-phi-database/domains';
  declare const allergies: AllergyRepository;
  declare const students: StudentRepository;
  declare const id: string;
  const given = { studentId: id, allergen: 'Peanut' };
`;

const expectAccepted = (code: string): void => expect(typeCheck(code, preamble)).toEqual([]);
const expectRefused = (code: string, why: RegExp): void => {
  const complaints = typeCheck(code, preamble);
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toMatch(why);
};

describe('the types of create', () => {
  it('ask for the columns that are not null and have no default, and no other [003-06]', () => {
    expectAccepted(`allergies.create({ studentId: id, allergen: 'Peanut' });`);
  });

  it('refuse a missing column [003-06]', () => {
    expectRefused(`allergies.create({ studentId: id });`, /'allergen' is missing/);
  });

  it('refuse an unknown column', () => {
    expectRefused(`allergies.create({ ...given, colour: 'red' });`, /'colour' does not exist/);
  });

  it('refuse a value outside the enum', () => {
    expectRefused(`allergies.create({ ...given, severity: 'BAD' });`, /'"BAD"' is not assignable/);
  });

  it('refuse null where the column is not null', () => {
    expectRefused(`allergies.create({ studentId: id, allergen: null });`, /'null' is not assignable/);
  });

  it('refuse the clinic, which comes from the context [000-28]', () => {
    expectRefused(`allergies.create({ ...given, clinicId: id });`, /'clinicId' does not exist/);
  });

  it('refuse an association in place of its id', () => {
    expectRefused(`allergies.create({ ...given, student: null });`, /'student' does not exist/);
  });
});

describe('the types of update', () => {
  it('take any part of the columns', () => {
    expectAccepted(`allergies.update(id, { severity: 'MILD', notes: null }, undefined, { expectedVersion: 3 });`);
  });

  it.each(['id', 'version', 'createdAt', 'deletedAt', 'clinicId'])('refuse %s, which the library keeps', (column) => {
    expectRefused(`allergies.update(id, { ${column}: null as never });`, new RegExp(`'${column}' does not exist`));
  });
});

describe('the types of criteria', () => {
  it('know columns, operators and several sort keys [003-18] [003-19]', () => {
    expectAccepted(`students.findMany({
      where: { grade: '5', lastName: { ilike: 'a%' }, OR: [{ isActive: true }, { dateOfBirth: { lt: '2015-01-01' } }] },
      orderBy: [{ lastName: 'ASC' }, { firstName: 'DESC' }],
      pagination: { page: 2, limit: 50 },
    });`);
  });

  it('refuse an unknown column in where', () => {
    expectRefused(`students.findMany({ where: { garde: '5' } });`, /'garde' does not exist|but 'garde'/);
  });

  it('refuse an unknown column inside OR [D20]', () => {
    expectRefused(`students.findMany({ where: { OR: [{ garde: '5' }] } });`, /'garde'/);
  });

  it('refuse an unknown sort key and direction', () => {
    expectRefused(`students.findMany({ orderBy: [{ garde: 'ASC' }] });`, /'garde'/);
    expectRefused(`students.findMany({ orderBy: [{ grade: 'UP' }] });`, /'"UP"' is not assignable/);
  });

  it('refuse a value of another type', () => {
    expectRefused(`students.findMany({ where: { isActive: 'yes' } });`, /is not assignable/);
  });

  it('narrow the result to the selected columns', () => {
    expectAccepted(`async () => (await students.findOne({ select: ['id', 'grade'] }))?.grade?.length;`);
    expectRefused(`async () => (await students.findOne({ select: ['id'] }))?.grade;`, /'grade' does not exist/);
  });
});

describe('the types of an entity', () => {
  it('hold the columns, with null where it may be, and no association or method', () => {
    expectAccepted(
      `async () => { const one: Entity<Allergy> = await allergies.findByIdOrFail(id); return one.notes; };`,
    );
    expectRefused(`async () => (await allergies.findByIdOrFail(id)).severity.length;`, /possibly 'null'/);
    expectRefused(`async () => (await allergies.findByIdOrFail(id)).save();`, /'save' does not exist/);
    expectRefused(`async () => (await allergies.findByIdOrFail(id)).student;`, /'student' does not exist/);
  });

  it('cannot be written to', () => {
    expectRefused(`async () => { (await allergies.findByIdOrFail(id)).notes = 'x'; };`, /read-only/);
  });

  it('make findById answer null and findByIdOrFail not [000-38]', () => {
    expectRefused(`async () => (await allergies.findById(id)).id;`, /possibly 'null'/);
    expectAccepted(`async () => (await allergies.findByIdOrFail(id)).id.length;`);
  });
});
