import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import {
  type Entity,
  InvalidCursorError,
  InvalidInputError,
  type KeysetCriteria,
  type KeysetPage,
  runWithContext,
} from '../../src';
import { StudentRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { type SeededRandom, seededRandom } from '../support/seeded-random';
import { plantSortCases, randomOrder, type SortCase, SortCaseRepository } from '../support/sort-cases';
import { pupil } from '../support/student-app';

const KEY = randomBytes(32).toString('base64');
const ROWS = 120;

let app: DatabaseApp;
let clinics: TwoClinics;
let truth: Client;
let cases: SortCaseRepository;
let students: StudentRepository;
let random: SeededRandom;

type Criteria = KeysetCriteria<Entity<SortCase>>;

const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);
const ids = (page: KeysetPage<{ readonly id: string }>): string[] => page.data.map(({ id }) => id);
const expected = async (order: string, where = 'TRUE'): Promise<string[]> =>
  (await truth.query<{ id: string }>(`SELECT id FROM sort_cases WHERE ${where} ORDER BY ${order}`)).rows.map(
    ({ id }) => id,
  );

/** All pages from the first to the last. */
async function forwards(criteria: Criteria): Promise<KeysetPage<Entity<SortCase>>[]> {
  const pages = [await cases.findPage(criteria)];
  while (pages.at(-1)!.cursors.next)
    pages.push(await cases.findPage({ ...criteria, after: pages.at(-1)!.cursors.next! }));
  return pages;
}

/** All pages in front of `last`, and it, in their order. */
async function backwards(criteria: Criteria, last: KeysetPage<Entity<SortCase>>) {
  const pages = [last];
  while (pages[0]!.cursors.previous)
    pages.unshift(await cases.findPage({ ...criteria, before: pages[0]!.cursors.previous }));
  return pages;
}

beforeAll(async () => {
  app = await startDatabaseApp([SortCaseRepository, StudentRepository], { cursorKey: KEY });
  clinics = await plantClinics(app);
  truth = await app.db.superClient();
  cases = app.get(SortCaseRepository);
  students = app.get(StudentRepository);
  random = seededRandom(jest.getSeed());
  await plantSortCases(truth, random, ROWS);
  for (const clinic of [clinics.a, clinics.b]) {
    const numbers = Array.from({ length: 9 }, (_, n) => `${clinic.requestId}-${n}`);
    await students.bulkCreate(numbers.map(pupil), clinic);
  }
});
afterAll(() => app?.close());

