import { ShapeCache } from '../../../src/database/repository/statement/shape-cache';
import { EntityStatements } from '../../../src/database/repository/statement/entity-statements';
import { type SeededRandom, seededRandom } from '../../support/seeded-random';
import { offline } from './offline-students';

const statements = () => new EntityStatements(offline.Student, offline.student);

type Clause = Record<string, unknown>;
const TEXT = ['grade', 'lastName', 'firstName', 'studentNumber', 'city'];

function comparison(random: SeededRandom): Clause {
  const attribute = random.pick(TEXT);
  const value = `v${random.below(1_000)}`;
  return {
    [attribute]: random.pick<() => unknown>([
      () => value,
      () => null,
      () => ({ ne: value }),
      () => ({ in: Array.from({ length: random.below(4) }, () => value) }),
      () => ({ notIn: [value] }),
      () => ({ gte: value, lt: value }),
      () => ({ between: [value, value] }),
      () => ({ ilike: value }),
      () => ({ contains: value }),
      () => ({ isNull: random.pick([true, false]) }),
    ])(),
  };
}

function clause(random: SeededRandom, depth: number): Clause {
  const part = (): Clause => clause(random, depth - 1);
  if (depth === 0) return comparison(random);
  return random.pick<() => Clause>([
    () => comparison(random),
    () => ({ ...comparison(random), ...comparison(random) }),
    () => ({ ...comparison(random), OR: Array.from({ length: random.below(3) }, part) }),
    () => ({ AND: Array.from({ length: random.below(3) }, part), ...comparison(random) }),
    () => ({ NOT: part(), ...comparison(random) }),
    () => ({}),
    () => ({ school: random.pick([null, {}, { code: 'x' }, { NOT: { district: { code: { ne: 'x' } } } }]) }),
    () => ({ nurse: random.pick([null, {}, { school: random.pick([null, { city: null }]) }]), ...comparison(random) }),
  ])();
}

const INCLUDES = [
  undefined,
  {},
  { school: true },
  { nurse: true },
  { school: true, nurse: true },
  { nurse: true, school: true },
  { school: { select: ['id'] } },
  { school: { select: ['code', 'id'] } },
  { school: { select: ['id'], include: { district: { select: ['name'] } } } },
  { nurse: { select: ['id'], include: { school: { select: ['id'] } } } },
];

