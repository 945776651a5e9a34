import {
  DatabaseError,
  type Entity,
  InvalidInputError,
  NestedScopeActiveError,
  PoolSelfDeadlockError,
  runWithContext,
  TenantDeniedError,
  TransactionScopeClosedError,
  UnavailableError,
  UnawaitedWorkError,
} from '../../src';
import type { Statement } from '../../src/database/connection/statement';
import { StatementRunner } from '../../src/database/connection/statement-runner';
import type { Student } from '../../src/domains';
import { backendPid, pupil, signal, startStudentApp, type StudentApp, terminate } from '../support/student-app';

let app: StudentApp;
let rows: readonly Entity<Student>[];
let ids: string[];
let foreign: string;
let sent: jest.SpyInstance;

const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(app.clinics.a, work);
const unit: StudentApp['unitOfWork']['executeInTransaction'] = (fn, context = app.clinics.a, options) =>
  app.unitOfWork.executeInTransaction(fn, context, options);
/** Statements of findById that went through the door, as the ids that each asked for. */
const asked = (): number[] =>
  sent.mock.calls
    .flatMap(([statements]) => statements as Statement[])
    .filter(({ operation }) => operation === 'Student.findById')
    .map(({ values }) => (Array.isArray(values[0]) ? values[0].length : 1));

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 3, acquireTimeoutMs: 5_000 } });
  const numbers = Array.from({ length: 40 }, (_, n) => `batch-${String(n).padStart(2, '0')}`);
  rows = await app.students.bulkCreate(numbers.map(pupil), app.clinics.a);
  ids = rows.map(({ id }) => id);
  foreign = (await app.students.create(pupil('foreign'), app.clinics.b)).id;
});
afterAll(() => app?.close());
beforeEach(() => {
  sent = jest.spyOn(StatementRunner.prototype, 'runAll');
});
afterEach(() => sent.mockRestore());

