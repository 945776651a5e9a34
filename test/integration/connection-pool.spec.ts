import { Logger } from '@nestjs/common';
import { UnavailableError, UnexpectedRollbackError } from '../../src';
import { closePool, poolStatus } from '../../src/database/connection/connections';
import {
  backendPid,
  eventually,
  expectWholePool,
  pupil,
  signal,
  startStudentApp,
  type StudentApp,
  terminate,
} from '../support/student-app';

const SESSIONS = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = 'phi_app'`;

const sessions = async (app: StudentApp): Promise<number[]> =>
  (await app.truth.query<{ pid: number }>(SESSIONS)).rows.map(({ pid }) => pid);

describe('the pool', () => {
  let app: StudentApp;
  beforeAll(async () => {
    app = await startStudentApp({ pool: { min: 0, max: 3, acquireTimeoutMs: 3_000 } });
  });
  afterAll(() => app?.close());

  it('pools: ten calls one after the other use one backend, a hundred at once no more than there are slots [D26] [000-10]', async () => {
    const one = new Set<number>();
    for (let i = 0; i < 10; i += 1) one.add(await backendPid(app));
    expect(one.size).toBe(1);
    const many = await Promise.all(Array.from({ length: 100 }, () => backendPid(app)));
    expect(new Set(many).size).toBeLessThanOrEqual(3);
    expect((await sessions(app)).length).toBeLessThanOrEqual(3);
    expect(poolStatus(app.sequelize)).toMatchObject({ used: 0, waiting: 0 });
  });

  it('that is exhausted makes callers wait, and then rejects with a clear error; nothing is lost [000-12]', async () => {
    const held = signal();
    const holding = Promise.all(
      [1, 2, 3].map(() =>
        app.unitOfWork.executeInTransaction(async () => {
          await app.database.query('SELECT 1');
          await held.promise;
        }, app.clinics.a),
      ),
    );
    await eventually(() => poolStatus(app.sequelize).used === 3);
    await expect(app.students.create(pupil('exhausted'), app.clinics.a)).rejects.toThrow(UnavailableError);
    await expect(app.students.count()).rejects.toThrow(UnavailableError);
    // A unit that swallows it has stored nothing, and must not report a commit.
    const committed = jest.fn();
    const swallowed = await app.unitOfWork
      .executeInTransaction(async (uow) => {
        uow.afterCommit(committed);
        await app.students.create(pupil('exhausted')).catch(() => undefined);
      }, app.clinics.a)
      .catch((error: unknown) => error);
    expect(swallowed).toBeInstanceOf(UnexpectedRollbackError);
    expect((swallowed as Error).cause).toBeInstanceOf(UnavailableError);
    expect(committed).not.toHaveBeenCalled();
    held.resolve();
    await holding;
    await expectWholePool(app, 3);
    expect(await app.stored('exhausted')).toEqual([]);
  });

  it('survives the loss of its idle connections: the process lives, and the next call works [002-03] [U81]', async () => {
    await expectWholePool(app, 3);
    const idle = await sessions(app);
    expect(idle.length).toBeGreaterThan(0);
    for (const pid of idle) await terminate(app.truth, pid);
    await eventually(() => poolStatus(app.sequelize).size === 0);
    await app.students.create(pupil('after-idle'), app.clinics.a);
    expect(await app.stored('after-idle')).toEqual(['after-idle']);
    await expectWholePool(app, 3);
  });

  it('recovers from a loss that it has not noticed: a call may fail, clearly, and the next one works [U81]', async () => {
    for (let round = 0; round < 5; round += 1) {
      const pid = await backendPid(app);
      await app.truth.query('SELECT pg_terminate_backend($1)', [pid]);
      const [outcome] = await Promise.allSettled([app.students.count({}, { context: app.clinics.a })]);
      expect(outcome!.status === 'fulfilled' || outcome!.reason instanceof UnavailableError).toBe(true);
      await eventually(() =>
        app.students.count({}, { context: app.clinics.a }).then(
          () => true,
          () => false,
        ),
      );
    }
    await expectWholePool(app, 3);
  });

  it('gets its slot back after the server ended an idle transaction [U38]', async () => {
    await app.truth.query(`ALTER ROLE phi_app IN DATABASE ${app.db.name} SET idle_in_transaction_session_timeout = 50`);
    for (const pid of await sessions(app)) await terminate(app.truth, pid);
    await eventually(() => poolStatus(app.sequelize).size === 0);
    const outcomes: string[] = [];
    const error = await app.unitOfWork
      .executeInTransaction(async (uow) => {
        uow.afterCompletion((status) => outcomes.push(status));
        await app.students.create(pupil('dozed'));
        await eventually(() => poolStatus(app.sequelize).size === 0);
      }, app.clinics.a)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(outcomes).toEqual(['rolled back']);
    expect(await app.stored('dozed')).toEqual([]);
    await app.truth.query(`ALTER ROLE phi_app IN DATABASE ${app.db.name} RESET idle_in_transaction_session_timeout`);
    for (const pid of await sessions(app)) await terminate(app.truth, pid);
    // The event of the outcome has left a connection; the pool must notice that it is gone.
    await eventually(() => poolStatus(app.sequelize).size === 0);
    await expectWholePool(app, 3);
  });
});

describe('shutdown', () => {
  let app: StudentApp;
  beforeEach(async () => {
    app = await startStudentApp({ pool: { min: 0, max: 1, acquireTimeoutMs: 20_000 } });
  });
  afterEach(() => app?.close());

  it('waits for work that ends in time [U37]', async () => {
    const begun = signal();
    const working = app.unitOfWork.executeInTransaction(async () => {
      await app.students.create(pupil('in-time'));
      begun.resolve();
      await app.database.query('SELECT pg_sleep(0.2)');
    }, app.clinics.a);
    await begun.promise;
    await closePool(app.sequelize, 20_000);
    await working;
    expect(await app.stored('in-time')).toEqual(['in-time']);
    expect(await sessions(app)).toEqual([]);
  });

  it.each([
    ['idles', () => new Promise((resolve) => setTimeout(resolve, 3_600_000).unref())],
    ['runs a statement without end', () => app.database.query('SELECT pg_sleep(600)')],
  ])('is bounded with a transaction open that %s; the server rolls back', async (_, endless) => {
    const begun = signal();
    const stuck = app.unitOfWork.executeInTransaction(async () => {
      await app.students.create(pupil('stuck'));
      begun.resolve();
      await endless();
    }, app.clinics.a);
    stuck.catch(() => undefined);
    await begun.promise;
    await closePool(app.sequelize, 100);
    await eventually(async () => (await sessions(app)).length === 0);
    expect(await app.stored('stuck')).toEqual([]);
  });

  it('is bounded with callers still waiting for a connection, and none of them hangs [U37]', async () => {
    const begun = signal();
    const units = Array.from({ length: 6 }, () =>
      app.unitOfWork.executeInTransaction(async () => {
        await app.students.count();
        begun.resolve();
        await app.database.query('SELECT pg_sleep(600)');
      }, app.clinics.a),
    );
    const settled = Promise.allSettled(units);
    await begun.promise;
    await closePool(app.sequelize, 100);
    expect((await settled).map(({ status }) => status)).toEqual(Array<string>(6).fill('rejected'));
    await eventually(async () => (await sessions(app)).length === 0);
  });

  it('refuses what comes afterwards with a clear error', async () => {
    const reported = jest.spyOn(Logger.prototype, 'error');
    await closePool(app.sequelize, 100);
    await expect(app.students.count()).rejects.toThrow(UnavailableError);
    await expect(app.students.create(pupil('late'), app.clinics.a)).rejects.toThrow(UnavailableError);
    expect(await app.database.isHealthy()).toBe(false);
    reported.mockRestore();
  });
});
