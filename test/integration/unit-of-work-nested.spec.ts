import { NestedScopeActiveError, UnexpectedRollbackError } from '../../src';
import { expectWholePool, pupil, signal, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;

const unit: StudentApp['unitOfWork']['executeInTransaction'] = (fn, context = app.clinics.a, options) =>
  app.unitOfWork.executeInTransaction(fn, context, options);

const nested = <T>(fn: () => Promise<T>): Promise<T> => unit(fn, undefined, { propagation: 'NESTED' });

/** What the server was sent of transaction control, in order. */
async function controlSent(work: () => Promise<unknown>): Promise<string[]> {
  const sent: string[] = [];
  const { Client } = app.sequelize.options.dialectModule as {
    Client: { prototype: { query(config: unknown, ...rest: unknown[]): unknown } };
  };
  const spy = jest.spyOn(Client.prototype, 'query').mockName('recorded');
  try {
    await work();
    for (const [config] of spy.mock.calls) {
      const text = typeof config === 'string' ? config : (config as { text: string }).text;
      if (/^(START|SAVEPOINT|RELEASE|ROLLBACK|COMMIT)/.test(text)) sent.push(text.replace(/;.*/s, ''));
    }
  } finally {
    spy.mockRestore();
  }
  return sent;
}

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 2, acquireTimeoutMs: 5_000 } });
});
afterAll(() => app?.close());

describe('a NESTED unit', () => {
  it('that fails takes back its own work only, and the outer unit goes on [003-24]', async () => {
    await unit(async () => {
      await app.students.create(pupil('sp-outer-1'));
      await expect(
        nested(async () => {
          await app.students.create(pupil('sp-inner'));
          throw new Error('inner');
        }),
      ).rejects.toThrow('inner');
      await app.students.create(pupil('sp-outer-2'));
    });
    expect(await app.stored('sp-')).toEqual(['sp-outer-1', 'sp-outer-2']);
  });

  it('that succeeds falls with the outer unit', async () => {
    await expect(
      unit(async () => {
        await nested(() => app.students.create(pupil('fall-inner')));
        throw new Error('outer');
      }),
    ).rejects.toThrow('outer');
    expect(await app.stored('fall')).toEqual([]);
  });

  it('recovers from an SQL error, which would otherwise have ended the transaction', async () => {
    await unit(async () => {
      await app.students.create(pupil('dup-1'));
      await expect(nested(() => app.students.create(pupil('dup-1')))).rejects.toMatchObject({
        code: 'UNIQUE_VIOLATION',
      });
      await app.students.create(pupil('dup-2'));
    });
    expect(await app.stored('dup')).toEqual(['dup-1', 'dup-2']);
  });

  it('that returns after a swallowed SQL error rejects, and only its own work is lost [U30]', async () => {
    await unit(async () => {
      await app.students.create(pupil('quiet-outer'));
      const error = await nested(async () => {
        await app.students.create(pupil('quiet-inner'));
        await app.database.query('SELECT 1/0').catch(() => undefined);
      }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UnexpectedRollbackError);
      expect((error as Error).cause).toMatchObject({ sqlState: expect.stringMatching(/^(22012|25P02)$/) });
    });
    expect(await app.stored('quiet')).toEqual(['quiet-outer']);
  });

  it('that a joined failure made rollback-only rolls back to its savepoint and leaves the outer unit whole', async () => {
    const cause = new Error('joined');
    await unit(async () => {
      await app.students.create(pupil('only-outer'));
      const error = await nested(async () => {
        await app.students.create(pupil('only-inner'));
        await unit(() => Promise.reject(cause)).catch(() => undefined);
      }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UnexpectedRollbackError);
      expect((error as Error).cause).toBe(cause);
    });
    expect(await app.stored('only')).toEqual(['only-outer']);
  });

  it('without an outer unit begins one', async () => {
    await nested(() => app.students.create(pupil('rootless')));
    expect(await app.stored('rootless')).toEqual(['rootless']);
  });

  it('uses each savepoint name once, at any depth and beside siblings [U21]', async () => {
    const sent = await controlSent(() =>
      unit(async () => {
        await nested(async () => {
          await app.students.create(pupil('deep-1'));
          await nested(async () => {
            await app.students.create(pupil('deep-2'));
            await nested(async () => {
              await app.students.create(pupil('deep-3-undone'));
              throw new Error('deepest');
            }).catch(() => undefined);
            await nested(() => app.students.create(pupil('deep-3')));
          });
        });
        await nested(async () => {
          await app.students.create(pupil('deep-4-undone'));
          throw new Error('sibling');
        }).catch(() => undefined);
      }),
    );
    const opened = sent.filter((text) => text.startsWith('SAVEPOINT'));
    expect(opened).toHaveLength(5);
    expect(new Set(opened).size).toBe(5);
    expect(await app.stored('deep')).toEqual(['deep-1', 'deep-2', 'deep-3']);
  });

  it('rolls back the right level: the sibling that was released before stays [U21]', async () => {
    await unit(async () => {
      await nested(async () => {
        await nested(() => app.students.create(pupil('level-kept')));
        await nested(async () => {
          await app.students.create(pupil('level-undone'));
          throw new Error('second');
        }).catch(() => undefined);
      });
    });
    expect(await app.stored('level')).toEqual(['level-kept']);
  });

  it('carries two hundred siblings, each released, in one transaction', async () => {
    const sent = await controlSent(() =>
      unit(async () => {
        for (let i = 0; i < 200; i += 1) {
          await nested(async () => {
            await app.students.create(pupil(`many-${i}`));
            if (i % 2) throw new Error('odd');
          }).catch(() => undefined);
        }
      }),
    );
    expect(await app.stored('many')).toHaveLength(100);
    const names = sent.filter((text) => text.startsWith('SAVEPOINT')).map((text) => text.split(' ').at(-1));
    const released = sent.filter((text) => text.startsWith('RELEASE')).map((text) => text.split(' ').at(-1));
    // A savepoint that is rolled back to and not released keeps its resources until the end.
    expect(released).toEqual(names);
  });
});

