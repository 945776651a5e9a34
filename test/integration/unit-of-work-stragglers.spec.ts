import { of } from 'rxjs';
import { runWithContext, TransactionOptionsError, TransactionScopeClosedError, UnawaitedWorkError } from '../../src';
import { atCommit } from '../support/at-commit';
import {
  expectWholePool,
  INSERT_STUDENT,
  pupil,
  signal,
  startStudentApp,
  type StudentApp,
} from '../support/student-app';

let app: StudentApp;

const unit: StudentApp['unitOfWork']['executeInTransaction'] = (fn, context = app.clinics.a, options) =>
  app.unitOfWork.executeInTransaction(fn, context, options);

/** Every way to write. */
const ways: [string, (number: string) => Promise<unknown>][] = [
  ['a repository', (number) => app.students.create(pupil(number))],
  ['raw SQL', (number) => app.database.query(INSERT_STUDENT, [number])],
  ['Database.none', (number) => app.database.none(INSERT_STUDENT, [number])],
  ['a model', (number) => app.sequelize.models.Student!.create(pupil(number))],
  ['bulkCreate of a model', (number) => app.sequelize.models.Student!.bulkCreate([pupil(number)])],
  [
    'findOrCreate',
    (number) =>
      app.sequelize.models.Student!.findOrCreate({ where: { studentNumber: number }, defaults: pupil(number) }),
  ],
  ['sequelize.query', (number) => app.sequelize.query(INSERT_STUDENT, { bind: [number] })],
  ['sequelize.transaction', (number) => app.sequelize.transaction(() => app.students.create(pupil(number)))],
  ['a unit of its own', (number) => unit(() => app.students.create(pupil(number)))],
  ['a nested unit', (number) => unit(() => app.students.create(pupil(number)), undefined, { propagation: 'NESTED' })],
];

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 2, acquireTimeoutMs: 5_000 } });
});
afterAll(() => app?.close());

describe('a statement that comes after its unit settled', () => {
  it.each(ways)('is refused and writes nothing: %s, after a commit [D01] [003-21]', async (_, write) => {
    const settled = signal();
    let straggler: Promise<unknown> | undefined;
    await unit(async () => {
      await app.students.create(pupil('kept'));
      straggler = settled.promise.then(() => write('straggler'));
      straggler.catch(() => undefined);
    });
    settled.resolve();
    await expect(straggler).rejects.toThrow(TransactionScopeClosedError);
    expect(await app.stored('straggler')).toEqual([]);
    await app.truth.query(`DELETE FROM students WHERE student_number = 'kept'`);
  });

  it.each(ways)('is refused and writes nothing: %s, as the loser of a Promise.all [D01]', async (_, write) => {
    const lost = signal();
    let loser: Promise<unknown> | undefined;
    await expect(
      unit(async () => {
        loser = (async () => {
          await write('loser-early');
          await lost.promise;
          await write('loser-late');
        })();
        await Promise.all([
          loser,
          app.database.query('SELECT pg_sleep(0.02)').then(() => Promise.reject(new Error('winner'))),
        ]);
      }),
    ).rejects.toThrow('winner');
    lost.resolve();
    await expect(loser).rejects.toThrow(TransactionScopeClosedError);
    expect(await app.stored('loser')).toEqual([]);
  });

  it('is refused from a timer, also where the unit sent nothing at all [U03]', async () => {
    const fired = signal<Promise<unknown>>();
    await unit(async () => {
      setTimeout(() => {
        const late = app.students.create(pupil('timer'));
        late.catch(() => undefined);
        fired.resolve(late);
      }, 5);
    });
    await expect(fired.promise).rejects.toThrow(TransactionScopeClosedError);
    expect(await app.stored('timer')).toEqual([]);
  });

  it('is refused while COMMIT is under way [U04]', async () => {
    await atCommit(app.truth, 'slow%', 'waits');
    let straggler: Promise<unknown> | undefined;
    await unit(async () => {
      await app.students.create(pupil('slow-kept'));
      straggler = new Promise((resolve) => setTimeout(resolve, 50)).then(() => app.students.create(pupil('slow-late')));
      straggler.catch(() => undefined);
    });
    await expect(straggler).rejects.toThrow(TransactionScopeClosedError);
    expect(await app.stored('slow')).toEqual(['slow-kept']);
  });

  it('may be detached on purpose, and then stays whatever becomes of the unit', async () => {
    await expect(
      unit(async (uow) => {
        await app.students.create(pupil('detached-no'));
        await uow.runOutsideTransaction(() => app.students.create(pupil('detached-yes')));
        expect(uow.isInTransaction()).toBe(true);
        expect(uow.runOutsideTransaction(() => uow.isInTransaction())).toBe(false);
        throw new Error('undo');
      }),
    ).rejects.toThrow('undo');
    expect(await app.stored('detached')).toEqual(['detached-yes']);
  });
});

