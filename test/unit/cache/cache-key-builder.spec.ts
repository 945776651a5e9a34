import { CacheKeyBuilder, createExecutionContext, InvalidInputError, runWithContext } from '../../../src';
import { seededRandom, type SeededRandom } from '../../support/seeded-random';

const keys = new CacheKeyBuilder(Buffer.alloc(32, 7));
const clinic = (letter: string) =>
  createExecutionContext({ userId: 'u', clinicId: `0190a000-0000-7000-8000-00000000000${letter}` });

/** Questions of which each gives another answer. */
const DISTINCT: unknown[] = [
  {},
  [],
  undefined,
  null,
  0,
  -0,
  1,
  '1',
  1n,
  true,
  'true',
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  'undefined',
  'null',
  'NaN',
  { a: undefined },
  { a: null },
  { a: 'null' },
  { a: {} },
  { a: [] },
  { a: [[]] },
  { a: [1, 2] },
  { a: [2, 1] },
  { a: ['1', '2'] },
  { a: '1,2' },
  { a: ['1,2'] },
  { 'a:1,b': 2 },
  { a: 1, b: 2 },
  { a: '1,"b":2' },
  [undefined],
  [null],
  [undefined, undefined],
  new Date(0),
  '1970-01-01T00:00:00.000Z',
  'date(0)',
  new Date(Number.NaN),
  Buffer.from([1]),
  { 0: 1 },
  'bytes(01)',
  '\ud800',
  '\udc00',
  '\ufffd',
  { where: { studentId: 1 } },
  { where: { studentId: 2 } },
  { where: { studentId: { eq: 1 } } },
  { where: { student: { id: { deeply: { nested: 1 } } } } },
  { where: { student: { id: { deeply: { nested: 2 } } } } },
  { where: {}, studentId: 1 },
  { orderBy: [{ lastName: 'ASC', firstName: 'ASC' }] },
  { orderBy: [{ firstName: 'ASC', lastName: 'ASC' }] },
  { orderBy: [{ lastName: 'ASC' }, { firstName: 'ASC' }] },
  { where: { grade: '5' }, select: ['id'] },
  { where: { grade: '5' } },
  { where: { grade: '5' }, pagination: { page: 1 } },
  { where: { grade: '5' }, pagination: { page: 2 } },
];

function value(random: SeededRandom, depth: number): unknown {
  const leaf = (): unknown =>
    random.pick([random.below(50), `${random.below(50)}`, null, true, new Date(random.below(50))]);
  if (depth === 0) return leaf();
  return random.pick<() => unknown>([
    leaf,
    () => Array.from({ length: random.below(3) }, () => value(random, depth - 1)),
    () =>
      Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [`k${random.below(5)}`, value(random, depth - 1)]),
      ),
  ])();
}

/** The same question with its keys the other way round. */
function reversed(question: unknown): unknown {
  if (Array.isArray(question)) return question.map(reversed);
  if (typeof question !== 'object' || question === null || question instanceof Date) return question;
  return Object.fromEntries(
    Object.entries(question)
      .toReversed()
      .map(([key, part]) => [key, reversed(part)]),
  );
}

/** One text for each question, made in another way than the keys are. */
function sorted(question: unknown): unknown {
  if (question instanceof Date) return { date: question.getTime() };
  if (Array.isArray(question)) return question.map(sorted);
  if (typeof question !== 'object' || question === null) return question;
  return Object.fromEntries(
    Object.entries(question)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([key, part]) => [key, sorted(part)]),
  );
}

describe('A cache key', () => {
  it('is another one for every question [D15]', () => {
    const made = DISTINCT.map((question) => keys.query('Student', question));
    expect(new Set(made).size).toBe(DISTINCT.length);
  });

  it('is another one for 5,000 questions made at random, and the same for the same question [D15]', () => {
    const random = seededRandom(15);
    const questions = new Map<string, unknown>();
    while (questions.size < 5_000) {
      const question = { where: value(random, 3) };
      questions.set(JSON.stringify(sorted(question)), question);
    }
    const made = [...questions.values()].map((question) => keys.query('Student', question));
    expect(new Set(made).size).toBe(5_000);
    expect([...questions.values()].map((question) => keys.query('Student', reversed(question)))).toEqual(made);
  });

  it('keeps entities, kinds and ids apart', () => {
    const made = [
      keys.entity('Student', '1'),
      keys.entity('Student', '2'),
      keys.entity('student', '1'),
      keys.entity('Allergy', '1'),
      keys.entity('Student', '\ud800'),
      keys.entity('Student', '\ufffd'),
      keys.query('Student', '1'),
      keys.entity('Student1', ''),
    ];
    expect(new Set(made).size).toBe(made.length);
  });

  it('keeps clinics apart, and those from no clinic [000-28]', () => {
    const made = ['a', 'b'].map((letter) => runWithContext(clinic(letter), () => keys.entity('Student', '1')));
    expect(new Set([...made, keys.entity('Student', '1')]).size).toBe(3);
    expect(runWithContext(clinic('a'), () => keys.entity('Student', '1'))).toBe(made[0]);
  });

  it('tells nothing of the question, and nothing without the secret', () => {
    const key = keys.query('Student', { where: { lastName: 'Lovelace' } });
    expect(key).toMatch(/^student:query:[\w-]{43}$/);
    expect(new CacheKeyBuilder().query('Student', 1)).not.toBe(new CacheKeyBuilder().query('Student', 1));
    expect(new CacheKeyBuilder(Buffer.alloc(32, 7)).query('Student', 1)).toBe(keys.query('Student', 1));
  });

  it.each([new Map([['a', 1]]), new Set([1]), () => 1, Symbol('a'), /a/, { a: new Set([1]) }])(
    'refuses %p, which has no keys to tell it by [D15]',
    (question) => {
      expect(() => keys.query('Student', question)).toThrow(InvalidInputError);
    },
  );
});
