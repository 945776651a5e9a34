import {
  createExecutionContext,
  createSystemExecutionContext,
  InvalidInputError,
  NotNullViolationError,
} from '../../../src';
import { encodeInsert, encodePatch, insertedColumns, requireUuid } from '../../../src/database/repository/write/input';
import { everythingOf, refusalOf } from '../../support/refusal';
import { offline } from './offline-students';

const { student, allergy } = offline;
const nurse = createExecutionContext({ userId: '0190c000-0000-7000-8000-00000000000c' });
const CANARY = 'Canary-7301';
const pupil = { studentNumber: '1', firstName: 'A', lastName: 'B', dateOfBirth: '2014-12-10', gender: 'OTHER' };

const insert = (input: object, entity = student, context = nurse) => {
  const columns = insertedColumns(entity);
  const values = encodeInsert(entity, columns, input, context);
  return Object.fromEntries(columns.map(({ attribute }, i) => [attribute, values[i]]));
};

describe('The input of a create', () => {
  it('is completed by defaults, a new id and who acts', () => {
    expect(insert(pupil)).toMatchObject({
      isActive: true,
      grade: null,
      createdBy: nurse.userId,
      updatedBy: nurse.userId,
    });
    expect(insert(pupil).id).toMatch(/^[0-9a-f-]{36}$/);
    expect(insert({ studentId: nurse.userId, allergen: 'x' }, allergy)).toMatchObject({
      reactions: '[]',
      status: 'ACTIVE',
    });
  });

  it('leaves the clinic and the row’s own columns to the database [000-28]', () => {
    const given = Object.keys(insert(pupil));
    for (const kept of ['clinicId', 'version', 'createdAt', 'updatedAt', 'deletedAt'])
      expect(given).not.toContain(kept);
  });

  it('names no user in the row when a system acts [D07]', () => {
    expect(insert(pupil, student, createSystemExecutionContext())).toMatchObject({ createdBy: null, updatedBy: null });
  });

  it.each(['firstName', 'dateOfBirth', 'gender'])('refuses a missing %s [D19]', (attribute) => {
    const error = refusalOf(() => insert({ ...pupil, [attribute]: undefined }));
    expect(error).toBeInstanceOf(NotNullViolationError);
    expect(error).toMatchObject({ code: 'NOT_NULL_VIOLATION', status: 422, attribute });
  });

  it('does not take an explicit null for a missing value', () => {
    expect(refusalOf(() => insert({ ...pupil, isActive: null }))).toBeInstanceOf(NotNullViolationError);
    expect(refusalOf(() => insert({ ...pupil, id: null }))).toBeInstanceOf(NotNullViolationError);
    expect(insert({ ...pupil, grade: null })).toMatchObject({ grade: null });
  });

  it.each<[string, object]>([
    ['an unknown attribute', { [CANARY]: 1 }],
    ['a column in place of the attribute', { first_name: CANARY }],
    ['the prototype', JSON.parse(`{ "__proto__": "${CANARY}" }`)],
    ['a constructor', { constructor: CANARY }],
    ['hasOwnProperty', { hasOwnProperty: CANARY }],
    ['SQL as an attribute', { [`first_name") VALUES ('${CANARY}'); --`]: 1 }],
    ['another clinic', { clinicId: nurse.userId }],
    ['a version', { version: 7 }],
    ['a time of creation', { createdAt: new Date() }],
    ['a time of deletion', { deletedAt: null }],
    ['an author', { createdBy: nurse.userId }],
    ['an association', { school: { name: CANARY } }],
  ])('refuses %s, without repeating it', (_name, extra) => {
    const error = refusalOf(() => insert(Object.assign(JSON.parse(JSON.stringify(extra)), pupil)));
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(everythingOf(error)).not.toContain(CANARY);
  });

  it('refuses what is no object', () => {
    expect(refusalOf(() => insert(null as never))).toBeInstanceOf(NotNullViolationError);
    expect(refusalOf(() => insert('text' as never))).toBeInstanceOf(InvalidInputError);
  });
});

describe('The input of an update', () => {
  const patch = (input: object) => encodePatch(student, input, nurse);

  it('sets the given attributes and who acts, nothing else [D21]', () => {
    const { columns, values } = patch({ grade: '6', city: undefined, email: null });
    expect(Object.fromEntries(columns.map(({ field }, i) => [field, values[i]]))).toEqual({
      grade: '6',
      email: null,
      updated_by: nurse.userId,
    });
  });

  it.each<[string, object]>([
    ['nothing', {}],
    ['nothing but undefined', { grade: undefined }],
    ['null', null as never],
    ['an id', { id: nurse.userId }],
    ['a clinic', { clinicId: nurse.userId }],
    ['a version', { version: 2 }],
    ['an unknown attribute', { [CANARY]: 1 }],
    ['the prototype', JSON.parse(`{ "__proto__": { "grade": "${CANARY}" } }`)],
    ['a constructor', { constructor: CANARY }],
  ])('refuses %s', (_name, input) => {
    const error = refusalOf(() => patch(input));
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(everythingOf(error)).not.toContain(CANARY);
  });

  it('refuses null for a column that needs a value', () => {
    expect(refusalOf(() => patch({ firstName: null }))).toMatchObject({
      code: 'NOT_NULL_VIOLATION',
      attribute: 'firstName',
    });
  });
});

describe('An id', () => {
  it.each([undefined, null, '', 7, 'student-123', `${nurse.userId}'`, [nurse.userId], { id: nurse.userId }])(
    '%p is refused',
    (id) => {
      expect(() => requireUuid(student, id)).toThrow('Student.id must be a UUID');
    },
  );
});