describe('work that is not awaited', () => {
  it.each(ways.slice(0, 3))('rolls the unit back: %s', async (_, write) => {
    let floating: Promise<unknown> | undefined;
    await expect(
      unit(async () => {
        await app.students.create(pupil('awaited'));
        floating = write('unawaited');
        floating.catch(() => undefined);
      }),
    ).rejects.toThrow(UnawaitedWorkError);
    await floating?.catch(() => undefined);
    expect(await app.stored('awaited')).toEqual([]);
    expect(await app.stored('unawaited')).toEqual([]);
  });

  it.each(ways)('stores nothing, whether it had reached the unit yet or not: %s', async (_, write) => {
    let floating: Promise<unknown> | undefined;
    const [outcome] = await Promise.allSettled([
      unit(async () => {
        floating = write('unawaited');
        floating.catch(() => undefined);
      }),
    ]);
    expect(outcome!.status === 'fulfilled' || outcome!.reason instanceof UnawaitedWorkError).toBe(true);
    await Promise.allSettled([floating]);
    expect(await app.stored('unawaited')).toEqual([]);
    await expectWholePool(app, 2);
  });

  it.each(['REQUIRED', 'NESTED'] as const)('is an inner unit between two statements, too: %s', async (propagation) => {
    const outerSettled = signal();
    let inner: Promise<unknown> | undefined;
    const outer = unit(async () => {
      inner = unit(
        async () => {
          await app.students.create(pupil('inner-1'));
          await outerSettled.promise;
          await app.students.create(pupil('inner-2'));
        },
        undefined,
        { propagation },
      );
      inner.catch(() => undefined);
      // By now the first statement of the inner unit is done, and nothing is on the wire.
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    await expect(outer).rejects.toThrow(UnawaitedWorkError);
    outerSettled.resolve();
    await expect(inner).rejects.toMatchObject({
      code: expect.stringMatching(/^(TRANSACTION_SCOPE_CLOSED|UNEXPECTED_ROLLBACK)$/),
    });
    expect(await app.stored('inner')).toEqual([]);
    await expectWholePool(app, 2);
  });

  it('never reaches the next user of the connection, from a nested unit that outlives the outer one [U03]', async () => {
    const outerSettled = signal();
    let inner: Promise<unknown> | undefined;
    await expect(
      unit(async () => {
        inner = unit(
          async () => {
            await app.students.create(pupil('outlive-1'));
            await outerSettled.promise;
            await app.students.create(pupil('outlive-2')).catch(() => undefined);
            await app.sequelize.query(INSERT_STUDENT, { bind: ['outlive-3'] }).catch(() => undefined);
          },
          undefined,
          { propagation: 'NESTED' },
        );
        inner.catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 50));
        throw new Error('outer failed');
      }),
    ).rejects.toThrow('outer failed');
    // The next user, of the other clinic, works on the same connection while the inner unit goes on.
    await unit(async () => {
      await app.students.create(pupil('next-user'));
      outerSettled.resolve();
      await inner?.catch(() => undefined);
    }, app.clinics.b);
    expect(await app.stored('outlive')).toEqual([]);
    expect(await app.stored('next-user')).toEqual(['next-user']);
  });

  it('is a second nested unit that was queued when the first one failed the outer unit [U06]', async () => {
    const results: Promise<unknown>[] = [];
    await expect(
      unit(async () => {
        for (const number of ['queued-1', 'queued-2', 'queued-3']) {
          results.push(
            unit(
              async () => {
                await app.students.create(pupil(number));
                if (number === 'queued-1') throw new Error('first');
              },
              undefined,
              { propagation: 'NESTED' },
            ),
          );
        }
        await Promise.all(results);
      }),
    ).rejects.toThrow('first');
    await Promise.allSettled(results);
    expect(await app.stored('queued')).toEqual([]);
    await expectWholePool(app, 2);
  });
});

describe('an Observable', () => {
  it('returned by the callback is refused, and nothing is committed early [U07]', async () => {
    await expect(
      unit(async () => {
        await app.students.create(pupil('observable'));
        return of(1);
      }),
    ).rejects.toThrow(TransactionOptionsError);
    await expect(unit((() => of(1)) as never)).rejects.toThrow(TransactionOptionsError);
    expect(await app.stored('observable')).toEqual([]);
  });
});

describe('Promise.all inside a unit', () => {
  it('works, in one transaction and in the order of the calls [U08]', async () => {
    await unit(async () => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => app.students.create(pupil(`together-${i + 10}`))));
    });
    const { rows } = await app.truth.query<{ number: string; xmin: string }>(
      `SELECT student_number AS number, xmin::text FROM students WHERE student_number LIKE 'together-%' ORDER BY ctid`,
    );
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, i) => `together-${i + 10}`));
    expect(new Set(rows.map(({ xmin }) => xmin)).size).toBe(1);
  });

  it('settles only when every statement has, so that none is left on the wire [U08]', async () => {
    await runWithContext(app.clinics.a, async () => {
      await expect(
        unit(() =>
          Promise.all([
            app.database.query('SELECT 1/0'),
            ...Array.from({ length: 10 }, (_, i) => app.students.create(pupil(`wire-${i}`))),
          ]),
        ),
      ).rejects.toMatchObject({ sqlState: '22012' });
      expect(await app.stored('wire')).toEqual([]);
    });
    await expectWholePool(app, 2);
  });
});