describe('siblings and parents of a NESTED unit', () => {
  it('queue: of two in a Promise.all the second begins when the first has settled [U22]', async () => {
    const order: string[] = [];
    const step = (name: string, fail: boolean) =>
      nested(async () => {
        order.push(`${name} begins`);
        await app.students.create(pupil(`sibling-${name}`));
        await app.database.query('SELECT pg_sleep(0.02)');
        order.push(`${name} ends`);
        if (fail) throw new Error(name);
      });
    await unit(async () => {
      const results = await Promise.allSettled([step('a', false), step('b', true), step('c', false)]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    });
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(await app.stored('sibling')).toEqual(['sibling-a', 'sibling-c']);
  });

  it('are refused statements on the outer unit while it runs; afterwards the outer unit works again [U22]', async () => {
    const childOpen = signal();
    const parentTried = signal();
    await unit(async () => {
      const child = nested(async () => {
        await app.students.create(pupil('busy-child'));
        childOpen.resolve();
        await parentTried.promise;
      });
      await childOpen.promise;
      await expect(app.students.create(pupil('busy-parent'))).rejects.toThrow(NestedScopeActiveError);
      await expect(app.sequelize.query('SELECT 1')).rejects.toThrow(NestedScopeActiveError);
      await expect(app.sequelize.models.Student!.count()).rejects.toThrow(NestedScopeActiveError);
      await expect(unit(() => app.students.count())).rejects.toThrow(NestedScopeActiveError);
      parentTried.resolve();
      await child;
      await app.students.create(pupil('busy-after'));
    });
    expect(await app.stored('busy')).toEqual(['busy-after', 'busy-child']);
  });

  it('wait for statements of the outer unit that are on the wire', async () => {
    await unit(async () => {
      await Promise.all([
        app.students.create(pupil('wire-outer')),
        nested(async () => {
          await app.students.create(pupil('wire-inner'));
          throw new Error('inner');
        }).catch(() => undefined),
      ]);
    });
    expect(await app.stored('wire')).toEqual(['wire-outer']);
  });
});

describe('hooks of a NESTED unit', () => {
  it('move to the outer unit on release, in order, and are dropped when it rolls back [U51]', async () => {
    const ran: string[] = [];
    await unit(async (uow) => {
      uow.afterCommit(() => ran.push('outer 1'));
      await nested(async () => {
        uow.beforeCommit(() => ran.push('inner before'));
        uow.afterCommit(() => ran.push('inner'));
      });
      expect(ran).toEqual([]);
      await nested(async () => {
        uow.beforeCommit(() => ran.push('dropped before'));
        uow.afterCommit(() => ran.push('dropped'));
        throw new Error('x');
      }).catch(() => undefined);
      uow.afterCommit(() => ran.push('outer 2'));
    });
    expect(ran).toEqual(['inner before', 'outer 1', 'inner', 'outer 2']);
  });

  it('that were moved are dropped when a middle level rolls back [U51]', async () => {
    const ran: string[] = [];
    await unit(async (uow) => {
      await nested(async () => {
        await nested(async () => uow.afterCommit(() => ran.push('innermost')));
        throw new Error('middle');
      }).catch(() => undefined);
      uow.afterCommit(() => ran.push('outer'));
    });
    expect(ran).toEqual(['outer']);
  });

  it('see the rollback to its savepoint, and may then query on the outer unit', async () => {
    const seen: unknown[] = [];
    await unit(async (uow) => {
      await nested(async () => {
        uow.afterRollback(async (error) => {
          seen.push((error as Error).message);
          await app.students.create(pupil('compensation'));
        });
        uow.afterCompletion((status) => seen.push(status));
        await app.students.create(pupil('compensated'));
        throw new Error('inner');
      }).catch(() => undefined);
      expect(seen).toEqual(['inner', 'rolled back']);
    });
    expect(await app.stored('compens')).toEqual(['compensation']);
  });

  it('may open a nested unit on the outer unit, which comes before the siblings that wait', async () => {
    const order: string[] = [];
    await unit(async (uow) => {
      const fails = nested(async () => {
        uow.afterRollback(() =>
          nested(async () => order.push((await app.students.create(pupil('turn-hook'))).studentNumber)),
        );
        await app.students.create(pupil('turn-undone'));
        throw new Error('inner');
      });
      const sibling = nested(async () => order.push((await app.students.create(pupil('turn-sibling'))).studentNumber));
      await Promise.allSettled([fails, sibling]);
    });
    expect(order).toEqual(['turn-hook', 'turn-sibling']);
    expect(await app.stored('turn-')).toEqual(['turn-hook', 'turn-sibling']);
  });
});

describe('the pool, after nested units of every outcome,', () => {
  it('has all its connections', async () => {
    await expectWholePool(app, 2);
  });
});