describe('The shapes of statements', () => {
  it('give equal questions one statement, and their values apart [D15]', () => {
    const of = statements();
    const one = of.select('x', { where: { grade: '5', lastName: { like: 'A%' } }, limit: 10 });
    const other = of.select('x', { where: { grade: '6', lastName: { like: 'B%' } }, limit: 20 });
    expect(other.text).toBe(one.text);
    expect([one.values, other.values]).toEqual([
      ['5', 'A%', 10],
      ['6', 'B%', 20],
    ]);
  });

  it('never answer one question with the statement of another [D15]', () => {
    const random = seededRandom(15);
    const shared = statements();
    const texts = new Set<string>();
    for (let i = 0; i < 3_000; i += 1) {
      const where = clause(random, 3);
      const request = {
        where,
        orderBy: random.pick([
          undefined,
          [{ grade: 'ASC' }],
          [{ grade: 'DESC' }, { lastName: 'ASC' }],
          [{ lastName: 'ASC', grade: 'DESC' }],
        ]),
        select: random.pick([undefined, ['id'], ['id', 'grade'], ['grade', 'id']]),
        include: random.pick(INCLUDES),
        limit: random.pick([undefined, 5]),
        offset: random.pick([undefined, 5]),
        rows: random.pick(['living', 'deleted', 'all'] as const),
        lock: random.pick([false, true]),
      };
      const cached = shared.select('x', request);
      // What a cache without any other shape in it makes of the same question.
      const fresh = statements().select('x', request);
      expect([cached.text, cached.values]).toEqual([fresh.text, fresh.values]);
      const flat = Object.fromEntries(
        [...cached.text.matchAll(/ AS "([^"]+\.[^"]+)"/g)].map(([, name]) => [name, name]),
      );
      expect(cached.nestRow?.(flat)).toEqual(fresh.nestRow?.(flat));
      texts.add(cached.text);
    }
    // More than the cache holds.
    expect(texts.size).toBeGreaterThan(1_000);
  });

  it('tell apart questions that differ in one detail', () => {
    const of = statements();
    const requests = [
      {},
      { select: ['id', 'grade'] },
      { select: ['grade', 'id'] },
      { orderBy: [{ grade: 'ASC' }] },
      { orderBy: [{ grade: 'DESC' }] },
      { orderBy: [{ lastName: 'ASC' }, { grade: 'ASC' }] },
      { orderBy: [{ grade: 'ASC' }, { lastName: 'ASC' }] },
      { limit: 1 },
      { offset: 1 },
      { limit: 1, offset: 1 },
      { lock: true },
      { rows: 'all' as const },
      { rows: 'deleted' as const },
      { where: { grade: '5' } },
      { where: { NOT: { grade: '5' } } },
      { where: { grade: null } },
      { where: { grade: { isNull: false } } },
      { where: { lastName: '5' } },
      { where: { OR: [{ grade: '5' }, { lastName: '5' }] } },
      { where: { AND: [{ grade: '5' }, { lastName: '5' }], NOT: {} } },
      { where: { OR: [{ grade: '5', lastName: '5' }, { city: '5' }] } },
      { where: { OR: [{ grade: '5' }, { lastName: '5', city: '5' }] } },
      ...INCLUDES.slice(2).map((include) => ({ include })),
      { include: { school: true }, rows: 'all' as const },
      { include: { school: true }, lock: true },
      { where: { school: null } },
      { where: { school: {} } },
      { where: { nurse: null } },
      { where: { nurse: {} } },
      { where: { nurse: { school: {} } } },
      { where: { school: { city: '5' } } },
      { where: { nurse: { school: { city: '5' } } } },
      { where: { school: { city: '5' } }, include: { nurse: true } },
      { where: { school: { city: '5' } }, include: { school: true } },
    ];
    const texts = requests.map((request) => of.select('x', request).text);
    expect(new Set(texts).size).toBe(requests.length);
  });

  it('join a living parent by clinic and id, as the foreign keys are, under names that stay short', () => {
    const { text, values } = statements().select('x', {
      where: { school: { code: 'S-1' } },
      select: ['grade'],
      include: { school: { select: ['name'], include: { district: { select: ['name', 'code'] } } } },
      limit: 5,
    });
    expect(text.split(/ (?=FROM|LEFT|WHERE|ORDER|LIMIT)/)).toEqual([
      'SELECT "Student"."grade" AS "grade", "r1"."id" AS "r1.id", "r1"."name" AS "r1.c0", ' +
        '"r2"."id" AS "r2.id", "r2"."name" AS "r2.c0", "r2"."code" AS "r2.c1"',
      'FROM "students" AS "Student"',
      'LEFT OUTER JOIN "schools" AS "r1" ON "r1"."clinic_id" = "Student"."clinic_id" AND "r1"."id" = "Student"."school_id" ' +
        'AND "r1"."deleted_at" IS NULL',
      'LEFT OUTER JOIN "districts" AS "r2" ON "r2"."clinic_id" = "r1"."clinic_id" AND "r2"."id" = "r1"."district_id" ' +
        'AND "r2"."deleted_at" IS NULL',
      'WHERE ((("r1"."id" IS NOT NULL AND ("r1"."code" = $1))) AND "Student"."deleted_at" IS NULL)',
      'ORDER BY "Student"."id" ASC',
      'LIMIT $2',
    ]);
    expect(values).toEqual(['S-1', 5]);
  });

  it('lock the rows alone, not their parents, which PostgreSQL would refuse', () => {
    const { text } = statements().select('x', { where: { school: { code: '5' } }, lock: true });
    expect(text).toMatch(/ FOR UPDATE OF "Student"$/);
  });

  it('join no table unless a relation is asked for, and count with those of the filter only', () => {
    const of = statements();
    expect(of.select('x', { where: { grade: '5' } }).text).not.toMatch(/JOIN/);
    expect(of.select('x', { include: {} }).text).toBe(of.select('x', {}).text);
    expect(of.count('x', { school: { code: '5' }, NOT: { school: { city: null } } }).text.match(/JOIN/g)).toHaveLength(
      1,
    );
  });

  it('are prepared under a name that stands for the whole text, once they come back', () => {
    const of = statements();
    const random = seededRandom(4);
    const named = new Map<string, string>();
    for (let i = 0; i < 300; i += 1) {
      const where = clause(random, 2);
      const [once, , thrice] = [1, 2, 3].map(() => of.select('x', { where }));
      if (once!.name !== undefined) named.set(once!.name, once!.text);
      expect(thrice!.name).toMatch(/^phi_[0-9a-f]{32}$/);
      expect(named.get(thrice!.name!) ?? thrice!.text).toBe(thrice!.text);
      named.set(thrice!.name!, thrice!.text);
    }
    expect(new Set(named.values()).size).toBe(named.size);
  });

  it('do not fill the memory: the cache is bounded', () => {
    const cache = new ShapeCache();
    for (let i = 0; i < 5_000; i += 1) cache.get(`shape ${i}`, () => ({ text: `SELECT ${i}`, name: `n${i}` }));
    expect(cache.size).toBe(500);
    // Gone, so compiled again; the last one is still there.
    const compile = jest.fn(() => ({ text: 'again', name: 'again' }));
    expect(cache.get('shape 0', compile).text).toBe('again');
    expect(cache.get('shape 4999', compile).text).toBe('SELECT 4999');
    expect(compile).toHaveBeenCalledTimes(1);
  });
});
