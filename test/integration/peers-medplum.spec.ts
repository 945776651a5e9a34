import { DeadlockError, type IsolationLevel, type IUnitOfWork, type TransactionOptions } from '../../src';
import { expectWholePool, pupil, signal, startStudentApp, type StudentApp } from '../support/student-app';

// Behaviours that Medplum's transaction tests name: conditional creates, conflicts and retries between two callers.

let app: StudentApp;
let runs = 0;
let prefix: string;

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 8, acquireTimeoutMs: 10_000 } });
});
afterAll(() => app?.close());
beforeEach(() => {
  runs += 1;
  prefix = `p${runs}-`;
});
afterEach(() => expectWholePool(app, 8));

const unit = <T>(fn: (uow: IUnitOfWork) => Promise<T>, options: TransactionOptions = {}): Promise<T> =>
  app.unitOfWork.executeInTransaction(fn, app.clinics.a, options);
const write = (name: string) => app.students.create(pupil(`${prefix}${name}`));
const outside = <T>(fn: () => Promise<T>): Promise<T> => app.unitOfWork.runOutsideTransaction(fn);
const SNAPSHOT = { isolation: 'REPEATABLE READ' } as const;

/** A caller that searches, creates what it does not find, and waits before it commits. */
function conditionalCreate(number: string, isolation: IsolationLevel) {
  const ready = signal();
  const commit = signal();
  const calls = { searches: 0, creates: 0 };
  const done = unit(
    async () => {
      calls.searches += 1;
      const found = await app.students.findAll({ where: { lastName: prefix } });
      if (found.length === 0) {
        calls.creates += 1;
        await app.students.create({ ...pupil(`${number}-${calls.creates}`), lastName: prefix });
      }
      ready.resolve();
      await commit.promise;
    },
    { isolation },
  );
  return { ready, commit, calls, done };
}

describe('two conditional creates of one and the same, both ready to commit [U40]', () => {
  it.each([
    ['SERIALIZABLE', 'first', 1],
    ['SERIALIZABLE', 'second', 1],
    ['REPEATABLE READ', 'first', 2],
    ['REPEATABLE READ', 'second', 2],
  ] as const)('under %s, the %s commits first: rows stored: %i', async (isolation, winner, rows) => {
    const first = conditionalCreate(`${prefix}first`, isolation);
    await first.ready.promise;
    const second = conditionalCreate(`${prefix}second`, isolation);
    await second.ready.promise;
    const [early, late] = winner === 'first' ? [first, second] : [second, first];
    early.commit.resolve();
    await early.done;
    late.commit.resolve();
    await late.done;
    expect(await app.stored(prefix)).toHaveLength(rows);
    expect(early.calls).toEqual({ searches: 1, creates: 1 });
    // The loser searches again, and finds what the winner stored.
    expect(late.calls).toEqual({ searches: rows === 1 ? 2 : 1, creates: 1 });
  });

  it('many at once, SERIALIZABLE: one row, and nobody is told of a conflict', async () => {
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        unit(
          async () => {
            if ((await app.students.count({ lastName: prefix })) > 0) return 'found';
            await app.students.create({ ...pupil(`${prefix}${i}`), lastName: prefix });
            return 'created';
          },
          { isolation: 'SERIALIZABLE', retry: { attempts: 10 } },
        ),
      ),
    );
    expect(results.toSorted()).toEqual(['created', 'found', 'found', 'found', 'found', 'found']);
    expect(await app.stored(prefix)).toHaveLength(1);
  });
});

describe('two writers of one row', () => {
  it('the second, on an older snapshot, waits for the first, fails, and succeeds in a fresh transaction', async () => {
    const { id } = await app.students.create(pupil(`${prefix}row`), app.clinics.a);
    const updated = signal();
    const mayCommit = signal();
    const events: string[] = [];
    const first = unit(async () => {
      await app.students.update(id, { grade: '6' });
      updated.resolve();
      await mayCommit.promise;
      events.push('first commits');
    }, SNAPSHOT);
    await updated.promise;
    const second = unit(async ({ attempt }) => {
      events.push(`second ${attempt} begins`);
      await app.students.count();
      const update = app.students.update(id, { firstName: 'Grace' });
      mayCommit.resolve();
      await update.catch((error: unknown) => {
        events.push(`second ${attempt} fails`);
        throw error;
      });
      events.push(`second ${attempt} commits`);
    }, SNAPSHOT);
    await Promise.all([first, second]);
    expect(events).toEqual([
      'second 1 begins',
      'first commits',
      'second 1 fails',
      'second 2 begins',
      'second 2 commits',
    ]);
    expect(await app.students.findById(id, { context: app.clinics.a })).toMatchObject({
      grade: '6',
      firstName: 'Grace',
      version: 3,
    });
  });

  it('read, modify and write on a snapshot keeps what the other one changed [U60]', async () => {
    const { id } = await app.students.create(pupil(`${prefix}row`), app.clinics.a);
    const seen: string[] = [];
    await unit(async ({ attempt }) => {
      const { grade } = await app.students.findByIdOrFail(id);
      seen.push(grade!);
      if (attempt === 1) await outside(() => app.students.update(id, { grade: '6' }, app.clinics.a));
      await app.students.update(id, { grade: String(Number(grade) + 10) });
    }, SNAPSHOT);
    expect(seen).toEqual(['5', '6']);
    expect(await app.students.findById(id, { context: app.clinics.a })).toMatchObject({ grade: '16', version: 3 });
  });
});

