import { typeCheck } from '../support/typescript-program';

const preamble = `
  import { type BulkWriteResult, type Entity, type IRepository, type UpsertResult } from 'nestjs-phi-database';
  import { type Student, StudentRepository } from 'nestjs-phi-database/domains';
  declare const students: StudentRepository;
  declare const id: string;
  const rest = { firstName: 'Ada', lastName: 'Lovelace', dateOfBirth: '2014-12-10', gender: 'FEMALE' as const };
`;

const expectAccepted = (code: string): void => expect(typeCheck(code, preamble)).toEqual([]);
const expectRefused = (code: string, why: RegExp): void => {
  const complaints = typeCheck(code, preamble);
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toMatch(why);
};

describe('the types of upsert', () => {
  it('ask of the input what the key does not tell, and answer the entity and whether it is new [003-06]', () => {
    expectAccepted(`async () => {
      const answer: UpsertResult<Entity<Student>> = await students.upsert({ studentNumber: 'S-1' }, rest);
      return [answer.created satisfies boolean, answer.entity.grade];
    };`);
  });

  it('take the key in the input, too, and a key of several attributes', () => {
    expectAccepted(`students.upsert({ studentNumber: 'S-1' }, { ...rest, studentNumber: 'S-1' });`);
    expectAccepted(`students.upsert({ studentNumber: 'S-1', lastName: 'Lovelace' }, { ...rest, grade: '5' });`);
  });

  it('refuse input that lacks what is neither null nor the key', () => {
    expectRefused(
      `students.upsert({ studentNumber: 'S-1' }, { firstName: 'Ada', dateOfBirth: '2014-12-10', gender: 'OTHER' });`,
      /'lastName' is missing/,
    );
    expectRefused(`students.upsert({ id }, rest);`, /'studentNumber' is missing/);
  });

  it.each([
    ['an unknown attribute', `{ garde: '5' }`, /'garde'/],
    ['null', `{ studentNumber: null }`, /'null' is not assignable/],
    ['an operator', `{ studentNumber: { in: ['S-1'] } }`, /is not assignable to type 'string'/],
    ['what the database keeps', `{ version: 1 }`, /'version'/],
  ])('refuse as the key: %s', (_name, key, why) => {
    expectRefused(`students.upsert(${key}, { ...rest, studentNumber: 'S-1' });`, why);
  });

  it('refuse an unknown attribute in the input', () => {
    expectRefused(`students.upsert({ studentNumber: 'S-1' }, { ...rest, garde: '5' });`, /'garde' does not exist/);
  });
});

describe('the types of updateMany and deleteMany', () => {
  it('take a filter and a patch, and answer how many and which', () => {
    expectAccepted(`async () => {
      const written: BulkWriteResult = await students.updateMany({ grade: { in: ['11', '12'] } }, { isActive: false });
      return [written.count, ...written.ids, (await students.deleteMany({}, undefined, { allowAll: true })).count];
    };`);
  });

  it.each([
    ['an unknown attribute to filter by', `students.updateMany({ garde: '5' }, { grade: '6' });`, /'garde'/],
    ['an unknown attribute to set', `students.updateMany({ grade: '5' }, { garde: '6' });`, /'garde'/],
    ['what the database keeps', `students.updateMany({ grade: '5' }, { version: 1 });`, /'version' does not exist/],
    [
      'a version, which is of one row',
      `students.deleteMany({ id }, undefined, { expectedVersion: 1 });`,
      /expectedVersion/,
    ],
    ['deleted rows', `students.deleteMany({ id }, undefined, { withDeleted: true });`, /withDeleted/],
    ['no filter', `students.deleteMany();`, /Expected 1-3 arguments/],
    [
      'a change of the answer',
      `async () => { (await students.deleteMany({ id })).ids.push(id); };`,
      /'push' does not exist/,
    ],
  ])('refuse %s', (_name, code, why) => expectRefused(code, why));
});

describe('the types of update with a function', () => {
  it('give it the entity, and take a patch, null, or a promise of them', () => {
    expectAccepted(`students.update(id, (current) => ({ grade: String(Number(current.grade) + 1) }));`);
    expectAccepted(`students.update(id, async ({ isActive }) => (isActive ? { isActive: false } : null), undefined, {
      expectedVersion: 3,
    });`);
  });

  it('refuse a function that answers no patch, and one that writes to the entity', () => {
    expectRefused(`students.update(id, () => ({ garde: '6' }));`, /'garde'|is not assignable|no properties in common/);
    expectRefused(`students.update(id, () => undefined);`, /'undefined' is not assignable|is not assignable/);
    expectRefused(`students.update(id, (current) => { current.grade = '6'; return null; });`, /read-only/);
  });
});

describe('IRepository', () => {
  it('is what every repository is, bulk writes and upserts included [003-16]', () => {
    expectAccepted(`
      import { type CreateInput, type UpdateInput } from 'nestjs-phi-database';
      const port: IRepository<Entity<Student>, CreateInput<Student>, UpdateInput<Student>> = students;
      port.upsert({ studentNumber: 'S-1' }, rest);
      port.updateMany({ grade: '5' }, { grade: '6' });
    `);
  });
});
