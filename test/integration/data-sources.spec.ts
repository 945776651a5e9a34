import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/sequelize';
import { Test } from '@nestjs/testing';
import type { Sequelize } from 'sequelize-typescript';
import {
  AUDIT_LOGGER,
  ConfigurationError,
  Database,
  DatabaseHealthIndicator,
  DatabaseModule,
  getDataSourceToken,
  InjectDatabase,
  InjectUnitOfWork,
  type IUnitOfWork,
  readOptions,
  runWithContext,
  Transactional,
  TransactionOptionsError,
  UNIT_OF_WORK,
} from '../../src';
import { poolStatus } from '../../src/database/connection/connections';
import { stopEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres';
import { SchoolRepository } from '../../src/domains';
import { eventually, signal } from '../support/student-app';
import { temporaryFolder } from '../support/temporary-folder';
import { ReportedSchoolRepository, school, startTwoSources, type TwoSourceApp } from '../support/two-sources';

let app: TwoSourceApp;
beforeAll(async () => {
  app = await startTwoSources();
});
afterAll(() => app?.close());
afterEach(async () => {
  for (const { sequelize } of [app.a, app.b]) {
    await eventually(() => poolStatus(sequelize).used === 0 && poolStatus(sequelize).waiting === 0);
  }
});

const onA = <T>(fn: (uow: IUnitOfWork) => Promise<T>): Promise<T> =>
  app.a.unitOfWork.executeInTransaction(fn, app.nurse);
const onB = <T>(fn: (uow: IUnitOfWork) => Promise<T>): Promise<T> =>
  app.a.unitOfWork.executeInTransaction(fn, app.nurse, { dataSource: 'reporting' });
const fault = new Error('fault');
const failing = () => Promise.reject(fault);
const NAME = 'SELECT current_database() AS name';

describe('two data sources', () => {
  it('have a transaction each: a query on B inside a unit on A does not run on A [L] [D01] [U01]', async () => {
    await onA(async () => {
      expect(await app.a.database.one(NAME)).toEqual({ name: app.a.db.name });
      expect(await app.b.database.one(NAME)).toEqual({ name: app.b.db.name });
      const [[row]] = await app.b.sequelize.query(NAME);
      expect(row).toEqual({ name: app.b.db.name });
      expect(app.a.unitOfWork.isInTransaction()).toBe(true);
      expect(app.b.unitOfWork.isInTransaction()).toBe(false);
    });
  });

  it('a repository of B inside a unit of A goes alone: its row stays when the unit rolls back [L]', async () => {
    const unit = onA(async () => {
      await app.schools.create(school('alone-a'));
      await app.reported.create(school('alone-b'));
      expect(await app.b.stored('alone')).toEqual(['alone-b']);
      throw fault;
    });
    await expect(unit).rejects.toBe(fault);
    expect(await app.a.stored('alone')).toEqual([]);
    expect(await app.b.stored('alone')).toEqual(['alone-b']);
  });

  it('a model of B inside a unit of A takes no part in it either [L]', async () => {
    const unit = onA(async () => {
      await app.b.sequelize.models.ReportedSchool!.findOrCreate({
        where: { code: 'model-b' },
        defaults: school('model-b'),
      });
      throw fault;
    });
    await expect(unit).rejects.toBe(fault);
    expect(await app.b.stored('model')).toEqual(['model-b']);
  });

  it('commit on A and roll back on B independently, either one inside the other', async () => {
    await onA(async () => {
      await app.schools.create(school('outer-a'));
      const inner = onB(async () => {
        await app.reported.create(school('outer-b'));
        throw fault;
      });
      await expect(inner).rejects.toBe(fault);
    });
    expect([await app.a.stored('outer'), await app.b.stored('outer')]).toEqual([['outer-a'], []]);

    const outer = onB(async () => {
      await app.reported.create(school('inner-b'));
      await onA(() => app.schools.create(school('inner-a')));
      throw fault;
    });
    await expect(outer).rejects.toBe(fault);
    expect([await app.a.stored('inner'), await app.b.stored('inner')]).toEqual([['inner-a'], []]);
  });

  it('a unit of A in a unit of B in a unit of A joins the outer one of A', async () => {
    let inside = '';
    const xid = async () => (await app.a.database.one<{ xid: string }>('SELECT pg_current_xact_id() AS xid')).xid;
    await onA(async () => {
      const outer = await xid();
      await onB(async (uow) => {
        await app.reported.create(school('three-b'));
        expect(uow).toBe(app.b.unitOfWork);
        await onA(async () => {
          inside = await xid();
          await app.schools.create(school('three-a'));
        });
      });
      expect(inside).toBe(outer);
      // The unit of B is committed, the one of A is not.
      expect([await app.a.stored('three'), await app.b.stored('three')]).toEqual([[], ['three-b']]);
    });
    expect(await app.a.stored('three')).toEqual(['three-a']);
  });

  it('run afterCommit hooks of a unit after its own commit, whatever the one around it does', async () => {
    const order: string[] = [];
    await onA(async (a) => {
      a.afterCommit(() => order.push('A'));
      await app.schools.create(school('hook-a'));
      await onB(async (b) => {
        b.afterCommit(() => order.push('B'));
        a.afterCommit(() => order.push('A, asked for inside B'));
        await app.reported.create(school('hook-b'));
        expect(order).toEqual([]);
      });
      expect(order).toEqual(['B']);
    });
    expect(order).toEqual(['B', 'A', 'A, asked for inside B']);
  });

  it('refuse a transaction of one as that of a call on the other', async () => {
    const transaction = await app.b.sequelize.transaction();
    await expect(app.schools.count({}, { transaction, context: app.nurse })).rejects.toThrow(TransactionOptionsError);
    await transaction.rollback();
  });

  it('keep a straggler of A from becoming a write of B, and its refusal from touching B', async () => {
    const late = signal();
    let straggler: Promise<unknown> = Promise.resolve();
    await onA(async () => {
      straggler = late.promise.then(() => app.schools.create(school('late-a')));
      straggler.catch(() => undefined);
    });
    late.resolve();
    await expect(straggler).rejects.toMatchObject({ code: 'TRANSACTION_SCOPE_CLOSED' });
    await runWithContext(app.nurse, () => app.reported.create(school('late-b')));
    expect([await app.a.stored('late'), await app.b.stored('late')]).toEqual([[], ['late-b']]);
  });

  it('count their connections apart: units of A that hold its whole pool leave B free', async () => {
    const release = signal();
    const holding = [1, 2].map(() =>
      onA(async () => {
        await app.a.database.query('SELECT 1');
        await release.promise;
      }),
    );
    await eventually(() => poolStatus(app.a.sequelize).used === 2);
    expect(poolStatus(app.b.sequelize).used).toBe(0);
    await onB(() => app.reported.create(school('pool')));
    release.resolve();
    await Promise.all(holding);
    expect(await app.b.stored('pool')).toEqual(['pool']);
  });

  it('give the slots back when a hundred units of one run inside units of the other', async () => {
    const nested = Array.from({ length: 100 }, (_, i) =>
      onA(async () => {
        await app.a.database.query('SELECT 1');
        await onB(i % 2 === 0 ? () => app.b.database.query('SELECT 1') : failing).catch(() => undefined);
      }),
    );
    await Promise.all(nested);
    for (const { sequelize } of [app.a, app.b]) expect(poolStatus(sequelize)).toMatchObject({ used: 0, waiting: 0 });
  });

  it('audit each write where it was made', async () => {
    const { id } = await app.reported.create(school('audited'), app.nurse);
    const events = 'SELECT action FROM audit.event WHERE entity_id = $1';
    const [a, b] = await Promise.all([app.a.db.superClient(), app.b.db.superClient()]);
    expect((await a.query(events, [id])).rowCount).toBe(0);
    expect((await b.query(events, [id])).rowCount).toBe(1);
  });

  it('are healthy each for itself', async () => {
    const indicator = app.module.get<DatabaseHealthIndicator>(getDataSourceToken(DatabaseHealthIndicator, 'reporting'));
    expect(await indicator.isHealthy()).toMatchObject({ reporting: { status: 'up', pool: { waiting: 0 } } });
    expect(await app.module.get(DatabaseHealthIndicator).isHealthy()).toMatchObject({ database: { status: 'up' } });
  });
});

describe('the option dataSource', () => {
  it('that names no data source is refused before anything runs, with the names there are', async () => {
    const fn = jest.fn();
    const unit = app.a.unitOfWork.executeInTransaction(fn, app.nurse, { dataSource: 'archive' });
    await expect(unit).rejects.toThrow(TransactionOptionsError);
    await expect(unit).rejects.toThrow(/default, reporting/);
    expect(fn).not.toHaveBeenCalled();
  });

  it('may name the source itself, and the default one from a named one', async () => {
    const seen = await app.b.unitOfWork.executeInTransaction(
      async (uow) => [uow, await app.a.database.one(NAME)],
      app.nurse,
      { dataSource: 'default', isolation: 'SERIALIZABLE' },
    );
    expect(seen).toEqual([app.a.unitOfWork, { name: app.a.db.name }]);
  });
});

@Injectable()
class Reports {
  constructor(
    @InjectUnitOfWork('reporting') readonly unitOfWork: IUnitOfWork,
    @InjectDatabase('reporting') readonly reporting: Database,
    @InjectDatabase() readonly main: Database,
  ) {}

  @Transactional({ dataSource: 'reporting' })
  async where(): Promise<unknown[]> {
    return [this.unitOfWork.isInTransaction(), (await this.reporting.one<{ name: string }>(NAME)).name];
  }
}

/** A repository that injects what it works with. */
@Injectable()
class InjectingRepository extends ReportedSchoolRepository {
  @InjectUnitOfWork() readonly unitOfWork!: IUnitOfWork;
}

describe('what a class injects', () => {
  it('is of the source that it names; a repository needs to name none [D03]', async () => {
    const optionsOfB = { ...readOptions(app.b.db.env, { pool: { min: 0 } }), name: 'reporting' };
    const module = await Test.createTestingModule({
      imports: [
        DatabaseModule.forRoot(readOptions(app.a.db.env, { pool: { min: 0 } })),
        DatabaseModule.forRootAsync({ name: 'reporting', useFactory: async () => optionsOfB }),
        DatabaseModule.forFeature([InjectingRepository], 'reporting'),
      ],
      providers: [Reports],
    }).compile();
    const reports = module.get(Reports);
    expect(await runWithContext(app.nurse, () => reports.where())).toEqual([true, app.b.db.name]);
    expect(await reports.main.one(NAME)).toEqual({ name: app.a.db.name });
    expect(module.get(InjectingRepository).unitOfWork).toBe(reports.unitOfWork);
    expect(module.get(getDataSourceToken(AUDIT_LOGGER, 'reporting'))).not.toBe(module.get(AUDIT_LOGGER));
    // Another application of the process, with the same names.
    expect(reports.unitOfWork).not.toBe(app.b.unitOfWork);
    expect(module.get(getConnectionToken('reporting'))).not.toBe(app.b.sequelize);
    await module.close();
    // The models are static, and the application that was started last has them: give them back.
    app.b.sequelize.addModels([ReportedSchoolRepository.model as never]);
  });
});

const silent = { log: () => undefined, error: () => undefined, warn: () => undefined };

describe('the boot', () => {
  const boot = async (...imports: ReturnType<typeof DatabaseModule.forRoot>[]): Promise<unknown> => {
    try {
      const module = await Test.createTestingModule({ imports }).setLogger(silent).compile();
      await module.close();
      return undefined;
    } catch (error) {
      return error;
    }
  };
  // What a boot that stops has opened closes by itself.
  const optionsOf = (db: TwoSourceApp['a']['db']) => readOptions(db.env, { pool: { min: 0, idleTimeoutMs: 50 } });

  it('stops when a model is registered with two data sources, also by an association', async () => {
    const error = await boot(
      DatabaseModule.forRoot(optionsOf(app.a.db)),
      DatabaseModule.forRoot({ ...optionsOf(app.b.db), name: 'reporting' }),
      DatabaseModule.forFeature([SchoolRepository]),
      DatabaseModule.forFeature([SchoolRepository], 'reporting'),
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(/School|District/);
    app.a.sequelize.addModels([SchoolRepository.model as never]);
  });

  it('stops when two data sources have one name, and for a name that is none', async () => {
    const named = (name: string) => DatabaseModule.forRoot({ ...optionsOf(app.a.db), name });
    expect(await boot(named('twice'), named('twice'))).toBeInstanceOf(ConfigurationError);
    expect(() => named('')).toThrow(ConfigurationError);
    expect(() => named('no name')).toThrow(ConfigurationError);
    expect(() => DatabaseModule.forFeature([], 'no name')).toThrow(ConfigurationError);
  });

  it('takes no connection of a named source from the environment', async () => {
    const before = { ...process.env };
    Object.assign(process.env, app.a.db.env, { NODE_ENV: 'production' });
    try {
      const error = await boot(DatabaseModule.forRoot({ name: 'reporting' }));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toContain('The data source reporting has no host');
    } finally {
      process.env = before;
    }
  });
});

describe('a named source without a host', () => {
  it('is a database of its own on the embedded server, migrated, and stopped with it', async () => {
    const folder = temporaryFolder();
    const embedded = { enabled: true, dir: join(folder, 'server') };
    const module = await Test.createTestingModule({
      imports: [DatabaseModule.forRoot({ embedded }), DatabaseModule.forRoot({ name: 'reporting', embedded })],
    }).compile();
    module.enableShutdownHooks([]);
    const databases = [module.get(Database), module.get<Database>(getDataSourceToken(Database, 'reporting'))];
    for (const [i, name] of ['phi', 'phi_reporting'].entries()) {
      expect(await databases[i]!.one(NAME)).toEqual({ name });
      expect(await databases[i]!.one('SELECT count(*)::int AS clinics FROM clinics')).toEqual({ clinics: 0 });
    }
    await module.close();
    expect(await stopEmbeddedPostgres(embedded.dir)).toBe(false);
    rmSync(folder, { recursive: true, force: true });
  });
});

describe('the shutdown', () => {
  it('closes every source, though one is busy with a unit that never ends', async () => {
    const module = await Test.createTestingModule({
      imports: [
        DatabaseModule.forRoot(optionsOf('a')),
        DatabaseModule.forRoot({ ...optionsOf('b'), name: 'reporting' }),
      ],
    }).compile();
    module.enableShutdownHooks([]);
    const a = module.get(Database);
    const b = module.get<Database>(getDataSourceToken(Database, 'reporting'));
    const never = module
      .get<IUnitOfWork>(getDataSourceToken(UNIT_OF_WORK, 'reporting'))
      .executeInTransaction(async () => {
        await b.query('SELECT pg_sleep(600)');
      });
    never.catch(() => undefined);
    const busy = module.get<Sequelize>(getConnectionToken('reporting'));
    await eventually(() => poolStatus(busy).used === 1);
    await a.query('SELECT 1');
    await module.close();
    await expect(never).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    for (const database of [a, b]) expect(await database.isHealthy()).toBe(false);
  });

  const optionsOf = (which: 'a' | 'b') => readOptions(app[which].db.env, { pool: { min: 0 } });
});
