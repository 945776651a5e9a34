import { PoolSelfDeadlockError, type Propagation } from '../../src';
import { poolStatus } from '../../src/database/connection/connections';
import { backendPid, expectWholePool, pupil, signal, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;
const POOL = 3;

const unit = <T>(fn: () => Promise<T>, propagation: Propagation = 'REQUIRED', options: object = {}): Promise<T> =>
  app.unitOfWork.executeInTransaction(fn, app.clinics.a, { propagation, ...options });
const write = (number: string) => app.students.create(pupil(number));
const xid = async (): Promise<string> =>
  (await app.database.one<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid')).xid;
const boom = (text: string) => new Error(text);
const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'returned',
    (error: unknown) => error,
  );

beforeAll(async () => {
  // Waiting for a connection that nobody can give back would take these 20 s, and fail the tests' own limit of them.
  app = await startStudentApp({ pool: { min: 0, max: POOL, acquireTimeoutMs: 20_000 } });
});
afterAll(() => app?.close());
afterEach(() => expectWholePool(app, POOL));

describe('a suspended unit [U25]', () => {
  it('is resumed on its own connection and transaction, after any number of units inside', async () => {
    await unit(async () => {
      const before = [await backendPid(app), await xid()];
      for (const [i, propagation] of (['REQUIRES_NEW', 'NOT_SUPPORTED', 'REQUIRES_NEW'] as const).entries()) {
        await unit(() => write(`resumed-${i}`), propagation);
        expect([await backendPid(app), await xid()]).toEqual(before);
      }
    });
    expect(await app.stored('resumed')).toHaveLength(3);
  });

  it('does not show what it has not committed to the unit inside', async () => {
    await unit(async () => {
      await write('hidden');
      for (const propagation of ['REQUIRES_NEW', 'NOT_SUPPORTED'] as const) {
        expect(await unit(() => app.students.count({ studentNumber: 'hidden' }), propagation)).toBe(0);
      }
      expect(await app.students.count({ studentNumber: 'hidden' })).toBe(1);
    });
  });

  it('sees what the unit inside committed, as READ COMMITTED does', async () => {
    await unit(async () => {
      await write('outer-sees-1');
      await unit(() => write('outer-sees-2'), 'REQUIRES_NEW');
      expect(await app.students.count({ studentNumber: { like: 'outer-sees%' } })).toBe(2);
    });
  });

  it('is not made rollback-only by what is called inside REQUIRES_NEW and caught there', async () => {
    await unit(async () => {
      await write('apart-outer');
      const error = await caught(
        unit(async () => {
          await write('apart-new');
          await caught(unit(() => Promise.reject(boom('joined the new one'))));
        }, 'REQUIRES_NEW'),
      );
      expect(error).toMatchObject({ code: 'UNEXPECTED_ROLLBACK', cause: boom('joined the new one') });
    });
    expect(await app.stored('apart')).toEqual(['apart-outer']);
  });

  it('is out of reach of models, raw SQL and sequelize.transaction inside NOT_SUPPORTED', async () => {
    await expect(
      unit(async () => {
        await write('reach-outer');
        await unit(async () => {
          await app.sequelize.models.Student!.create(pupil('reach-model'));
          await app.sequelize.transaction(() => app.sequelize.models.Student!.create(pupil('reach-own')));
          await app.students.bulkCreate([pupil('reach-bulk-1'), pupil('reach-bulk-2')]);
        }, 'NOT_SUPPORTED');
        throw boom('outer');
      }),
    ).rejects.toThrow('outer');
    expect(await app.stored('reach')).toEqual(['reach-bulk-1', 'reach-bulk-2', 'reach-model', 'reach-own']);
  });

  it('leaves a failing write inside NOT_SUPPORTED to fail by itself', async () => {
    await unit(async () => {
      await write('lone-1');
      await unit(async () => {
        await write('lone-2');
        await expect(write('lone-2')).rejects.toMatchObject({ code: 'UNIQUE_VIOLATION' });
        await write('lone-3');
      }, 'NOT_SUPPORTED');
    });
    expect(await app.stored('lone')).toEqual(['lone-1', 'lone-2', 'lone-3']);
  });

  it('comes back for a unit that joins after the suspension, inside a hook of the inner one, too', async () => {
    const seen: unknown[] = [];
    await unit(async () => {
      const outer = await xid();
      await app.unitOfWork.executeInTransaction(
        async (uow) => {
          await write('hooked-inner');
          uow.afterCommit(() => seen.push(uow.isInTransaction()));
        },
        undefined,
        { propagation: 'REQUIRES_NEW' },
      );
      expect(await unit(xid)).toBe(outer);
    });
    expect(seen).toEqual([false]);
  });
});

/** Where a unit finds itself when its nearest relative is not the outermost one: rows that stay when all but it fail. */
const CHAINS: readonly [chain: readonly Propagation[], failing: number, rows: readonly number[]][] = [
  [['REQUIRED', 'REQUIRES_NEW', 'REQUIRED'], 0, [1, 2]],
  [['REQUIRED', 'REQUIRES_NEW', 'REQUIRED'], 1, [0]],
  [['REQUIRED', 'REQUIRES_NEW', 'REQUIRED'], 2, [0]],
  [['REQUIRED', 'REQUIRES_NEW', 'NESTED'], 0, [1, 2]],
  [['REQUIRED', 'REQUIRES_NEW', 'NESTED'], 1, [0]],
  [['REQUIRED', 'REQUIRES_NEW', 'NESTED'], 2, [0, 1]],
  [['REQUIRED', 'NESTED', 'REQUIRED'], 2, [0]],
  [['REQUIRED', 'NESTED', 'NESTED'], 1, [0]],
  [['REQUIRED', 'NESTED', 'NESTED'], 2, [0, 1]],
  [['REQUIRED', 'NESTED', 'REQUIRES_NEW'], 0, [2]],
  [['REQUIRED', 'NESTED', 'REQUIRES_NEW'], 1, [0, 2]],
  [['REQUIRED', 'NESTED', 'REQUIRES_NEW'], 2, [0, 1]],
  [['REQUIRED', 'NESTED', 'MANDATORY'], 2, [0]],
  [['REQUIRED', 'NESTED', 'SUPPORTS'], 2, [0]],
  [['REQUIRED', 'NOT_SUPPORTED', 'REQUIRED'], 0, [1, 2]],
  [['REQUIRED', 'NOT_SUPPORTED', 'REQUIRED'], 2, [0, 1]],
  [['REQUIRED', 'NOT_SUPPORTED', 'NEVER'], 2, [0, 1, 2]],
  [['REQUIRED', 'NOT_SUPPORTED', 'SUPPORTS'], 0, [1, 2]],
  [['REQUIRED', 'NOT_SUPPORTED', 'NESTED'], 2, [0, 1]],
  [['REQUIRED', 'REQUIRES_NEW', 'NOT_SUPPORTED'], 1, [0, 2]],
  [['REQUIRED', 'REQUIRES_NEW', 'REQUIRES_NEW'], 0, [1, 2]],
  [['REQUIRED', 'REQUIRES_NEW', 'REQUIRES_NEW'], 1, [0, 2]],
  [['REQUIRED', 'REQUIRES_NEW', 'REQUIRES_NEW'], 2, [0, 1]],
  [['SUPPORTS', 'REQUIRED', 'SUPPORTS'], 1, [0]],
  [['NEVER', 'NESTED', 'REQUIRED'], 2, [0]],
  [['NOT_SUPPORTED', 'SUPPORTS', 'REQUIRES_NEW'], 2, [0, 1]],
];

describe('three units inside each other [U20] [U25]', () => {
  let runs = 0;
  it.each(
    CHAINS.map(
      ([chain, failing, rows]) =>
        [
          `${chain.join(' > ')}, the ${['first', 'second', 'third'][failing]} fails and is caught around it`,
          rows.map((row) => ['first', 'second', 'third'][row]).join(', ') || 'nothing',
          chain,
          failing,
          rows,
        ] as const,
    ),
  )('%s: stored are rows of the %s', async (_name, _stored, chain, failing, rows) => {
    runs += 1;
    const prefix = `chain${runs}-`;
    const level = (depth: number): Promise<void> =>
      unit(async () => {
        await write(`${prefix}${depth}`);
        if (depth + 1 < chain.length) await caught(level(depth + 1));
        if (depth === failing) throw boom(String(depth));
      }, chain[depth]);
    await caught(level(0));
    expect(await app.stored(prefix)).toEqual(rows.map((row) => `${prefix}${row}`));
  });

  it('MANDATORY inside NOT_SUPPORTED finds no unit, NEVER inside REQUIRES_NEW finds one', async () => {
    await unit(async () => {
      await unit(
        () => expect(unit(() => write('not-run'), 'MANDATORY')).rejects.toMatchObject({ code: 'PROPAGATION' }),
        'NOT_SUPPORTED',
      );
      await unit(
        () => expect(unit(() => write('not-run'), 'NEVER')).rejects.toMatchObject({ code: 'PROPAGATION' }),
        'REQUIRES_NEW',
      );
      await app.unitOfWork.runOutsideTransaction(() =>
        expect(unit(() => write('not-run'), 'MANDATORY')).rejects.toMatchObject({ code: 'PROPAGATION' }),
      );
    });
    expect(await app.stored('not-run')).toEqual([]);
  });
});

describe('a chain that holds every connection of the pool [U23]', () => {
  const deep = (levels: number, innermost: () => Promise<unknown>): Promise<unknown> =>
    levels === 0
      ? innermost()
      : unit(async () => {
          await write(`deep-${levels}`);
          return deep(levels - 1, innermost);
        }, 'REQUIRES_NEW');

  it.each<[string, () => Promise<unknown>]>([
    ['REQUIRES_NEW', () => unit(() => write('deep-more'), 'REQUIRES_NEW')],
    ['a lone statement inside NOT_SUPPORTED', () => unit(() => write('deep-more'), 'NOT_SUPPORTED')],
    [
      'a lone statement inside runOutsideTransaction',
      () => app.unitOfWork.runOutsideTransaction(() => app.students.create(pupil('deep-more'), app.clinics.a)),
    ],
    [
      'a model inside NOT_SUPPORTED',
      () => unit(() => app.sequelize.models.Student!.create(pupil('deep-more')), 'NOT_SUPPORTED'),
    ],
  ])('is refused another one at once: %s; nothing of the chain is stored', async (_, wanting) => {
    await expect(deep(POOL, wanting)).rejects.toThrow(PoolSelfDeadlockError);
    expect(await app.stored('deep')).toEqual([]);
  });

  it('is told so once, and goes on without: the failure can be caught like any other', async () => {
    await deep(POOL, async () => {
      expect(await caught(unit(() => write('deep-more'), 'REQUIRES_NEW'))).toBeInstanceOf(PoolSelfDeadlockError);
    });
    expect(await app.stored('deep')).toEqual(['deep-1', 'deep-2', 'deep-3']);
    await app.truth.query(`DELETE FROM students WHERE student_number LIKE 'deep%'`);
  });

  it('holds one connection less when a level has sent nothing: then it fits', async () => {
    await unit(() => deep(POOL, () => Promise.resolve()));
    expect(await app.stored('deep')).toEqual(['deep-1', 'deep-2', 'deep-3']);
    await app.truth.query(`DELETE FROM students WHERE student_number LIKE 'deep%'`);
  });

  it('may nest savepoints and joined units without end: they take none', async () => {
    await deep(POOL, () => unit(() => unit(() => write('deep-inside'), 'NESTED'), 'REQUIRED'));
    expect(await app.stored('deep-inside')).toEqual(['deep-inside']);
  });
});

describe('as many chains as the pool has connections, each with one and waiting for a second [U24]', () => {
  it('do not wait for each other without end: at least one is refused at once, the others finish', async () => {
    const all = signal();
    let holding = 0;
    const chains = Array.from({ length: POOL }, (_, i) =>
      unit(async () => {
        await write(`crossed-${i}-outer`);
        holding += 1;
        if (holding === POOL) all.resolve();
        await all.promise;
        await unit(() => write(`crossed-${i}-inner`), 'REQUIRES_NEW');
      }),
    );
    const results = await Promise.allSettled(chains);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expect(refused.length).toBeLessThan(POOL);
    for (const error of refused) expect(error).toBeInstanceOf(PoolSelfDeadlockError);
    expect(await app.stored('crossed')).toHaveLength(2 * (POOL - refused.length));
  });

  it('wait as usual where a chain that waits for nothing will give its connection back', async () => {
    const all = signal();
    const waiting = signal();
    let holding = 0;
    const hold = async (): Promise<void> => {
      holding += 1;
      if (holding === POOL) all.resolve();
      await all.promise;
    };
    const willing = unit(async () => {
      await write('patient-free');
      await hold();
      await waiting.promise;
    });
    const wanting = Array.from({ length: POOL - 1 }, (_, i) =>
      unit(async () => {
        await write(`patient-${i}-outer`);
        await hold();
        await unit(() => write(`patient-${i}-inner`), 'REQUIRES_NEW');
      }),
    );
    await all.promise;
    while (poolStatus(app.sequelize).waiting < POOL - 1) await new Promise((resolve) => setTimeout(resolve, 5));
    waiting.resolve();
    await Promise.all([willing, ...wanting]);
    expect(await app.stored('patient')).toHaveLength(1 + 2 * (POOL - 1));
  });
});
