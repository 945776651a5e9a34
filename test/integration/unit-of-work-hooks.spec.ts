import { Logger } from '@nestjs/common';
import { currentContext, TransactionOptionsError, TransactionScopeClosedError } from '../../src';
import { expectWholePool, pupil, signal, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;

const unit: StudentApp['unitOfWork']['executeInTransaction'] = (fn, context = app.clinics.a, options) =>
  app.unitOfWork.executeInTransaction(fn, context, options);

beforeAll(async () => {
  // One connection: a hook that needs a second one would wait for ever.
  app = await startStudentApp({ pool: { min: 0, max: 1, acquireTimeoutMs: 5_000 } });
});
afterAll(() => app?.close());
afterEach(() => expectWholePool(app, 1));

describe('afterCommit', () => {
  it('runs in order, awaited, after the connection was given back [U52]', async () => {
    const order: string[] = [];
    await unit(async (uow) => {
      uow.afterCommit(async () => {
        await app.students.count();
        order.push('first');
      });
      uow.afterCommit(() => order.push('second'));
      uow.afterCompletion((status) => order.push(status));
      await app.students.create(pupil('order'));
      expect(order).toEqual([]);
    });
    expect(order).toEqual(['first', 'second', 'committed']);
  });

  it('may write in a transaction of its own, with the context of the unit, on a pool of one [U52]', async () => {
    await unit(async (uow) => {
      await app.students.create(pupil('hook-unit'));
      uow.afterCommit(async () => {
        expect(uow.isInTransaction()).toBe(false);
        expect(currentContext()).toBe(app.clinics.a);
        expect(await app.stored('hook')).toEqual(['hook-unit']);
        await app.students.create(pupil('hook-lone'));
        await unit(() => app.students.create(pupil('hook-own')));
      });
    });
    expect(await app.stored('hook')).toEqual(['hook-lone', 'hook-own', 'hook-unit']);
  });

  it('that throws is reported without its message, stops no other hook, and rejects nothing [U50]', async () => {
    const reported = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const ran: string[] = [];
    await expect(
      unit(async (uow) => {
        uow.afterCommit(() => {
          throw new TypeError('Ada Lovelace');
        });
        uow.afterCommit(() => Promise.reject(new Error('Ada again')));
        uow.afterCommit(() => ran.push('third'));
        return app.students.create(pupil('isolated'));
      }),
    ).resolves.toMatchObject({ studentNumber: 'isolated' });
    expect(ran).toEqual(['third']);
    expect(reported).toHaveBeenCalledTimes(2);
    expect(JSON.stringify(reported.mock.calls)).toMatch(/TypeError/);
    expect(JSON.stringify(reported.mock.calls)).not.toMatch(/Ada/);
    reported.mockRestore();
    expect(await app.stored('isolated')).toEqual(['isolated']);
  });

  it('does not run after a rollback, and runs once for a unit that others joined [U51]', async () => {
    let runs = 0;
    await expect(
      unit(async (uow) => {
        uow.afterCommit(() => (runs += 1));
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(runs).toBe(0);
    await unit(async () => {
      await unit(async (uow) => uow.afterCommit(() => (runs += 1)));
      expect(runs).toBe(0);
    });
    expect(runs).toBe(1);
  });

  it('of a transaction that Sequelize was handed runs with the unit', async () => {
    const ran: string[] = [];
    await unit(async () => {
      await app.sequelize.transaction(async (transaction) => {
        transaction.afterCommit(() => void ran.push('committed'));
      });
      expect(ran).toEqual([]);
    });
    expect(ran).toEqual(['committed']);
  });
});

describe('beforeCommit', () => {
  it('may write, and add another hook', async () => {
    await unit(async (uow) => {
      uow.beforeCommit(async () => {
        await app.students.create(pupil('before-1'));
        uow.beforeCommit(() => app.students.create(pupil('before-2')));
        await unit(() => app.students.create(pupil('before-3')));
      });
    });
    expect(await app.stored('before')).toEqual(['before-1', 'before-2', 'before-3']);
  });

  it('that throws rolls back, with the error thrown [U53]', async () => {
    const seen: unknown[] = [];
    const boom = new Error('before');
    await expect(
      unit(async (uow) => {
        uow.afterCommit(() => seen.push('committed'));
        uow.afterRollback((error) => seen.push(error));
        uow.beforeCommit(() => {
          throw boom;
        });
        await app.students.create(pupil('unborn'));
      }),
    ).rejects.toBe(boom);
    expect(seen).toEqual([boom]);
    expect(await app.stored('unborn')).toEqual([]);
  });

  it('that leaves work unawaited rolls back [U06]', async () => {
    let floating: Promise<unknown> | undefined;
    await expect(
      unit(async (uow) => {
        uow.beforeCommit(() => {
          floating = app.students.create(pupil('floating'));
          floating.catch(() => undefined);
        });
      }),
    ).rejects.toMatchObject({ code: 'UNAWAITED_WORK' });
    await floating;
    expect(await app.stored('floating')).toEqual([]);
  });

  it('does not run when the callback threw', async () => {
    let runs = 0;
    await expect(
      unit(async (uow) => {
        uow.beforeCommit(() => (runs += 1));
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(runs).toBe(0);
  });
});

describe('afterRollback and afterCompletion', () => {
  it('tell the error and the outcome, and may query on a pool of one', async () => {
    const boom = new Error('boom');
    const seen: unknown[] = [];
    await expect(
      unit(async (uow) => {
        uow.afterRollback(async (error) => seen.push(error, await app.students.count({ studentNumber: 'rolled' })));
        uow.afterCompletion((status) => seen.push(status));
        await app.students.create(pupil('rolled'));
        throw boom;
      }),
    ).rejects.toBe(boom);
    expect(seen).toEqual([boom, 0, 'rolled back']);
  });

  it('do not change the error when they throw', async () => {
    const reported = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    await expect(
      unit(async (uow) => {
        uow.afterRollback(() => Promise.reject(new Error('hook')));
        throw new Error('first');
      }),
    ).rejects.toThrow('first');
    expect(reported).toHaveBeenCalledTimes(1);
    reported.mockRestore();
  });
});

describe('registering a hook', () => {
  it('outside a unit, or after it settled, is refused', async () => {
    expect(() => app.unitOfWork.afterCommit(() => undefined)).toThrow(TransactionOptionsError);
    let late: unknown;
    const settled = unit(async (uow) => {
      setTimeout(() => {
        try {
          uow.afterCommit(() => undefined);
        } catch (error) {
          late = error;
        }
      }, 20);
    });
    await settled;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(late).toBeInstanceOf(TransactionScopeClosedError);
  });
});

describe('while beforeCommit hooks run', () => {
  it('a statement that the callback left behind is refused, those of hooks are not [D01] [U04]', async () => {
    const hooksRun = signal();
    const tried = signal();
    let late: Promise<unknown> | undefined;
    await unit(async (uow) => {
      await app.students.create(pupil('while-1'));
      late = hooksRun.promise.then(() => app.students.create(pupil('while-late')));
      late.catch(() => undefined).finally(() => tried.resolve());
      uow.beforeCommit(async () => {
        hooksRun.resolve();
        await tried.promise;
        expect(uow.isInTransaction()).toBe(true);
        await app.students.create(pupil('while-2'));
        await unit(() => app.students.create(pupil('while-3')));
        await unit(() => app.sequelize.models.Student!.create(pupil('while-4')), undefined, { propagation: 'NESTED' });
      });
    });
    await expect(late).rejects.toThrow(TransactionScopeClosedError);
    expect(await app.stored('while')).toEqual(['while-1', 'while-2', 'while-3', 'while-4']);
  });

  it.each([
    ['a statement', () => app.students.create(pupil('left'))],
    ['a unit', () => unit(() => app.students.create(pupil('left')))],
  ])('work that a hook leaves behind rolls the unit back: %s', async (_, work) => {
    const failing = unit(async (uow) => {
      await app.students.create(pupil('left-outer'));
      uow.beforeCommit(() => {
        work().catch(() => undefined);
      });
    });
    await expect(failing).rejects.toMatchObject({ code: 'UNAWAITED_WORK' });
    expect(await app.stored('left')).toEqual([]);
  });
});