/** Fails with 40001 on the server. */
const conflict = () => app.database.query(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$`);

describe('a nested unit [U40]', () => {
  it.each([
    ['is not caught, and succeeds the second time: both run twice', false, true, 2, 2, 'returned'],
    ['is not caught, and never succeeds: both run as often as there are attempts', false, false, 3, 3, 'DEADLOCK'],
    ['is caught by the outer one: neither runs again, and the outer one commits', true, false, 1, 1, 'returned'],
  ] as const)('that cannot be serialised %s', async (_, catches, recovers, innerRuns, outerRuns, told) => {
    const calls = { inner: 0, outer: 0 };
    const outcome = unit(async () => {
      calls.outer += 1;
      await write('outer');
      const inner = unit(
        async () => {
          calls.inner += 1;
          await write('inner');
          if (!recovers || calls.inner === 1) await conflict();
        },
        { propagation: 'NESTED' },
      );
      await (catches ? inner.catch(() => undefined) : inner);
    });
    expect(
      await outcome.then(
        () => 'returned',
        (error: DeadlockError) => error.code,
      ),
    ).toBe(told);
    expect(calls).toEqual({ inner: innerRuns, outer: outerRuns });
    const rows = { returned: catches ? ['outer'] : ['inner', 'outer'], DEADLOCK: [] }[told];
    expect(await app.stored(prefix)).toEqual(rows.map((row) => `${prefix}${row}`));
  });
});

describe('hooks of a unit that runs again [U41] [U51]', () => {
  it('are called once, for the attempt that committed, with what that one stored', async () => {
    const before: string[] = [];
    const after: string[] = [];
    const created = await unit(async (uow) => {
      const { id } = await write('row');
      uow.beforeCommit(() => before.push(id));
      uow.afterCommit(() => after.push(id));
      if (uow.attempt === 1) await conflict();
      return id;
    });
    expect({ before, after }).toEqual({ before: [created], after: [created] });
  });

  it('call a beforeCommit hook again when it was the one that failed, and register it afresh', async () => {
    const ran: number[] = [];
    await unit(async (uow) => {
      uow.beforeCommit(async () => {
        ran.push(uow.attempt);
        if (uow.attempt === 1) await conflict();
        await write(`attempt-${uow.attempt}`);
      });
    });
    expect(ran).toEqual([1, 2]);
    expect(await app.stored(prefix)).toEqual([`${prefix}attempt-2`]);
  });

  it('are never called with the ids of rows that were rolled back', async () => {
    const told: string[] = [];
    const ids: string[] = [];
    const failing = unit(async (uow) => {
      const { id } = await write('row');
      ids.push(id);
      uow.afterCommit(() => told.push(id));
      await conflict();
    });
    await expect(failing).rejects.toThrow(DeadlockError);
    expect(told).toEqual([]);
    expect(new Set(ids).size).toBe(3);
    expect(await app.students.findByIds(ids, { context: app.clinics.a })).toEqual([]);
  });

  it('in a savepoint that failed are dropped, those of its successor are called', async () => {
    const told: string[] = [];
    await unit(async (uow) => {
      for (const name of ['first', 'second']) {
        const attempt = unit(
          async () => {
            uow.afterCommit(() => told.push(name));
            await write('same');
            if (name === 'first') throw new Error('undo');
          },
          { propagation: 'NESTED' },
        );
        await attempt.catch(() => undefined);
      }
    });
    expect(told).toEqual(['second']);
    expect(await app.stored(prefix)).toEqual([`${prefix}same`]);
  });
});
