import { Logger } from '@nestjs/common';
import { currentContext, type IUnitOfWork, type Propagation } from '../../src';
import { expectWholePool, pupil, startStudentApp, type StudentApp } from '../support/student-app';

// Behaviours that Spring's TransactionalEventListenerTests name, as hooks of a unit of work.

type Phase = 'beforeCommit' | 'afterCommit' | 'afterRollback' | 'afterCompletion';
const PHASES = ['beforeCommit', 'afterCommit', 'afterRollback', 'afterCompletion'] as const;

let app: StudentApp;
let runs = 0;
let prefix: string;
let ran: string[];
let reported: jest.SpyInstance;

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 2, acquireTimeoutMs: 10_000 } });
});
afterAll(() => app?.close());
beforeEach(() => {
  runs += 1;
  prefix = `l${runs}-`;
  ran = [];
  reported = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
});
afterEach(async () => {
  reported.mockRestore();
  await expectWholePool(app, 2);
});

const unit = <T>(fn: (uow: IUnitOfWork) => Promise<T>, propagation: Propagation = 'REQUIRED'): Promise<T> =>
  app.unitOfWork.executeInTransaction(fn, app.clinics.a, { propagation });
const write = (name: string) => app.students.create(pupil(`${prefix}${name}`));
const stored = async () => (await app.stored(prefix)).map((number) => number.slice(prefix.length));
const caught = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

/** Listens on every phase. */
function listen(uow: IUnitOfWork, name: string): void {
  for (const phase of PHASES) uow[phase](() => ran.push(`${name} ${phase}`));
}
const fail = () => Promise.reject(new Error('fail'));

/** How a unit ends, and which phases its listeners are called in. */
const ENDS: readonly [string, (uow: IUnitOfWork) => Promise<unknown>, readonly Phase[]][] = [
  ['commits', () => write('row'), ['beforeCommit', 'afterCommit', 'afterCompletion']],
  ['does nothing and returns', async () => undefined, ['beforeCommit', 'afterCommit', 'afterCompletion']],
  ['throws', fail, ['afterRollback', 'afterCompletion']],
  ['throws after it wrote', () => write('row').then(fail), ['afterRollback', 'afterCompletion']],
  [
    'fails in a beforeCommit hook',
    async (uow) => uow.beforeCommit(fail),
    ['beforeCommit', 'afterRollback', 'afterCompletion'],
  ],
  ['returns with work unawaited', async () => void caught(write('row')), ['afterRollback', 'afterCompletion']],
];

describe('the hooks of a unit that [U51]', () => {
  it.each(ENDS.map(([end, work, phases]) => [end, phases.join(', '), work, phases] as const))(
    '%s are called once: %s',
    async (_, _phases, work, phases) => {
      await caught(
        unit((uow) => {
          listen(uow, 'hook');
          return work(uow);
        }),
      );
      expect(ran).toEqual(phases.map((phase) => `hook ${phase}`));
    },
  );

  it.each(ENDS)('%s are called once when they were registered by a joined unit', async (_, work, phases) => {
    await caught(
      unit((uow) => {
        const inner = unit(async () => listen(uow, 'joined'));
        return inner.then(() => work(uow));
      }),
    );
    expect(ran).toEqual(phases.map((phase) => `joined ${phase}`));
  });

  it.each(ENDS)('%s wait for it when a released savepoint left them', async (_, work, phases) => {
    await caught(
      unit(async (uow) => {
        await unit(async () => listen(uow, 'savepoint'), 'NESTED');
        expect(ran).toEqual([]);
        await work(uow);
      }),
    );
    expect(ran).toEqual(phases.map((phase) => `savepoint ${phase}`));
  });

  it.each(ENDS)('%s have been called already when they were those of REQUIRES_NEW', async (_, work) => {
    await caught(
      unit(async (uow) => {
        await unit(async () => listen(uow, 'new'), 'REQUIRES_NEW');
        expect(ran).toEqual(['new beforeCommit', 'new afterCommit', 'new afterCompletion']);
        await work(uow);
      }),
    );
    expect(ran).toHaveLength(3);
  });
});