describe('findById calls of one tick', () => {
  it('share one statement, and each gets its own row', async () => {
    const found = await asA(() => Promise.all(ids.map((id) => app.students.findById(id))));
    expect(found).toEqual(rows);
    expect(asked()).toEqual([40]);
  });

  it('share it also from chains that got there by different ways', async () => {
    const after = async (steps: number, id: string) => {
      for (let step = 0; step < steps; step += 1) await undefined;
      return app.students.findById(id);
    };
    const found = await asA(() => Promise.all(ids.slice(0, 12).map((id, n) => after(n, id))));
    expect(found).toEqual(rows.slice(0, 12));
    expect(asked()).toEqual([12]);
  });

  it('go on as before when there is only one: it keeps the statement of one row', async () => {
    expect(await asA(() => app.students.findById(ids[0]!.toUpperCase()))).toEqual(rows[0]);
    const [statements] = sent.mock.calls[0] as [Statement[]];
    expect(statements[0]!.text).toContain('= $1');
    expect(statements[0]!.values).toEqual([ids[0]]);
  });

  it('use one prepared statement, however many ids there are', async () => {
    for (const count of [2, 7, 40, 3])
      await asA(() => Promise.all(ids.slice(0, count).map((id) => app.students.findById(id))));
    const texts = new Set(sent.mock.calls.map(([[statement]]) => (statement as Statement).text));
    const names = new Set(sent.mock.calls.slice(-2).map(([[statement]]) => (statement as Statement).name));
    expect(texts.size).toBe(1);
    expect([...names]).toEqual([expect.stringMatching(/^phi_/)]);
  });

  it('are at most 1,000 to a statement', async () => {
    const many = Array.from({ length: 2_001 }, (_, n) => `0190f000-0000-7000-8000-${String(n).padStart(12, '0')}`);
    const found = await asA(() => Promise.all(many.map((id) => app.students.findById(id))));
    expect(found).toEqual(many.map(() => null));
    expect(asked().toSorted((a, b) => b - a)).toEqual([1_000, 1_000, 1]);
  });

  it('answer null, or NotFoundError, to the one whose row is not there, and the row to the others [000-38]', async () => {
    const missing = '0190f000-0000-7000-8000-0000000000ff';
    const [found, absent, failed] = await asA(() =>
      Promise.allSettled([
        app.students.findById(ids[0]!),
        app.students.findById(missing),
        app.students.findByIdOrFail(missing),
      ]),
    );
    expect(found).toMatchObject({ value: rows[0] });
    expect(absent).toMatchObject({ value: null });
    expect(failed).toMatchObject({ reason: { code: 'NOT_FOUND' } });
    expect(asked()).toEqual([2]);
  });

  it('with a bad id are refused alone: the others are answered [U68]', async () => {
    const results = await asA(() =>
      Promise.allSettled([ids[0]!, 'no-uuid', undefined as never, ids[1]!].map((id) => app.students.findById(id))),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: expect.any(InvalidInputError) as unknown });
  });

  it('of two clinics never share a statement, and neither sees the rows of the other [U68]', async () => {
    const both = (id: string) => [
      runWithContext(app.clinics.a, () => app.students.findById(id)),
      runWithContext(app.clinics.b, () => app.students.findById(id)),
      app.students.findById(id),
      runWithContext(app.clinics.b, () => app.students.findById(id, { context: app.clinics.a })),
    ];
    const found = await Promise.all([...both(ids[0]!), ...both(foreign)]);
    expect(found.map((row) => row?.id ?? null)).toEqual([ids[0], null, null, ids[0], null, foreign, null, null]);
    expect(asked()).toEqual([2, 2, 2]);
  });

  it('with and without deleted rows never share a statement', async () => {
    await asA(async () => {
      const { id } = await app.students.create(pupil('deleted'));
      await app.students.delete(id);
      const found = await Promise.all([
        app.students.findById(id),
        app.students.findById(id, { withDeleted: true }),
        app.students.findById(ids[0]!),
        app.students.findById(ids[0]!, { withDeleted: true }),
      ]);
      expect(found.map((row) => row?.id ?? null)).toEqual([null, id, ids[0], ids[0]]);
      expect(asked()).toEqual([2, 2]);
    });
  });

  it('for the same id get entities that do not share what can be changed', async () => {
    const [one, two] = await asA(() => Promise.all([app.students.findById(ids[0]!), app.students.findById(ids[0]!)]));
    expect(asked()).toEqual([1]);
    expect(two).toEqual(one);
    expect(Object.isFrozen(one) && Object.isFrozen(two)).toBe(true);
    one!.createdAt.setFullYear(1900);
    expect(two!.createdAt).toEqual(rows[0]!.createdAt);
  });

  it('get an error each when the statement fails [U68]', async () => {
    const results = await runWithContext({ ...app.clinics.a, clinicId: 'by-hand' }, () =>
      Promise.allSettled([app.students.findById(ids[0]!), app.students.findById(ids[1]!)]),
    );
    const [one, two] = results.map((result) => (result as PromiseRejectedResult).reason as InvalidInputError);
    expect(one).toBeInstanceOf(InvalidInputError);
    expect(two).toBeInstanceOf(InvalidInputError);
    expect(two).toMatchObject({ code: one!.code, message: one!.message, hint: one!.hint, name: one!.name });
    expect(two).not.toBe(one);
  });

  it('are not joined by a call with a transaction of its own', async () => {
    await asA(async () => {
      const transaction = await app.sequelize.transaction();
      const found = await Promise.all([
        app.students.findById(ids[0]!, { transaction }),
        app.students.findById(ids[1]!),
        app.students.findById(ids[2]!, { transaction }),
      ]);
      await transaction.commit();
      expect(found).toEqual(rows.slice(0, 3));
      expect(asked()).toEqual([1, 1, 1]);
    });
  });
});

describe('findById calls of one tick in a transaction of the caller', () => {
  it('run on it, and never share a statement with calls outside', async () => {
    const created = signal<string>();
    const read = signal();
    const inside = asA(() =>
      app.sequelize.transaction(async (transaction) => {
        const { id } = await app.students.create(pupil('of-the-caller'), undefined, { transaction });
        created.resolve(id);
        expect((await app.students.findById(id, { transaction }))?.id).toBe(id);
        await read.promise;
        throw new Error('rolled back');
      }),
    );
    const id = await created.promise;
    expect(await asA(() => Promise.all([id, ids[0]!].map((any) => app.students.findById(any))))).toEqual([
      null,
      rows[0],
    ]);
    read.resolve();
    await expect(inside).rejects.toThrow('rolled back');
  });
});

