import { InvalidInputError } from '../../../src';
import { EntityStatements } from '../../../src/database/repository/statement/entity-statements';
import { readPage, toPage } from '../../../src/database/repository/read/pagination';
import { readCriteria } from '../../../src/database/repository/read/read-criteria';
import { toEntity } from '../../../src/database/repository/to-entity';
import { offline } from './offline-students';

const CANARY = 'Canary-7301';
const statements = new EntityStatements(offline.Student, offline.student);

describe('Criteria', () => {
  it.each<[string, unknown]>([
    ['skip and take', { skip: 5, take: 5 }],
    ['a cursor', { cursor: CANARY }],
    ['a misspelt key', { order: [] }],
    ['a filter that is undefined', { where: undefined }],
    ['an include', { include: [CANARY] }],
    ['the prototype', JSON.parse('{ "__proto__": {} }')],
    ['null', null],
    ['a list', []],
    ['a text', CANARY],
    ['a select that is a text', { select: CANARY }],
    ['pagination that is null', { pagination: null }],
    ['offset in pagination', { pagination: { offset: 5 } }],
    ['a size of pages', { pagination: { page: 1, size: 5 } }],
  ])('are refused with %s: ignored, it would widen the result [D20]', (_name, criteria) => {
    expect(() => readCriteria('Student', criteria as object, true)).toThrow(InvalidInputError);
    expect(() => readCriteria('Student', criteria as object, true)).not.toThrow(CANARY);
  });

  it('take a page only where pages are read', () => {
    expect(() => readCriteria('Student', { pagination: { page: 2 } })).toThrow(InvalidInputError);
    expect(readCriteria('Student', { pagination: { page: 2 } }, true)).toEqual({ pagination: { page: 2 } });
  });
});

describe('Sort keys', () => {
  const orderOf = (orderBy: unknown): string =>
    /ORDER BY (.*?)( LIMIT|$)/.exec(statements.select('x', { orderBy }).text)![1]!;

  it('end with the id, so that equals keep their order [D20]', () => {
    expect(orderOf(undefined)).toBe('"id" ASC');
    expect(orderOf([{ lastName: 'ASC' }, { firstName: 'DESC' }])).toBe('"last_name" ASC, "first_name" DESC, "id" ASC');
    expect(orderOf([{ id: 'DESC' }])).toBe('"id" DESC');
  });

  it('may stand in one object, in its order [D20]', () => {
    expect(orderOf([{ lastName: 'ASC', firstName: 'DESC' }])).toBe('"last_name" ASC, "first_name" DESC, "id" ASC');
  });

  it.each<[string, unknown]>([
    ['an unknown attribute', [{ [CANARY]: 'ASC' }]],
    ['a column', [{ last_name: 'ASC' }]],
    ['SQL', [{ 'id; DROP TABLE students': 'ASC' }]],
    ['SQL as a direction', [{ lastName: `ASC; SELECT '${CANARY}'` }]],
    ['a direction in lower case', [{ lastName: 'asc' }]],
    ['no direction', [{ lastName: undefined }]],
    ['a text', ['lastName']],
    ['an object in place of the list', { lastName: 'ASC' }],
    ['null', null],
    ['null in the list', [null]],
    ['a constructor', [{ constructor: 'ASC' }]],
    ['the prototype', [JSON.parse('{ "__proto__": "ASC" }')]],
  ])('are refused with %s', (_name, orderBy) => {
    expect(() => statements.select('x', { orderBy })).toThrow(InvalidInputError);
    expect(() => statements.select('x', { orderBy })).not.toThrow(/Canary|DROP/);
  });
});

describe('A projection', () => {
  it.each<[string, unknown[]]>([
    ['nothing', []],
    ['an unknown attribute', [CANARY]],
    ['everything by a star', ['*']],
    ['SQL', ['id", (SELECT 1) AS "x']],
    ['a constructor', ['constructor']],
    ['the prototype', ['__proto__']],
    ['an object', [{ id: true }]],
  ])('is refused with %s', (_name, select) => {
    expect(() => statements.select('x', { select })).toThrow(InvalidInputError);
    expect(() => statements.select('x', { select })).not.toThrow(CANARY);
  });
});

describe('A page request', () => {
  it('has 20 rows unless asked otherwise, and counts', () => {
    expect(readPage('Student')).toEqual({ page: 1, limit: 20, offset: 0, counted: true });
    expect(readPage('Student', { page: 3, limit: 100, total: false })).toEqual({
      page: 3,
      limit: 100,
      offset: 200,
      counted: false,
    });
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '2', 1e9])('refuses page %p [D20]', (page) => {
    expect(() => readPage('Student', { page: page as number })).toThrow(/page must be a whole number from 1 to 100000/);
  });

  it.each([0, -1, 101, 1e9, 2.5, Number.NaN, '20', [20]])('refuses limit %p [D20]', (limit) => {
    expect(() => readPage('Student', { limit: limit as number })).toThrow(/limit must be a whole number from 1 to 100/);
  });

  it('is answered with what is before and after it', () => {
    const page = readPage('Student', { page: 2, limit: 2 });
    expect(toPage([1, 2, 3], page, 5)).toEqual({
      data: [1, 2],
      pagination: { page: 2, limit: 2, total: 5, pages: 3, hasNext: true, hasPrevious: true },
    });
    expect(toPage([], page, null).pagination).toMatchObject({ total: null, pages: null, hasNext: false });
  });
});

describe('An entity', () => {
  it('is frozen through and through, dates apart', () => {
    const entity = toEntity({ list: [{ a: 1 }], at: new Date(), bytes: Buffer.from('x') }) as {
      list: { a: number }[];
      at: Date;
    };
    expect(Object.isFrozen(entity) && Object.isFrozen(entity.list) && Object.isFrozen(entity.list[0])).toBe(true);
    expect(entity.at).toBeInstanceOf(Date);
  });

  it('is made of a Sequelize instance too', () => {
    const built = offline.Student.build({ studentNumber: '1' } as never);
    expect(toEntity(built)).toMatchObject({ studentNumber: '1', isActive: true });
    expect(toEntity(built)).not.toBeInstanceOf(offline.Student);
  });
});