describe('a hook without a unit', () => {
  it.each(
    PHASES.flatMap((phase) =>
      (['SUPPORTS', 'NOT_SUPPORTED', 'NEVER'] as const).map((inner) => [phase, inner] as const),
    ),
  )('is refused, not forgotten: %s inside %s alone', async (phase, propagation) => {
    const work = async (uow: IUnitOfWork) => {
      ran.push('callback');
      uow[phase](() => ran.push('never'));
    };
    expect(await caught(unit(work, propagation))).toMatchObject({ code: 'TRANSACTION_OPTIONS' });
    expect(ran).toEqual(['callback']);
  });

  it('is refused while the unit is suspended: it would be called for work that it knows nothing of', async () => {
    await unit(async (uow) => {
      const refused = await caught(unit(async () => uow.afterCommit(() => ran.push('never')), 'NOT_SUPPORTED'));
      expect(refused).toMatchObject({ code: 'TRANSACTION_OPTIONS' });
      expect(() => uow.runOutsideTransaction(() => uow.afterCommit(() => ran.push('never')))).toThrow(
        'No unit of work is open',
      );
    });
    expect(ran).toEqual([]);
  });

  it('is refused in a hook that runs after the outcome, and nothing is lost by that [U50]', async () => {
    await unit(async (uow) => {
      await write('row');
      uow.afterCommit(() => uow.afterCommit(() => ran.push('never')));
      uow.afterCommit(() => ran.push('second'));
    });
    expect(ran).toEqual(['second']);
    expect(reported).toHaveBeenCalledTimes(1);
    expect(await stored()).toEqual(['row']);
  });
});

describe('the order of hooks', () => {
  it('is that of their registration, whoever registers and however long they take', async () => {
    const slowly = (name: string, ms: number) => () =>
      new Promise<void>((resolve) => setTimeout(resolve, ms)).then(() => void ran.push(name));
    await unit(async (uow) => {
      uow.afterCommit(slowly('1', 20));
      await unit(async () => uow.afterCommit(slowly('2', 10)));
      uow.afterCommit(slowly('3', 5));
      await unit(async () => uow.afterCommit(slowly('4', 1)), 'NESTED');
      uow.afterCommit(slowly('5', 0));
    });
    expect(ran).toEqual(['1', '2', '3', '4', '5']);
  });

  it('is before commit, after commit, completion; no phase begins before the last one has ended', async () => {
    await unit(async (uow) => {
      uow.afterCompletion(() => ran.push('completion'));
      uow.afterCommit(async () => ran.push(`after commit, stored: ${(await stored()).join()}`));
      uow.beforeCommit(async () => {
        await write('row');
        ran.push(`before commit, stored: ${(await stored()).join()}`);
      });
    });
    expect(ran).toEqual(['before commit, stored: ', 'after commit, stored: row', 'completion']);
  });

  it('is the inner one first where the inner unit ends first: REQUIRES_NEW, and a savepoint that failed', async () => {
    await unit(async (uow) => {
      listen(uow, 'outer');
      await unit(async () => listen(uow, 'new'), 'REQUIRES_NEW');
      await caught(unit(async () => fail().finally(() => listen(uow, 'savepoint')), 'NESTED'));
    });
    expect(ran).toEqual([
      'new beforeCommit',
      'new afterCommit',
      'new afterCompletion',
      'savepoint afterRollback',
      'savepoint afterCompletion',
      'outer beforeCommit',
      'outer afterCommit',
      'outer afterCompletion',
    ]);
  });
});