describe('findById calls of one tick in a unit of work', () => {
  it('share a statement on the connection of the unit, and see what it has written', async () => {
    await unit(async () => {
      const created = await app.students.create(pupil('own'));
      const pid = await backendPid(app);
      sent.mockClear();
      expect(await Promise.all([created.id, ids[0]!].map((id) => app.students.findById(id)))).toEqual([
        created,
        rows[0],
      ]);
      expect(asked()).toEqual([2]);
      expect(await backendPid(app)).toBe(pid);
      await app.students.delete(created.id);
    });
  });

  it('never share it with calls outside the unit, which do not see its writes', async () => {
    const created = signal<string>();
    const seen = signal();
    const inside = unit(async () => {
      const { id } = await app.students.create(pupil('unseen'));
      created.resolve(id);
      const own = await Promise.all([app.students.findById(id), app.students.findById(ids[0]!)]);
      const [other, detached] = await Promise.all([
        app.students.findById(id),
        app.unitOfWork.runOutsideTransaction(() => app.students.findById(id)),
      ]);
      expect([...own, other].map((row) => row?.id)).toEqual([id, ids[0], id]);
      expect(detached).toBeNull();
      await seen.promise;
      throw new Error('rolled back');
    });
    const id = await created.promise;
    expect(await asA(() => Promise.all([app.students.findById(id), app.students.findById(ids[0]!)]))).toEqual([
      null,
      rows[0],
    ]);
    seen.resolve();
    await expect(inside).rejects.toThrow('rolled back');
  });

  it('keep their place among the other statements of the unit: each sees what was written before it, and no more [U08]', async () => {
    await unit(async () => {
      const { id } = await app.students.create(pupil('order'));
      const [first, , second, , third] = await Promise.all([
        app.students.findById(id),
        app.students.update(id, { grade: '6' }),
        app.students.findById(id),
        app.database.query(`UPDATE students SET grade = '7' WHERE id = $1`, [id]),
        app.students.findById(id),
      ]);
      expect([first, second, third].map((row) => row!.grade)).toEqual(['5', '6', '7']);
      await app.students.delete(id);
    });
  });

  it('that nobody awaits roll the unit back with UnawaitedWorkError [003-21] [U06]', async () => {
    const left: Promise<unknown>[] = [];
    await expect(
      unit(async () => {
        await app.students.create(pupil('unawaited'));
        left.push(...ids.slice(0, 2).map((id) => app.students.findById(id)));
      }),
    ).rejects.toThrow(UnawaitedWorkError);
    for (const { status, reason } of (await Promise.allSettled(left)) as PromiseRejectedResult[]) {
      expect(status).toBe('rejected');
      expect(reason).toBeInstanceOf(TransactionScopeClosedError);
    }
    expect(await app.stored('unawaited')).toEqual([]);
  });

  it('are refused after the unit has settled, each of them, and do not read outside it [D01] [U03]', async () => {
    const settled = signal();
    let late: Promise<unknown[]> | undefined;
    await unit(async () => {
      await app.students.findById(ids[0]!);
      late = settled.promise.then(() =>
        Promise.allSettled([app.students.findById(ids[0]!), app.students.findById(ids[1]!)]),
      );
    });
    sent.mockClear();
    settled.resolve();
    for (const result of (await late)!)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'TRANSACTION_SCOPE_CLOSED' } });
    expect(asked()).toEqual([]);
  });

  it('are refused while a nested unit is open, and belong to the nested unit inside it', async () => {
    await unit(async () => {
      const opened = signal();
      const refused = signal();
      const nested = unit(
        async () => {
          const { id } = await app.students.create(pupil('nested'));
          opened.resolve();
          expect((await Promise.all([app.students.findById(id), app.students.findById(ids[0]!)]))[0]?.id).toBe(id);
          await refused.promise;
        },
        undefined,
        { propagation: 'NESTED' },
      );
      await opened.promise;
      await expect(app.students.findById(ids[0]!)).rejects.toThrow(NestedScopeActiveError);
      refused.resolve();
      await nested;
      expect(await app.stored('nested')).toEqual([]);
      await app.database.query(`UPDATE students SET deleted_at = now() WHERE student_number = 'nested'`);
    });
  });

  it('wait for no other tick: a nested unit that starts at once lets them finish first', async () => {
    await unit(async () => {
      const [found, nested] = await Promise.all([
        app.students.findById(ids[0]!),
        unit(() => app.students.findById(ids[1]!), undefined, { propagation: 'NESTED' }),
      ]);
      expect([found, nested]).toEqual([rows[0], rows[1]]);
    });
  });

  it('of a chain that holds all connections are refused alone: calls of other chains wait and are answered [U24]', async () => {
    const now = signal();
    const other = now.promise.then(() => asA(() => app.students.findById(ids[1]!)));
    const deep = (levels: number): Promise<void> =>
      unit(
        async () => {
          await app.students.findById(ids[0]!);
          if (levels > 1) {
            await deep(levels - 1);
            return;
          }
          now.resolve();
          // One microtask later the other one asks, in the same tick.
          const detached = app.unitOfWork.runOutsideTransaction(() => app.students.findById(ids[2]!));
          await expect(detached).rejects.toThrow(PoolSelfDeadlockError);
        },
        undefined,
        { propagation: 'REQUIRES_NEW' },
      );
    await asA(() => deep(3));
    expect(await other).toEqual(rows[1]);
  });

  it('for another clinic than the unit serves are refused, and the others answered', async () => {
    await unit(async () => {
      const [own, other] = await Promise.allSettled([
        app.students.findById(ids[0]!),
        app.students.findById(ids[1]!, { context: app.clinics.b }),
      ]);
      expect(own).toMatchObject({ value: rows[0] });
      expect(other).toMatchObject({ reason: expect.any(TenantDeniedError) as unknown });
    });
  });

  it('all fail with the connection, and the unit with them', async () => {
    let outcomes: PromiseSettledResult<unknown>[] = [];
    await expect(
      unit(async () => {
        await terminate(app.truth, await backendPid(app));
        outcomes = await Promise.allSettled(ids.slice(0, 3).map((id) => app.students.findById(id)));
      }),
    ).rejects.toBeInstanceOf(DatabaseError);
    const errors = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason as unknown);
    expect(errors).toEqual(Array.from({ length: 3 }, () => expect.any(UnavailableError) as unknown));
    expect(new Set(errors).size).toBe(3);
  });
});

