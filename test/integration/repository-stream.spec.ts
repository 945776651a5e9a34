import { Readable } from 'node:stream';
import type { Client } from 'pg';
import {
  type Entity,
  InvalidInputError,
  runWithContext,
  type StreamOptions,
  TransactionScopeClosedError,
  UnavailableError,
} from '../../src';
import { poolStatus } from '../../src/database/connection/connections';
import { StatementRunner } from '../../src/database/connection/statement-runner';
import { plantSortCases, randomOrder, type SortCase, SortCaseRepository } from '../support/sort-cases';
import { startDatabaseApp } from '../support/database-app';
import { seededRandom } from '../support/seeded-random';
import {
  backendPid,
  expectWholePool,
  pupil,
  startStudentApp,
  type StudentApp,
  terminate,
} from '../support/student-app';

let app: StudentApp;
let sent: jest.SpyInstance;

const asA = <T>(work: () => T): T => runWithContext(app.clinics.a, work);
const unit: StudentApp['unitOfWork']['executeInTransaction'] = (fn, context = app.clinics.a, options) =>
  app.unitOfWork.executeInTransaction(fn, context, options);
const orderBy = [{ studentNumber: 'ASC' }] as const;
const stream = (options?: StreamOptions) =>
  app.students.stream({ where: { studentNumber: { like: 's-%' } }, orderBy }, options);
const numbers = async (rows: AsyncIterable<{ readonly studentNumber: string }>): Promise<string[]> => {
  const all: string[] = [];
  for await (const { studentNumber } of rows) all.push(studentNumber);
  return all;
};
const all = Array.from({ length: 25 }, (_, n) => `s-${String(n).padStart(2, '0')}`);

beforeAll(async () => {
  // One connection: whatever a stream kept, the next call would wait for.
  app = await startStudentApp({ pool: { min: 0, max: 1, acquireTimeoutMs: 5_000 } });
  await app.students.bulkCreate(all.map(pupil), app.clinics.a);
  await app.students.create(pupil('s-foreign'), app.clinics.b);
});
afterAll(() => app?.close());
beforeEach(() => {
  sent = jest.spyOn(StatementRunner.prototype, 'runAll');
});
afterEach(async () => {
  sent.mockRestore();
  await expectWholePool(app, 1);
});

describe('A stream', () => {
  it('gives every row of the clinic once, in order, chunk by chunk', async () => {
    expect(await asA(() => numbers(stream({ batchSize: 10 })))).toEqual(all);
    expect(sent).toHaveBeenCalledTimes(3);
    expect(await asA(() => numbers(stream()))).toEqual(all);
    expect(sent).toHaveBeenCalledTimes(4);
    expect(await runWithContext(app.clinics.b, () => numbers(stream()))).toEqual(['s-foreign']);
  });

  it('gives entities like any other, selected attributes only, and parents that are included', async () => {
    await asA(async () => {
      for await (const student of stream()) {
        expect(student).toEqual(await app.students.findById(student.id));
        expect(Object.isFrozen(student)).toBe(true);
        break;
      }
      for await (const student of app.students.stream({ select: ['grade'], include: { school: true } })) {
        expect(student).toEqual({ grade: '5', school: null });
        break;
      }
    });
  });

  it('can be read again from the beginning', async () => {
    const rows = asA(() => stream({ batchSize: 7 }));
    expect(await numbers(rows)).toEqual(all);
    expect(await numbers(rows)).toEqual(all);
  });

  it('holds no connection between its chunks: the reader may use the only one', async () => {
    const seen: string[] = [];
    await asA(async () => {
      for await (const { id, studentNumber } of stream({ batchSize: 4 })) {
        expect(poolStatus(app.sequelize).used).toBe(0);
        await app.students.update(id, { grade: '6' });
        seen.push(studentNumber);
      }
    });
    expect(seen).toEqual(all);
  });

  it('that is left by break or by a throw asks for nothing more', async () => {
    await asA(async () => {
      for await (const { studentNumber } of stream({ batchSize: 5 })) if (studentNumber === 's-06') break;
      expect(sent).toHaveBeenCalledTimes(2);
      const failing = (async () => {
        for await (const { studentNumber } of stream({ batchSize: 5 })) throw new Error(studentNumber);
      })();
      await expect(failing).rejects.toThrow('s-00');
      expect(sent).toHaveBeenCalledTimes(3);
    });
  });

  it('acts for the clinic for which it was asked for, wherever it is read', async () => {
    const rows = asA(() => stream({ batchSize: 10 }));
    expect(await runWithContext(app.clinics.b, () => numbers(rows))).toEqual(all);
    const explicit = stream({ context: app.clinics.a, batchSize: 10 });
    const read = await Readable.from(explicit).map(({ studentNumber }: { studentNumber: string }) => studentNumber);
    expect(await read.toArray()).toEqual(all);
  });
});

describe('A stream with a signal', () => {
  it('ends with the reason of the signal: before the first row, between rows, and between chunks', async () => {
    for (const [stop, expected] of [
      [-1, 0],
      [0, 1],
      [4, 5],
      [6, 7],
    ] as const) {
      const controller = new AbortController();
      const reason = new Error('no longer wanted');
      const seen: string[] = [];
      if (stop < 0) controller.abort(reason);
      const reading = asA(async () => {
        for await (const { studentNumber } of stream({ batchSize: 5, signal: controller.signal })) {
          seen.push(studentNumber);
          if (seen.length > stop) controller.abort(reason);
        }
      });
      await expect(reading).rejects.toBe(reason);
      expect(seen).toEqual(all.slice(0, expected));
    }
  });

  it('that never fires gives all rows', async () => {
    expect(await asA(() => numbers(stream({ signal: new AbortController().signal })))).toEqual(all);
  });
});

