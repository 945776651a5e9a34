import { getConnectionToken } from '@nestjs/sequelize';
import {
  AUDIT_LOGGER,
  CheckViolationError,
  DeadlockError,
  type IAuditLogger,
  runWithContext,
  UnexpectedRollbackError,
  UniqueViolationError,
} from '../../src';
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

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 3, acquireTimeoutMs: 5_000 } });
  // Rules that PostgreSQL checks at COMMIT only, as a deferred foreign key would be.
  await atCommit(app.truth, 'late%', 'refuses');
});
afterAll(() => app?.close());

describe('executeInTransaction', () => {
  it('commits on return, and rolls back on throw with the very error thrown [003-21] [003-22] [D01]', async () => {
    expect(
      await unit(async () => {
        await app.students.create(pupil('commit-1'));
        await app.students.create(pupil('commit-2'));
        return 'done';
      }),
    ).toBe('done');
    const boom = new Error('boom');
    await expect(
      unit(async () => {
        await app.students.create(pupil('undone-1'));
        await app.students.bulkCreate([pupil('undone-2'), pupil('undone-3')]);
        throw boom;
      }),
    ).rejects.toBe(boom);
    await expect(
      unit(() => {
        throw boom;
      }),
    ).rejects.toBe(boom);
    expect(await app.stored('commit')).toEqual(['commit-1', 'commit-2']);
    expect(await app.stored('undone')).toEqual([]);
  });

  it('joins an open unit: an inner throw rolls both back, an inner return commits nothing yet [003-24] [D02]', async () => {
    await expect(
      unit(async () => {
        await unit(() => app.students.create(pupil('join-inner')));
        expect(await app.stored('join')).toEqual([]);
        throw new Error('outer');
      }),
    ).rejects.toThrow('outer');
    expect(await app.stored('join')).toEqual([]);
    await unit(async () => {
      await app.students.create(pupil('join-outer'));
      await unit(() => app.students.create(pupil('join-inner')));
    });
    expect(await app.stored('join')).toEqual(['join-inner', 'join-outer']);
  });

  it('sends no statement and takes no connection for a unit that does nothing, and still runs its hooks [U11]', async () => {
    const held = signal();
    const holders = Array.from({ length: 3 }, () =>
      unit(async () => {
        await app.database.query('SELECT 1');
        await held.promise;
      }),
    );
    const ran: string[] = [];
    await unit(async (uow) => {
      uow.afterCommit(() => ran.push('after'));
      uow.afterCompletion((status) => ran.push(status));
    });
    expect(ran).toEqual(['after', 'committed']);
    held.resolve();
    await Promise.all(holders);
  });
});