describe('Keyset pages', () => {
  it('skip no row and repeat none, whatever the keys, nulls and equals: 40 random orders, there and back [003-18] [D20] [U66]', async () => {
    for (let round = 0; round < 40; round += 1) {
      const { orderBy, sql } = randomOrder(random);
      const criteria = { orderBy, limit: 1 + random.below(40) };
      const wanted = { seed: jest.getSeed(), sql, limit: criteria.limit, ids: await expected(sql) };
      const there = await forwards(criteria);
      expect({ ...wanted, ids: there.flatMap(ids) }).toEqual(wanted);
      const back = await backwards(criteria, there.at(-1)!);
      expect({ ...wanted, ids: back.flatMap(ids) }).toEqual(wanted);
    }
  });

  it('do the same with a filter, with a selection and with deleted rows [003-19]', async () => {
    await truth.query(`UPDATE sort_cases SET deleted_at = now() WHERE label = 'B' AND rank = 3`);
    const where = { OR: [{ rank: { gte: 2 } }, { name: null }] };
    const select = ['id', 'name'] as const;
    const orderBy = [{ name: 'DESC' }, { rank: 'ASC' }] as const;
    const order = 'name DESC, rank ASC, id ASC';
    const there = await forwards({ where, orderBy, select, limit: 7 });
    expect(there.flatMap(ids)).toEqual(await expected(order, '(rank >= 2 OR name IS NULL) AND deleted_at IS NULL'));
    expect(Object.keys(there[0]!.data[0]!)).toEqual(['id', 'name']);
    const all = [];
    let after: string | undefined;
    do {
      const page = await cases.findPage(
        { where, orderBy, limit: 7, ...(after ? { after } : {}) },
        { withDeleted: true },
      );
      all.push(...ids(page));
      after = page.cursors.next ?? undefined;
    } while (after);
    expect(all).toEqual(await expected(order, 'rank >= 2 OR name IS NULL'));
    await truth.query('UPDATE sort_cases SET deleted_at = NULL');
  });

  it('are 20 rows in the order of ids unless asked otherwise, and entities like any other', async () => {
    const { data, cursors } = await cases.findPage();
    expect(data.map(({ id }) => id)).toEqual((await expected('id')).slice(0, 20));
    expect(data[0]).toEqual(await cases.findById(data[0]!.id));
    expect(Object.isFrozen(data[0])).toBe(true);
    expect(cursors).toEqual({ next: expect.stringMatching(/^[\w-]+$/) as unknown, previous: null });
  });

  it('end: the last has no next, and the first, reached backwards, no previous', async () => {
    const there = await forwards({ limit: 40 });
    expect(there.map(({ cursors }) => [cursors.previous !== null, cursors.next !== null])).toEqual([
      [false, true],
      [true, true],
      [true, false],
    ]);
    const back = await backwards({ limit: 40 }, there.at(-1)!);
    expect(back.map(({ cursors }) => [cursors.previous !== null, cursors.next !== null])).toEqual([
      [false, true],
      [true, true],
      [true, false],
    ]);
  });

  it('may change their size from page to page', async () => {
    const one = await cases.findPage({ limit: 3 });
    const two = await cases.findPage({ limit: 50, after: one.cursors.next! });
    expect([...ids(one), ...ids(two)]).toEqual((await expected('id')).slice(0, 53));
  });

  it('never show a row twice while others are stored in front of it, and do not lose one [U66]', async () => {
    const before = await expected('rank, id');
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await cases.findPage({ orderBy: [{ rank: 'ASC' }], limit: 11, ...(after ? { after } : {}) });
      seen.push(...ids(page));
      after = page.cursors.next ?? undefined;
      await truth.query(
        `INSERT INTO sort_cases (id, rank, label) SELECT gen_random_uuid(), r, 'new' FROM unnest(ARRAY[1, 2, 3]) AS r`,
      );
    } while (after);
    expect(new Set(seen).size).toBe(seen.length);
    const stored = new Set(before);
    expect(seen.filter((id) => stored.has(id))).toEqual(before);
    await truth.query(`DELETE FROM sort_cases WHERE label = 'new'`);
  });

  it('that have become empty still lead back, to the row that they came after', async () => {
    const where = { label: 'short' };
    await truth.query(
      `INSERT INTO sort_cases (id, rank, label) SELECT gen_random_uuid(), r, 'short' FROM generate_series(1, 4) AS r`,
    );
    const criteria = { where, orderBy: [{ rank: 'ASC' }], limit: 2 } as const;
    const one = await cases.findPage(criteria);
    await truth.query(`DELETE FROM sort_cases WHERE label = 'short' AND rank > 2`);
    const two = await cases.findPage({ ...criteria, after: one.cursors.next! });
    expect(two.data).toEqual([]);
    expect(two.cursors.next).toBeNull();
    expect(ids(await cases.findPage({ ...criteria, before: two.cursors.previous! }))).toEqual(ids(one));
    await truth.query(`DELETE FROM sort_cases WHERE label = 'short'`);
  });

  it('are read in the unit of work, which sees its own rows', async () => {
    await app.unitOfWork.executeInTransaction(async () => {
      const { id } = await cases.create({ rank: 0, label: 'unit' });
      expect(ids(await cases.findPage({ orderBy: [{ rank: 'ASC' }], limit: 1 }))).toEqual([id]);
      await cases.delete(id);
    }, clinics.a);
    await truth.query(`DELETE FROM sort_cases WHERE label = 'unit'`);
  });
});