describe('a hook that throws [U50] [U53]', () => {
  it.each([
    ['beforeCommit', 'rolls back', ['other afterRollback', 'other afterCompletion'], []],
    ['afterCommit', 'changes nothing', ['other beforeCommit', 'other afterCommit', 'other afterCompletion'], ['row']],
    [
      'afterCompletion',
      'changes nothing',
      ['other beforeCommit', 'other afterCommit', 'other afterCompletion'],
      ['row'],
    ],
  ] as const)('in %s: %s, and the other hooks are called', async (phase, _, others, rows) => {
    const outcome = unit(async (uow) => {
      uow[phase](fail);
      listen(uow, 'other');
      await write('row');
      return 'result';
    });
    expect(await caught(outcome)).toEqual(phase === 'beforeCommit' ? new Error('fail') : 'result');
    expect(ran).toEqual(others);
    expect(await stored()).toEqual(rows);
    expect(reported).toHaveBeenCalledTimes(phase === 'beforeCommit' ? 0 : 1);
  });

  it('in afterCommit of REQUIRES_NEW does not touch the unit around it', async () => {
    await unit(async (uow) => {
      await write('outer');
      await unit(async () => {
        uow.afterCommit(fail);
        await write('inner');
      }, 'REQUIRES_NEW');
    });
    expect(await stored()).toEqual(['inner', 'outer']);
  });

  it('in afterRollback of a savepoint does not touch the unit around it', async () => {
    await unit(async (uow) => {
      await write('outer');
      const inner = unit(async () => {
        uow.afterRollback(() => Promise.reject(new Error('hook')));
        return fail();
      }, 'NESTED');
      expect(await caught(inner)).toEqual(new Error('fail'));
    });
    expect(reported).toHaveBeenCalledTimes(1);
    expect(await stored()).toEqual(['outer']);
  });
});

describe('what a hook does with the database', () => {
  it.each(['REQUIRED', 'REQUIRES_NEW', 'NESTED', 'SUPPORTS', 'NOT_SUPPORTED', 'NEVER'] as const)(
    'after the commit is no part of the unit that it follows: %s [U52]',
    async (propagation) => {
      await unit(async (uow) => {
        await write('unit');
        uow.afterCommit(async () => {
          expect(uow.isInTransaction()).toBe(false);
          expect(currentContext()).toBe(app.clinics.a);
          await caught(unit(() => write('hook').then(fail), propagation));
          ran.push('hook');
        });
      });
      expect(ran).toEqual(['hook']);
      const begins = ['REQUIRED', 'REQUIRES_NEW', 'NESTED'].includes(propagation);
      expect(await stored()).toEqual(begins ? ['unit'] : ['hook', 'unit']);
    },
  );

  it.each(['afterCommit', 'afterCompletion'] as const)(
    'in %s of REQUIRES_NEW is no part of the unit around it: it stays when that one rolls back [U51]',
    async (phase) => {
      const outer = unit(async (uow) => {
        await write('outer');
        await unit(async () => {
          await write('inner');
          uow[phase](() => write('hook'));
        }, 'REQUIRES_NEW');
        return fail();
      });
      await expect(outer).rejects.toThrow('fail');
      expect(await stored()).toEqual(['hook', 'inner']);
    },
  );

  it('in afterRollback stays, although the unit did not', async () => {
    const failing = unit(async (uow) => {
      uow.afterRollback(() => write('told'));
      await write('lost');
      return fail();
    });
    await expect(failing).rejects.toThrow('fail');
    expect(await stored()).toEqual(['told']);
  });

  it('in beforeCommit is part of the unit, under every propagation that joins', async () => {
    await unit(async (uow) => {
      for (const propagation of ['REQUIRED', 'SUPPORTS', 'MANDATORY', 'NESTED'] as const) {
        uow.beforeCommit(() => unit(() => write(propagation), propagation));
      }
      uow.beforeCommit(async () => expect(await stored()).toEqual([]));
    });
    expect(await stored()).toEqual(['MANDATORY', 'NESTED', 'REQUIRED', 'SUPPORTS']);
  });
});
