import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createSystemExecutionContext,
  type Propagation,
  runWithContext,
  type TransactionOptions,
  UniqueViolationError,
} from '../../src';
import { withRollback } from '../../src/database/testing';
import { expectWholePool, pupil, signal, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;

const unit = <T>(fn: () => Promise<T>, options: TransactionOptions = {}, context = app.clinics.a): Promise<T> =>
  app.unitOfWork.executeInTransaction(fn, context, options);
const write = (number: string, context = app.clinics.a) => app.students.create(pupil(number), context);
const numbers = async (prefix: string, context = app.clinics.a): Promise<string[]> => {
  const found = await app.students.findAll({ where: { studentNumber: { like: `${prefix}%` } } }, { context });
  return found.map(({ studentNumber }) => studentNumber).toSorted();
};
const rehearsed = <T>(fn: () => Promise<T>, afterCommit?: 'run' | 'hold'): Promise<T> =>
  withRollback(app.unitOfWork, fn, { context: app.clinics.a, ...(afterCommit ? { afterCommit } : {}) });

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 2, acquireTimeoutMs: 5_000 } });
});
afterAll(() => app?.close());
afterEach(async () => {
  const { rowCount } = await app.truth.query(`SELECT FROM students`);
  expect(rowCount).toBe(0);
  await expectWholePool(app, 2);
});