describe('A cursor of findPage', () => {
  const orderBy = [{ lastName: 'ASC' }] as const;
  const next = async (criteria: object = { orderBy }): Promise<string> =>
    (await asA(() => students.findPage({ ...criteria, limit: 2 }))).cursors.next!;

  it('shows nothing of the row that it stands for [U67]', async () => {
    const cursor = await next();
    expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toContain('Lovelace');
    expect(cursor).not.toContain(Buffer.from('Lovelace').toString('base64url').slice(0, -1));
  });

  it('is refused for another order, filter, value, clinic, entity or view of deleted rows [U67]', async () => {
    const where = { grade: { in: ['5', '6'] } };
    const after = await next({ where, orderBy });
    await asA(async () => {
      expect((await students.findPage({ where, orderBy, after })).data).toHaveLength(7);
      const others: [object, object?][] = [
        [{ where }],
        [{ where, orderBy: [{ lastName: 'DESC' }] }],
        [{ where, orderBy: [{ firstName: 'ASC' }] }],
        [{ where, orderBy: [{ lastName: 'ASC' }, { firstName: 'ASC' }] }],
        [{ orderBy }],
        [{ where: { grade: { in: ['5', '7'] } }, orderBy }],
        [{ where: { grade: { notIn: ['5', '6'] } }, orderBy }],
        [{ where, orderBy }, { withDeleted: true }],
        [{ where, orderBy }, { context: clinics.b }],
      ];
      for (const [criteria, options] of others)
        await expect(students.findPage({ ...criteria, after }, options)).rejects.toThrow(InvalidCursorError);
      await expect(cases.findPage({ after })).rejects.toThrow(InvalidCursorError);
      await expect(students.findPage({ where, orderBy, before: `${after}A` })).rejects.toThrow(InvalidCursorError);
    });
  });

  it.each<[string, unknown]>([
    ['a text', 'Canary-7301'],
    ['empty', ''],
    ['null, as a last page has it', null],
    ['a number', 7301],
    ['an object', { id: 'Canary-7301' }],
    ['much too long', 'Canary-7301'.repeat(100_000)],
  ])('that is %s is refused without being shown, with a code and status 400 [D20]', async (_name, cursor) => {
    for (const way of ['after', 'before']) {
      const refused = asA(() => students.findPage({ [way]: cursor }));
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_CURSOR', status: 400, entity: 'Student' });
      await expect(refused).rejects.not.toThrow('Canary');
    }
  });

  it('does not open the rows of another clinic, and neither do the pages [U67]', async () => {
    const all = await asA(() => students.findPage({ limit: 100 }));
    expect(new Set(all.data.map(({ clinicId }) => clinicId))).toEqual(new Set([clinics.a.clinicId]));
    const after = await next();
    await expect(runWithContext(clinics.b, () => students.findPage({ orderBy, after }))).rejects.toThrow(
      InvalidCursorError,
    );
    await expect(students.findPage({ orderBy, after })).rejects.toThrow(InvalidCursorError);
  });
});

describe('Criteria of findPage', () => {
  it.each<[string, object]>([
    ['both cursors', { after: 'x', before: 'y' }],
    ['no rows', { limit: 0 }],
    ['101 rows', { limit: 101 }],
    ['a limit that is a text', { limit: '5' }],
    ['a limit that is null', { limit: null }],
    ['a page', { pagination: { page: 2 } }],
    ['a misspelt key', { afterwards: 'x' }],
    ['JSON as a sort key', { orderBy: [{ details: 'ASC' }] }],
    ['JSON as a sort key behind the id', { orderBy: [{ id: 'ASC' }, { details: 'ASC' }] }],
    ['an unknown sort key', { orderBy: [{ Canary: 'ASC' }] }],
    ['null', null as never],
    ['a list', [] as never],
  ])('are refused with %s', async (_name, criteria) => {
    await expect(cases.findPage(criteria)).rejects.toThrow(InvalidInputError);
    await expect(cases.findPage(criteria)).rejects.not.toThrow('Canary');
  });

  it('are refused with unknown options', async () => {
    await expect(cases.findPage({}, { limit: 5 } as never)).rejects.toThrow(InvalidInputError);
    await expect(cases.findPage({}, null as never)).rejects.toThrow(InvalidInputError);
  });

  it('take an include: parents come along, and rows stay in their order', async () => {
    await asA(async () => {
      const criteria = { orderBy: [{ studentNumber: 'DESC' }], limit: 4, include: { school: true } } as const;
      const one = await students.findPage(criteria);
      const two = await students.findPage({ ...criteria, after: one.cursors.next! });
      expect([...one.data, ...two.data].map(({ studentNumber }) => studentNumber.slice(-1))).toEqual([...'87654321']);
      expect(two.data[0]!.school).toBeNull();
      expect(Object.keys(two.data[0]!).filter((key) => /[ .]/.test(key))).toEqual([]);
    });
  });
});

describe('findPage in production', () => {
  it('asks for DB_CURSOR_KEY at the first page, and works with it', async () => {
    const { options } = cases['ready']().runtime.runner;
    const open = jest.replaceProperty(options as { cursorKey?: string }, 'cursorKey', undefined);
    const production = jest.replaceProperty(options as { production?: boolean }, 'production', true);
    try {
      await expect(cases.findPage()).rejects.toMatchObject({
        code: 'DATABASE_CONFIGURATION',
        message: expect.stringContaining('DB_CURSOR_KEY') as unknown,
      });
      open.restore();
      expect((await cases.findPage()).data).toHaveLength(20);
    } finally {
      open.restore();
      production.restore();
    }
  });
});