describe('findByIds', () => {
  it('answers rows in the order of the ids: each once, those without a row left out', async () => {
    const missing = '0190f000-0000-7000-8000-0000000000ff';
    const wanted = [ids[3]!, missing, ids[1]!.toUpperCase(), ids[3]!, ids[2]!, foreign];
    expect(await asA(() => app.students.findByIds(wanted))).toEqual([rows[3], rows[1], rows[2]]);
    expect(await asA(() => app.students.findByIds([]))).toEqual([]);
  });

  it('reads deleted rows when asked to', async () => {
    await asA(async () => {
      const { id } = await app.students.create(pupil('deleted-too'));
      await app.students.delete(id);
      expect(await app.students.findByIds([id])).toEqual([]);
      expect(await app.students.findByIds([id], { withDeleted: true })).toMatchObject([{ id }]);
    });
  });

  it('takes 10,000 ids, in statements of 1,000 and one flight', async () => {
    const many = Array.from({ length: 9_999 }, (_, n) => `0190f000-0000-7000-8000-${String(n).padStart(12, '0')}`);
    expect(await asA(() => app.students.findByIds([...many, ids[0]!]))).toEqual([rows[0]]);
    expect(sent).toHaveBeenCalledTimes(1);
    expect((sent.mock.calls[0] as [Statement[]])[0]).toHaveLength(10);
  });

  it.each<[string, unknown]>([
    ['10,001 ids', Array.from({ length: 10_001 }, () => '0190f000-0000-7000-8000-000000000000')],
    ['one bad id among good ones', ['0190f000-0000-7000-8000-000000000000', 'Canary-7301']],
    ['a hole', Array.from({ length: 1 })],
    ['a text', '0190f000-0000-7000-8000-000000000000'],
    ['null', null],
    ['an object', { length: 0 }],
  ])('refuses %s before anything is sent', async (_name, list) => {
    const refused = asA(() => app.students.findByIds(list as string[]));
    await expect(refused).rejects.toThrow(InvalidInputError);
    await expect(refused).rejects.not.toThrow('Canary');
    expect(sent).not.toHaveBeenCalled();
  });
});
