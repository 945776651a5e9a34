import { alwaysHolds } from '../../../src/database/repository/write/always-holds';
import { Filter } from '../../../src/database/repository/statement/filter';
import { offline } from './offline-students';

const everyRowPasses = (where: unknown): boolean => alwaysHolds(new Filter(offline.student, where));

describe('A filter that every row passes is known as such, however it is written', () => {
  it.each<[object]>([
    [{}],
    [{ AND: [] }],
    [{ AND: [{}, { AND: [{}] }] }],
    [{ OR: [{}] }],
    [{ OR: [{ grade: '5' }, {}] }],
    [{ NOT: { OR: [] } }],
    [{ NOT: { AND: [{ OR: [] }, { grade: '5' }] } }],
    [{ NOT: { NOT: {} } }],
    [{ NOT: { grade: { in: [] } } }],
    [{ grade: { notIn: [] } }],
    [{ lastName: { ne: null } }],
    [{ NOT: { lastName: null } }],
    [{ lastName: { like: '%' } }],
    [{ lastName: { contains: '' } }],
  ])('%j', (where) => expect(everyRowPasses(where)).toBe(true));
});

describe('A filter that narrows is none of those', () => {
  it.each<[object]>([
    [{ grade: '5' }],
    [{ OR: [] }],
    [{ NOT: {} }],
    [{ grade: { in: [] } }],
    [{ grade: { ne: null } }],
    [{ grade: { like: '%' } }],
    [{ lastName: { like: 'a%' } }],
    [{ lastName: null }],
    [{ AND: [{}, { grade: '5' }] }],
    [{ OR: [{ grade: '5' }, { grade: '6' }] }],
    [{ OR: [{ grade: '5' }, { NOT: { grade: '5' } }] }],
    [{ OR: [{ grade: null }, { lastName: { ne: 'x' } }] }],
    [{ OR: [{ isActive: true }, { isActive: true }] }],
    [{ OR: [{ version: { lt: 3 } }, { version: { gte: 4 } }] }],
    [{ OR: [{ AND: [{ grade: null }, { isActive: true }] }, { grade: { ne: null } }] }],
    [{ gender: { in: ['OTHER', 'MALE', 'FEMALE'] } }],
    [{ OR: [{ isActive: true }, { NOT: { OR: [{ isActive: true }, { grade: '5', city: 'x' }] } }] }],
    [{ OR: [{ school: null }, { school: { isActive: true } }] }],
    [{ school: { id: { ne: null } } }],
  ])('%j', (where) => expect(everyRowPasses(where)).toBe(false));
});