describe('withRollback', () => {
  it('answers what the test answers, shows it what it wrote, and leaves nothing [U85]', async () => {
    const seen = await rehearsed(async () => {
      await write('lone');
      await app.sequelize.models.Student!.create(pupil('model'));
      await unit(() => write('unit'));
      await app.sequelize.transaction((transaction) =>
        app.sequelize.models.Student!.create(pupil('own'), { transaction }),
      );
      return numbers('');
    });
    expect(seen).toEqual(['lone', 'model', 'own', 'unit']);
    expect(await numbers('')).toEqual([]);
  });

  it('leaves nothing of a test that throws, and passes on what it threw [U85]', async () => {
    const boom = new Error('boom');
    await expect(rehearsed(() => write('thrown').then(() => Promise.reject(boom)))).rejects.toBe(boom);
  });

  it('lets a unit of work roll back by itself, and its neighbours stay', async () => {
    await rehearsed(async () => {
      await unit(() => write('kept-1'));
      await expect(unit(() => write('gone').then(() => Promise.reject(new Error('x'))))).rejects.toThrow('x');
      await unit(() => write('kept-2'));
      expect(await numbers('')).toEqual(['kept-1', 'kept-2']);
    });
  });

  it('lets a lone statement fail by itself', async () => {
    await rehearsed(async () => {
      await write('taken');
      await expect(write('taken')).rejects.toThrow(UniqueViolationError);
      await expect(app.sequelize.models.Student!.create(pupil('taken'))).rejects.toMatchObject({
        name: 'SequelizeUniqueConstraintError',
      });
      await write('another');
      expect(await numbers('')).toEqual(['another', 'taken']);
    });
  });

  it('tells a unit the truth about an error that it swallowed', async () => {
    await rehearsed(async () => {
      const swallowing = unit(async () => {
        await write('half');
        await app.database.query('SELECT 1/0').catch(() => undefined);
      });
      await expect(swallowing).rejects.toMatchObject({ code: 'UNEXPECTED_ROLLBACK' });
      expect(await numbers('')).toEqual([]);
    });
  });

  it.each<Propagation>(['REQUIRED', 'REQUIRES_NEW', 'NESTED', 'SUPPORTS', 'NOT_SUPPORTED', 'MANDATORY'])(
    'runs %s inside a unit, and its statements are seen afterwards',
    async (propagation) => {
      await rehearsed(async () => {
        await unit(async () => {
          await write('outer-1');
          await unit(() => write('inner'), { propagation });
          await write('outer-2');
        });
        expect(await numbers('')).toEqual(['inner', 'outer-1', 'outer-2']);
      });
    },
  );

  it('runs REQUIRES_NEW inside a savepoint, and a unit of that one inside', async () => {
    await rehearsed(async () => {
      await unit(() =>
        unit(() => unit(() => unit(() => write('deep'), { propagation: 'NESTED' }), { propagation: 'REQUIRES_NEW' }), {
          propagation: 'NESTED',
        }),
      );
      expect(await numbers('')).toEqual(['deep']);
    });
  });

  it('keeps clinics apart: each unit and each lone statement has its own', async () => {
    await rehearsed(async () => {
      await unit(() => write('of-a', app.clinics.a));
      await unit(() => write('of-b', app.clinics.b), {}, app.clinics.b);
      await write('lone-b', app.clinics.b);
      expect(await numbers('', app.clinics.a)).toEqual(['of-a']);
      expect(await numbers('', app.clinics.b)).toEqual(['lone-b', 'of-b']);
      expect(await app.database.one('SELECT phi.tenant() AS tenant', [], { context: app.clinics.a })).toEqual({
        tenant: app.clinics.a.clinicId,
      });
      await unit(async () => {
        await write('again-a');
        await unit(() => write('new-b', app.clinics.b), { propagation: 'REQUIRES_NEW' }, app.clinics.b);
        expect(await numbers('')).toEqual(['again-a', 'of-a']);
      });
    });
  });

  it('shows no row to whoever acts for no clinic, before, inside and after a unit of one', async () => {
    const nobody = createSystemExecutionContext();
    const seen = () => app.students.count({}, { context: nobody });
    await rehearsed(async () => {
      await unit(async () => {
        await write('of-a');
        expect(await unit(seen, { propagation: 'REQUIRES_NEW' }, nobody)).toBe(0);
        expect(await app.students.count()).toBe(1);
      });
      expect(await seen()).toBe(0);
      await unit(
        async () => {
          await unit(() => write('of-b', app.clinics.b), { propagation: 'REQUIRES_NEW' }, app.clinics.b);
          expect(await seen()).toBe(0);
        },
        {},
        nobody,
      );
    });
  });

  it('takes in an HTTP request that the test makes, which is a chain of calls of its own [U85]', async () => {
    const server = createServer((request, response) => {
      void runWithContext(app.clinics.a, () => unit(() => write(`http${request.url!.slice(1)}`)))
        .then(() => numbers(''))
        .then(
          (found) => response.end(JSON.stringify(found)),
          (error: { code: string }) => response.writeHead(409).end(error.code),
        );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      await rehearsed(async () => {
        await write('before');
        const answers = await Promise.all(
          ['-1', '-2', '-1'].map(async (name) => (await fetch(`http://127.0.0.1:${port}/${name}`)).status),
        );
        expect(answers.toSorted()).toEqual([200, 200, 409]);
        expect(await numbers('')).toEqual(['before', 'http-1', 'http-2']);
      });
    } finally {
      server.close();
    }
  });

  it('runs afterCommit hooks when their unit succeeds, with the database at hand, and those of a failed one never', async () => {
    const ran: string[] = [];
    await rehearsed(async () => {
      await app.unitOfWork.executeInTransaction(async (uow) => {
        uow.afterCommit(async () => ran.push(`after commit ${(await numbers('')).join()}`));
        uow.afterCommit(() => unit(() => write('hook')));
        uow.afterCompletion((status) => ran.push(status));
        await write('hooked');
        expect(ran).toEqual([]);
      }, app.clinics.a);
      expect(ran).toEqual(['after commit hooked', 'committed']);
      expect(await numbers('')).toEqual(['hook', 'hooked']);
      const failing = app.unitOfWork.executeInTransaction(async (uow) => {
        uow.afterCommit(() => ran.push('never'));
        uow.afterRollback(() => ran.push('after rollback'));
        throw new Error('x');
      });
      await expect(failing).rejects.toThrow('x');
    });
    expect(ran).toEqual(['after commit hooked', 'committed', 'after rollback']);
  });

  it('drops afterCommit hooks with afterCommit: hold, and no others', async () => {
    const ran: string[] = [];
    await rehearsed(
      () =>
        app.unitOfWork.executeInTransaction(async (uow) => {
          uow.beforeCommit(() => ran.push('before commit'));
          uow.afterCommit(() => ran.push('after commit'));
          uow.afterCompletion((status) => ran.push(status));
          await write('held');
        }, app.clinics.a),
      'hold',
    );
    expect(ran).toEqual(['before commit', 'committed']);
  });

  it('repeats a unit that asks for it, and ends one that takes too long, with nothing else', async () => {
    await rehearsed(async () => {
      const slow = unit(() => write('slow').then(() => app.database.query('SELECT pg_sleep(600)')), { timeoutMs: 100 });
      await expect(slow).rejects.toMatchObject({ code: 'TIMEOUT' });
      await unit(() => write('next'), { isolation: 'SERIALIZABLE' });
      expect(await numbers('')).toEqual(['next']);
      await expect(unit(() => write('refused'), { readOnly: true })).rejects.toMatchObject({ sqlState: '25006' });
      expect(await numbers('')).toEqual(['next']);
    });
  });

  it('leaves no outcome of what never happened in the trail', async () => {
    await rehearsed(() => unit(() => write('untold')));
    const { rowCount } = await app.truth.query(`SELECT FROM audit.event WHERE entity IN ('Student', 'Transaction')`);
    expect(rowCount).toBe(0);
  });

  it('refuses a unit that goes on after the test', async () => {
    const ended = signal();
    let late: Promise<unknown> | undefined;
    await rehearsed(async () => {
      const begun = signal();
      late = unit(async () => {
        await write('late-1');
        begun.resolve();
        await ended.promise;
        await write('late-2');
      });
      late.catch(() => undefined);
      await begun.promise;
    });
    ended.resolve();
    await expect(late).rejects.toMatchObject({ code: 'TRANSACTION_SCOPE_CLOSED' });
  });

  it('is refused inside a unit, inside itself, and for what is no unit of work', async () => {
    const refused = { code: 'TRANSACTION_OPTIONS' };
    await expect(unit(() => rehearsed(() => write('x')))).rejects.toMatchObject(refused);
    await expect(rehearsed(() => rehearsed(() => write('x')))).rejects.toMatchObject(refused);
    await expect(withRollback({} as never, () => write('x'))).rejects.toMatchObject(refused);
    await expect(rehearsed(() => write('x'), 'later' as never)).rejects.toMatchObject(refused);
  });

  it('runs what a callback of sequelize.transaction() leaves out of it as savepoints, instead of waiting for itself [U85]', async () => {
    const student = app.sequelize.models.Student!;
    await rehearsed(async () => {
      const failing = app.sequelize.transaction(async (transaction) => {
        await student.create(pupil('seq-1'), { transaction });
        await student.create(pupil('seq-2'));
        await unit(() => write('seq-3'));
        await student.create(pupil('seq-4'), { transaction });
        expect(await numbers('seq')).toEqual(['seq-1', 'seq-2', 'seq-3', 'seq-4']);
        throw new Error('x');
      });
      await expect(failing).rejects.toThrow('x');
      expect(await numbers('')).toEqual([]);
    });
  });

  it('runs hooks of sequelize.transaction() after its commit, unless they are held', async () => {
    const ran: string[] = [];
    const exercise = (name: string) => () =>
      app.sequelize.transaction(async (transaction) => {
        transaction.afterCommit(() => void ran.push(name));
        await app.sequelize.models.Student!.create(pupil('seq-hook'), { transaction });
        expect(ran).toEqual([]);
      });
    await rehearsed(exercise('held'), 'hold');
    await rehearsed(exercise('run'));
    expect(ran).toEqual(['run']);
  });
});