describe('A stream in a unit of work', () => {
  it('runs on the unit: sees its rows, and ends before the unit does', async () => {
    await expect(
      unit(async () => {
        const pid = await backendPid(app);
        await app.students.create(pupil('s-own'));
        expect(await numbers(stream({ batchSize: 10 }))).toEqual([...all, 's-own']);
        for await (const _row of stream({ batchSize: 2 })) break;
        expect(await backendPid(app)).toBe(pid);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await app.stored('s-own')).toEqual([]);
  });

  it('is refused once the unit has settled, and never goes on outside it [U03]', async () => {
    let rows: AsyncIterator<unknown> | undefined;
    await unit(async () => {
      rows = stream({ batchSize: 1 })[Symbol.asyncIterator]();
      expect(await rows.next()).toMatchObject({ value: { studentNumber: 's-00' } });
    });
    sent.mockClear();
    await expect(asA(() => rows!.next())).rejects.toThrow(TransactionScopeClosedError);
    expect(await rows!.next()).toEqual({ done: true, value: undefined });
  });

  it('shows one moment in REPEATABLE READ, whatever is stored meanwhile', async () => {
    await unit(
      async () => {
        const seen: string[] = [];
        for await (const { studentNumber } of stream({ batchSize: 5 })) {
          seen.push(studentNumber);
          if (seen.length !== 1) continue;
          await app.truth.query(
            `INSERT INTO students SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), 'student_number', 's-99'))).*
            FROM students s WHERE student_number = 's-00'`,
          );
        }
        expect(seen).toEqual(all);
      },
      undefined,
      { isolation: 'REPEATABLE READ' },
    );
    expect(await app.stored('s-99')).toEqual(['s-99']);
    await app.truth.query(`DELETE FROM students WHERE student_number = 's-99'`);
  });

  it('of its caller is joined with an open transaction of Sequelize, too', async () => {
    await asA(async () => {
      const transaction = await app.sequelize.transaction();
      await app.students.create(pupil('s-own'), undefined, { transaction });
      expect(await numbers(stream({ transaction, batchSize: 10 }))).toEqual([...all, 's-own']);
      await transaction.rollback();
    });
  });
});

describe('Errors of a stream', () => {
  const bad: [string, unknown, unknown?][] = [
    ['an unknown attribute', { where: { Canary: 1 } }],
    ['a page', { pagination: { page: 2 } }],
    ['a cursor', { after: 'Canary' }],
    ['criteria that are null', null],
    ['no batch', {}, { batchSize: 0 }],
    ['1,001 rows a batch', {}, { batchSize: 1_001 }],
    ['a batch that is a text', {}, { batchSize: '5' }],
    ['a signal that is none', {}, { signal: { aborted: false } }],
    ['an unknown option', {}, { limit: 5 }],
    ['options that are null', {}, null],
  ];

  it.each(bad)('come with the first row, before anything is sent: %s', async (_name, criteria, options = {}) => {
    const rows = asA(() => app.students.stream(criteria as object, options as object));
    await expect(rows[Symbol.asyncIterator]().next()).rejects.toThrow(InvalidInputError);
    await expect(rows[Symbol.asyncIterator]().next()).rejects.not.toThrow('Canary');
    expect(sent).not.toHaveBeenCalled();
  });

  it('come with the step that meets them, and end it: the connection is lost between two chunks', async () => {
    await expect(
      unit(async () => {
        const rows = stream({ batchSize: 1 })[Symbol.asyncIterator]();
        await rows.next();
        await terminate(app.truth, await backendPid(app));
        await expect(rows.next()).rejects.toThrow(UnavailableError);
        expect(await rows.next()).toEqual({ done: true, value: undefined });
      }),
    ).rejects.toMatchObject({ code: expect.any(String) as unknown });
  });
});

describe('A stream in any order', () => {
  let other: Awaited<ReturnType<typeof startDatabaseApp>>;
  let truth: Client;

  beforeAll(async () => {
    other = await startDatabaseApp([SortCaseRepository]);
    truth = await other.db.superClient();
  });
  afterAll(() => other?.close());

  it('skips no row and repeats none, whatever the keys, nulls and chunks [U66]', async () => {
    const seed = jest.getSeed();
    const random = seededRandom(seed);
    await plantSortCases(truth, random, 60);
    for (let round = 0; round < 30; round += 1) {
      const order = randomOrder(random);
      const batchSize = 1 + random.below(30);
      const { rows } = await truth.query<{ id: string }>(`SELECT id FROM sort_cases ORDER BY ${order.sql}`);
      const wanted = { seed, batchSize, order: order.sql, ids: rows.map(({ id }) => id) };
      const read: Entity<SortCase>[] = [];
      for await (const row of other.get(SortCaseRepository).stream({ orderBy: order.orderBy }, { batchSize }))
        read.push(row);
      expect({ ...wanted, ids: read.map(({ id }) => id) }).toEqual(wanted);
    }
  });
});