describe('a commit', () => {
  const outcomes: string[] = [];
  const watched = async (work: () => Promise<unknown>): Promise<unknown> => {
    outcomes.length = 0;
    return unit(async (uow) => {
      uow.afterCommit(() => outcomes.push('after commit'));
      uow.afterCompletion((status) => outcomes.push(status));
      return work();
    }).catch((error: unknown) => error);
  };

  it.each([
    ['a repository', () => app.students.create(pupil('swallowed-1'))],
    ['raw SQL', () => app.database.query(INSERT_STUDENT, ['swallowed-1'])],
    ['a model', () => app.sequelize.models.Student!.create(pupil('swallowed-1'))],
    ['sequelize.query', () => app.sequelize.query('SELECT 1/0')],
  ])('that PostgreSQL answers with ROLLBACK, after a swallowed error of %s, rejects [D04]', async (_, failing) => {
    const error = await watched(async () => {
      await app.students.create(pupil('swallowed-1'));
      await Promise.resolve(failing()).catch(() => undefined);
    });
    expect(error).toBeInstanceOf(UnexpectedRollbackError);
    expect((error as UnexpectedRollbackError).cause).toMatchObject({
      sqlState: expect.stringMatching(/^(23505|22012)$/),
    });
    expect(outcomes).toEqual(['rolled back']);
    expect(await app.stored('swallowed')).toEqual([]);
  });

  it('never follows a joined failure that the outer unit caught: the cause is told [U20]', async () => {
    const inner = new Error('inner');
    const error = await watched(async () => {
      await app.students.create(pupil('half-1'));
      await unit(async () => {
        await app.students.create(pupil('half-2'));
        throw inner;
      }).catch(() => undefined);
      await app.students.create(pupil('half-3'));
    });
    expect(error).toBeInstanceOf(UnexpectedRollbackError);
    expect((error as Error).cause).toBe(inner);
    expect(outcomes).toEqual(['rolled back']);
    expect(await app.stored('half')).toEqual([]);
  });

  it('that fails rejects with its own error, not with one of a rollback after it [D04] [U33]', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const error = await watched(() => app.students.create(pupil('late-1')));
    expect(error).toBeInstanceOf(CheckViolationError);
    expect(error).toMatchObject({ constraint: 'students_late_rule' });
    expect(outcomes).toEqual(['rolled back']);
    expect(await app.stored('late')).toEqual([]);
    // v6's own commit() prints to the console.
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    await expectWholePool(app, 3);
  });

  it('of a lone write that fails at COMMIT rejects with the error, and stores nothing [U33]', async () => {
    await expect(app.students.create(pupil('late-2'), app.clinics.a)).rejects.toThrow(CheckViolationError);
    await expect(
      runWithContext(app.clinics.a, () => app.sequelize.models.Student!.create(pupil('late-3'))),
    ).rejects.toThrow(CheckViolationError);
    expect(await app.stored('late')).toEqual([]);
    await expectWholePool(app, 3);
  });

  it('that cannot be serialised rejects with DeadlockError 40001, and only one of the two is stored [003-25]', async () => {
    const bothRead = signal();
    let readers = 0;
    const onDuty = (number: string) =>
      unit(
        async () => {
          await app.students.count({ studentNumber: { like: 'skew-%' } });
          readers += 1;
          if (readers === 2) bothRead.resolve();
          await bothRead.promise;
          await app.students.create(pupil(number));
        },
        undefined,
        { isolation: 'SERIALIZABLE', retry: false },
      );
    const results = await Promise.allSettled([onDuty('skew-1'), onDuty('skew-2')]);
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(failures).toHaveLength(1);
    expect(failures[0]).toBeInstanceOf(DeadlockError);
    expect(failures[0]).toMatchObject({ sqlState: '40001' });
    expect(await app.stored('skew')).toHaveLength(1);
  });

  it('cannot be brought about by raw SQL inside a unit', async () => {
    for (const sql of [
      'COMMIT',
      ' commit',
      '/* done */ COMMIT',
      '-- done\nEND',
      '; COMMIT',
      'ROLLBACK',
      'SAVEPOINT a',
    ]) {
      await expect(
        unit(async () => {
          await app.students.create(pupil('smuggled'));
          await app.database.query(sql);
        }),
      ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(
        unit(async () => {
          await app.students.create(pupil('smuggled'));
          await app.sequelize.query(sql);
        }),
      ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    expect(await app.stored('smuggled')).toEqual([]);
  });
});

describe('the audit trail of a unit', () => {
  const events = async (): Promise<string[]> => {
    const { rows } = await app.truth.query<{ event: string }>(
      `SELECT action || ' ' || entity AS event FROM audit.event WHERE entity NOT IN ('Clinic', 'Transaction') AND request_id = 'audited' ORDER BY seq`,
    );
    return rows.map(({ event }) => event);
  };

  it('rolls back with it: triggers and entries written by hand [D06] [003-26] [003-27] [U39]', async () => {
    const logger = app.module.get<IAuditLogger>(AUDIT_LOGGER);
    const context = { ...app.clinics.a, requestId: 'audited' };
    const enrol = async (fail: boolean): Promise<void> => {
      const created = await app.students.create(pupil('audited-1'));
      await logger.logCreate('Enrolment', created.id, context, { grade: '5' });
      if (fail) throw new Error('late');
    };
    await expect(unit(() => enrol(true), context)).rejects.toThrow('late');
    expect(await events()).toEqual([]);
    await unit(() => enrol(false), context);
    expect(await events()).toEqual(['CREATE Student', 'CREATE Enrolment']);
    await expect(app.students.create(pupil('audited-1'), context)).rejects.toThrow(UniqueViolationError);
    expect(await events()).toHaveLength(2);
  });

  it('names one transaction for all events of one unit [U39]', async () => {
    const context = { ...app.clinics.a, requestId: 'one-transaction' };
    await unit(async () => {
      await app.students.create(pupil('one-tx-1'));
      await app.students.create(pupil('one-tx-2'));
    }, context);
    const { rows } = await app.truth.query<{ n: number; ids: number }>(
      `SELECT count(*)::int AS n, count(DISTINCT transaction_id)::int AS ids FROM audit.event WHERE request_id = 'one-transaction'`,
    );
    // Two students, and the outcome.
    expect(rows).toEqual([{ n: 3, ids: 1 }]);
  });
});

describe('the schema', () => {
  it('is never synchronised, and Sequelize never logs values [D25] [000-18] [U80]', () => {
    const sequelize = app.module.get<StudentApp['sequelize']>(getConnectionToken());
    expect(sequelize.options.logging).toBe(false);
  });
});
