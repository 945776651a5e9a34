import { Op } from 'sequelize';
import { InvalidInputError } from '../../../src';
import { Filter } from '../../../src/database/repository/statement/filter';
import { everythingOf, refusalOf } from '../../support/refusal';
import { offline } from './offline-students';

const CANARY = 'Canary-7301';
const read = (where: unknown, entity = offline.student) => new Filter(entity, where);

const refusal = (where: unknown, entity = offline.student) => refusalOf(() => read(where, entity));

const nest = (depth: number): object => (depth === 0 ? { grade: '5' } : { NOT: nest(depth - 1) });

describe('A filter', () => {
  it('binds every value in order and keeps none in its shape [004-19]', () => {
    const filter = read({
      grade: CANARY.slice(0, 6),
      OR: [{ lastName: { like: CANARY } }, { isActive: true }],
      NOT: { schoolId: null },
    });
    expect(filter.binds).toEqual([CANARY.slice(0, 6), CANARY, true]);
    expect(filter.shape).toBe('and(grade eq,or(and(lastName like),and(isActive eq)),not(and(schoolId null)))');
  });

  it('reads several operators on one attribute as all of them [D20]', () => {
    const filter = read({ dateOfBirth: { gte: '2010-01-01', lt: '2011-01-01' } });
    expect(filter.shape).toBe('and(dateOfBirth gte,dateOfBirth lt)');
  });

  it('keeps sibling keys beside AND and OR [D20]', () => {
    expect(read({ grade: '5', AND: [{ isActive: true }], OR: [{ lastName: 'x' }] }).shape).toBe(
      'and(grade eq,and(and(isActive eq)),or(and(lastName eq)))',
    );
  });

  it.each<[string, unknown]>([
    ['undefined as a value', { grade: undefined }],
    ['undefined under an operator', { grade: { eq: undefined } }],
    ['undefined in a list', { grade: { in: ['5', undefined] } }],
    ['null in a list', { grade: { in: [null] } }],
    ['null to be contained', { lastName: { contains: null } }],
    ['null as a pattern', { lastName: { like: null } }],
    ['null under an order', { grade: { lt: null } }],
    ['undefined under NOT', { NOT: undefined }],
    ['undefined under OR', { OR: undefined }],
    ['an object under OR', { OR: { grade: '5' } }],
    ['null as the filter', null],
    ['a text as the filter', CANARY],
    ['a list as the filter', [{ grade: '5' }]],
    ['a Map, which has no keys', new Map([['grade', '5']])],
    ['a Date, which has no keys', new Date()],
    ['a function, which has no keys', () => CANARY],
    ['keys that are only inherited', Object.create({ grade: CANARY })],
    ['null inside OR', { OR: [null] }],
    ['a hole inside OR', { OR: Object.assign([], { 1: { grade: '5' } }) }],
    ['a hole inside AND', { AND: Object.assign([], { 1: { grade: '5' } }) }],
    ['a hole in a list', { grade: { notIn: Object.assign([], { 1: '5' }) } }],
    ['a hole for a bound', { dateOfBirth: { between: Object.assign([], { 1: '2020-01-01' }) } }],
    ['Sequelize’s Op beside an attribute', { grade: '5', [Op.or]: [{ lastName: CANARY }] }],
    ['Sequelize’s Op alone', { [Op.and]: [{ lastName: CANARY }] }],
    ['Sequelize’s Op beside an operator', { version: { gt: 1, [Op.lt]: 7301 } }],
    ['a key that is not enumerable', Object.defineProperty({}, 'grade', { value: CANARY })],
    ['an operator that is not enumerable', { grade: Object.defineProperty({ gt: '1' }, 'lt', { value: CANARY }) }],
    ['an inherited operator', { grade: Object.assign(Object.create({ lt: CANARY }), { gt: '1' }) }],
    ['an unknown attribute', { [CANARY]: '5' }],
    ['an unknown attribute with undefined', { [CANARY]: undefined }],
    ['the column in place of the attribute', { last_name: CANARY }],
    ['an unknown attribute of a parent', { school: { [CANARY]: 'x' } }],
    ['an unknown operator on a parent’s attribute', { school: { name: { [CANARY]: 'x' } } }],
    ['undefined for a parent', { school: undefined }],
    ['undefined for a parent’s attribute', { school: { name: undefined } }],
    ['a text for a parent', { school: CANARY }],
    ['a list for a parent', { school: [{ name: CANARY }] }],
    ['a relation of another entity', { school: { nurse: { firstName: CANARY } } }],
    ['an unknown operator', { grade: { [CANARY]: 5 } }],
    ['an operator of Sequelize', { grade: { $eq: CANARY } }],
    ['no operator', { grade: {} }],
    ['a value of another type', { isActive: CANARY }],
    ['a wrong enum', { gender: CANARY }],
    ['a wrong UUID', { id: CANARY }],
    ['one bound of two', { dateOfBirth: { between: ['2020-01-01'] } }],
    ['a date that does not exist', { dateOfBirth: '2023-02-30' }],
    ['NUL', { lastName: `${CANARY}\0` }],
    ['a lone surrogate in a pattern', { lastName: { ilike: `${CANARY}\ud800` } }],
    ['a pattern on what is no text', { isActive: { like: CANARY } }],
    ['a pattern that ends in its escape', { lastName: { like: `${CANARY}\\` } }],
    ['a pattern that ends in a third escape', { lastName: { ilike: `${CANARY}\\\\\\` } }],
    ['isNull that is no boolean', { grade: { isNull: CANARY } }],
    ['a list that is none', { grade: { in: CANARY } }],
    ['a list beyond 10,000', { grade: { in: Array.from({ length: 10_001 }, () => '5') } }],
    ['SQL as an attribute', { [`grade" = '5' OR "${CANARY}`]: '5' }],
    ['SQL as a sort of key', { 'id); DROP TABLE students; --': CANARY }],
    ['the prototype', JSON.parse(`{ "__proto__": "${CANARY}" }`)],
    ['a constructor', { constructor: CANARY }],
    ['a method of every object', { hasOwnProperty: CANARY }],
    ['toString', { toString: CANARY }],
    ['more than 1,000 conditions', { OR: Array.from({ length: 1_001 }, () => ({ grade: '5' })) }],
    ['more than 50 levels', nest(51)],
    ['levels beyond the stack', nest(5_000)],
  ])('refuses %s, without repeating it', (_name, where) => {
    const error = refusal(where);
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(everythingOf(error)).not.toMatch(/Canary|DROP TABLE/);
  });

  it('takes 10,000 values in one list as one bind, and 50 levels', () => {
    expect(read({ grade: { in: Array.from({ length: 10_000 }, () => '5') } }).binds).toHaveLength(1);
    expect(read(nest(50)).binds).toEqual(['5']);
  });

  it('takes an absent filter, and an empty one, as no condition', () => {
    expect(read(undefined).shape).toBe('and()');
    expect(read({}).shape).toBe('and()');
  });

  it('escapes the wildcards of contains, and only of contains', () => {
    expect(read({ lastName: { contains: '50%_\\' } }).binds).toEqual(['%50\\%\\_\\\\%']);
    expect(read({ lastName: { ilike: '50%' } }).binds).toEqual(['50%']);
    expect(read({ lastName: { like: 'a\\\\' } }).binds).toEqual(['a\\\\']);
  });

  it('looks inside JSON by containment', () => {
    expect(read({ reactions: { contains: [{ code: 'x' }] } }, offline.allergy).binds).toEqual(['[{"code":"x"}]']);
    expect(refusal({ reactions: { code: 'x' } }, offline.allergy).message).toMatch(/must be compared by/);
  });

  it('lets a pattern be longer than its column', () => {
    expect(read({ grade: { like: '%'.repeat(40) } }).binds).toEqual(['%'.repeat(40)]);
    expect(refusal({ grade: 'x'.repeat(11) }).message).toMatch(/at most 10 characters/);
  });
});
