import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { poolStatus } from '../../src/database/connection/connections';
import { projectRoot } from '../support/typescript-program';
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
  app = await startStudentApp({ pool: { min: 0, max: 3, acquireTimeoutMs: 20_000 } });
});
afterAll(() => app?.close());

describe('many units at once', () => {
  it('finish, fifty of them on a pool of three, with inner units and models inside [D02] [000-08] [000-12] [U24]', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) =>
        unit(
          async (uow) => {
            uow.afterCommit(() => app.students.count());
            await app.students.create(pupil(`crowd-${i}-a`));
            const propagation = i % 2 ? 'NESTED' : 'REQUIRED';
            await uow.executeInTransaction(() => app.database.query(INSERT_STUDENT, [`crowd-${i}-b`]), undefined, {
              propagation,
            });
            await app.sequelize.models.Student!.findOrCreate({
              where: { studentNumber: `crowd-${i}-c` },
              defaults: pupil(`crowd-${i}-c`),
            });
            if (i % 5 === 0) throw new Error('every fifth');
          },
          i % 3 ? app.clinics.a : app.clinics.b,
        ),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(10);
    expect(
      outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as Error).message] : [])),
    ).toEqual(Array<string>(10).fill('every fifth'));
    expect(await app.stored('crowd')).toHaveLength(40 * 3);
    await expectWholePool(app, 3);
  });

  it('never see each other: neither rows, nor state, nor tenant [D03] [U10]', async () => {
    const wrote = signal();
    const looked = signal();
    const writer = unit(async (uow) => {
      await app.students.create(pupil('private'));
      expect(uow.isInTransaction()).toBe(true);
      wrote.resolve();
      await looked.promise;
    });
    await wrote.promise;
    expect(app.unitOfWork.isInTransaction()).toBe(false);
    expect(await app.students.count({ studentNumber: 'private' }, { context: app.clinics.a })).toBe(0);
    await unit(async () => {
      expect(await app.students.count({ studentNumber: 'private' })).toBe(0);
      expect(await app.database.one('SELECT phi.tenant() AS tenant')).toEqual({ tenant: app.clinics.b.clinicId });
    }, app.clinics.b);
    looked.resolve();
    await writer;
    expect(await app.stored('private')).toEqual(['private']);
  });

  it('keep their own hooks and outcome: one rolls back while the other commits [D03] [U10]', async () => {
    const outcomes: string[] = [];
    const bothOpen = signal();
    let open = 0;
    const run = (number: string, fail: boolean) =>
      unit(async (uow) => {
        uow.afterCompletion((status) => outcomes.push(`${number} ${status}`));
        await app.students.create(pupil(number));
        open += 1;
        if (open === 2) bothOpen.resolve();
        await bothOpen.promise;
        if (fail) throw new Error('fail');
      });
    await Promise.allSettled([run('pair-1', true), run('pair-2', false)]);
    expect(outcomes.sort()).toEqual(['pair-1 rolled back', 'pair-2 committed']);
    expect(await app.stored('pair')).toEqual(['pair-2']);
  });

  it('give the same row no lost update: the second sees what the first wrote [D21] [U60]', async () => {
    const { id } = await app.students.create(pupil('counter'), app.clinics.a);
    await Promise.all(Array.from({ length: 20 }, () => app.students.update(id, { grade: '6' }, app.clinics.a)));
    expect((await app.students.findById(id, { context: app.clinics.a }))?.version).toBe(21);
    const results = await Promise.allSettled(
      ['7', '8', '9'].map((grade) => app.students.update(id, { grade }, app.clinics.a, { expectedVersion: 21 })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('take one connection each, however many calls they make [U08]', async () => {
    const pids = await unit(() =>
      Promise.all(
        Array.from({ length: 10 }, () => app.database.one<{ pid: number }>('SELECT pg_backend_pid() AS pid')),
      ),
    );
    expect(new Set(pids.map(({ pid }) => pid)).size).toBe(1);
    expect(poolStatus(app.sequelize).used).toBe(0);
  });
});

describe('a process that runs Promise.all inside a unit', () => {
  it('prints no warning: neither of deprecation nor of an unhandled rejection [U08]', async () => {
    const program = `
      require('reflect-metadata');
      const { Sequelize } = require('sequelize-typescript');
      const { readOptions, runWithContext } = require('./src/index');
      const { sequelizeOptions } = require('./src/database/connection/sequelize-options');
      const { attachRuntime } = require('./src/database/transaction/runtime');
      const options = readOptions(process.env);
      const sequelize = new Sequelize(sequelizeOptions(options));
      const { unitOfWork, runner } = attachRuntime(sequelize, options);
      const context = { userId: 'x', requestId: 'y', clinicId: '${app.clinics.a.clinicId}' };
      const statement = { text: 'SELECT 1', values: [], operation: 'x', write: false };
      const both = () => Promise.all([runner.run(statement), sequelize.query('SELECT 1'), runner.run(statement), sequelize.query('SELECT 2')]);
      (async () => {
        await unitOfWork.executeInTransaction(both, context);
        await unitOfWork.executeInTransaction(both, context, { propagation: 'NESTED' });
        await unitOfWork.executeInTransaction(() => Promise.all([runner.run({ ...statement, text: 'SELECT 1/0' }), both()]), context).catch(() => 0);
        const own = await sequelize.transaction();
        await runner.run({ ...statement, text: 'SELECT 1/0' }, { transaction: own, context }).catch(() => 0);
        await runner.run(statement, { transaction: own, context }).catch(() => 0);
        await own.rollback();
        await sequelize.close();
        console.log('done');
      })();`;
    const env = { ...process.env, ...app.db.env, NODE_ENV: 'test' };
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--trace-deprecation', '-r', '@swc-node/register', '-e', program],
      { cwd: projectRoot, env },
    );
    expect(stdout).toMatch(/done\n$/);
    expect(stderr).not.toMatch(/warning/i);
  });
});
