import {
  type DynamicModule,
  Global,
  type InjectionToken,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OptionalFactoryDependency,
  type Provider,
} from '@nestjs/common';
import { getConnectionToken, SequelizeModule } from '@nestjs/sequelize';
import type { Sequelize } from 'sequelize-typescript';
import { AuditLogger } from './audit/audit-logger';
import { AUDIT_LOGGER } from './audit/audit-logger.interface';
import { CACHE_MANAGER } from './cache/cache-manager';
import { DisabledCache } from './cache/disabled-cache';
import { closePool } from './connection/connections';
import { type Replicas, startReplicas } from './connection/replica/replicas';
import { sequelizeOptions } from './connection/sequelize-options';
import { StatementRunner } from './connection/statement-runner';
import { ContextInterceptor } from './context/context.interceptor';
import type { DatabaseModuleOptions } from './database.options';
import { DatabaseHealthIndicator } from './health/database-health.indicator';
import { type OpenDatabase, openDatabase } from './open-database';
import { DEFAULT_DATA_SOURCE, dataSourceName, getDataSourceToken } from './transaction/data-source-token';
import { DataSources } from './transaction/data-sources';
import { Database } from './transaction/database';
import { attachRuntime, type DatabaseRuntime } from './transaction/runtime';
import { UNIT_OF_WORK } from './transaction/unit-of-work.interface';

/** Token of the open database: its options and, where used, the embedded server. */
export const OPEN_DATABASE = Symbol('OpenDatabase');
const RUNTIME = Symbol('DatabaseRuntime');

/** How long shutdown waits for calls under way before their connections are closed, in ms. */
const SHUTDOWN_GRACE_MS = 5_000;

export interface DatabaseModuleAsyncOptions {
  /** Name of a data source beside the default one. */
  readonly name?: string;
  readonly imports?: DynamicModule['imports'];
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  readonly useFactory: (...args: never[]) => DatabaseModuleOptions | Promise<DatabaseModuleOptions>;
}

interface Opened {
  readonly sequelize: Sequelize;
  readonly database: OpenDatabase;
  readonly replicas?: Replicas;
}

/** Closes every store of every data source; one that fails does not keep the others open (002-07). */
class DataSourceShutdown implements OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly opened: Opened[] = [];

  add(opened: Opened): void {
    this.opened.push(opened);
  }

  /** At the same time: the wait for calls under way does not add up. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(
      this.opened.map(async ({ sequelize, database, replicas }) => {
        await Promise.all([
          this.attempt('connections to replicas', () => replicas?.close(SHUTDOWN_GRACE_MS)),
          this.attempt('connection pool', () => closePool(sequelize, SHUTDOWN_GRACE_MS)),
        ]);
        await this.attempt('embedded server', () => database.embedded?.stop());
      }),
    );
  }

  private async attempt(name: string, close: () => Promise<void> | undefined): Promise<void> {
    try {
      await close();
    } catch (error) {
      this.logger.error(`Closing the ${name} failed: ${error instanceof Error ? error.name : 'unknown'}`);
    }
  }
}

const SHARED = [DataSources, DataSourceShutdown, ContextInterceptor];

/** What the data sources of an application share. A module without options: there is one of it in an application. */
@Global()
@Module({
  providers: [...SHARED, { provide: CACHE_MANAGER, useClass: DisabledCache }],
  exports: [...SHARED, CACHE_MANAGER],
})
class SharedDataModule {}

@Module({})
class OpenDatabaseModule {}

/** One database of the application: opened once, and everything that runs on it. Global. */
@Global()
@Module({})
export class DataSourceModule {
  /** @throws ConfigurationError for a name that is not valid. */
  static from(options: DatabaseModuleAsyncOptions): DynamicModule {
    const name = dataSourceName(options.name);
    const opened = getDataSourceToken(OPEN_DATABASE, name);
    // One object, imported twice: Nest then makes one module of it, and the database is opened once.
    const open: DynamicModule = {
      module: OpenDatabaseModule,
      imports: options.imports ?? [],
      providers: [
        {
          provide: opened,
          inject: options.inject ?? [],
          useFactory: async (...args: never[]) => openDatabase(await options.useFactory(...args), name),
        },
      ],
      exports: [opened],
    };
    const sequelize = SequelizeModule.forRootAsync({
      ...(name === DEFAULT_DATA_SOURCE ? {} : { name }),
      imports: [open],
      inject: [opened],
      useFactory: ({ options: read }: OpenDatabase) => ({
        ...sequelizeOptions(read),
        // Models of a named source are added by forFeature: what is loaded by itself is shared by all applications of
        // the process.
        autoLoadModels: name === DEFAULT_DATA_SOURCE,
        autoCloseConnection: false,
      }),
    });
    const provided = [StatementRunner, UNIT_OF_WORK, Database, AUDIT_LOGGER, DatabaseHealthIndicator];
    return {
      module: DataSourceModule,
      imports: [SharedDataModule, open, sequelize],
      providers: providersOf(name),
      exports: [sequelize, open, ...provided.map((token) => getDataSourceToken(token, name))],
    };
  }
}

function providersOf(name: string): Provider[] {
  const token = <T extends string | symbol | { readonly name: string }>(of: T) => getDataSourceToken(of, name);
  return [
    {
      provide: RUNTIME,
      inject: [getConnectionToken(name), token(OPEN_DATABASE), DataSources, DataSourceShutdown],
      useFactory: (
        sequelize: Sequelize,
        database: OpenDatabase,
        sources: DataSources,
        shutdown: DataSourceShutdown,
      ): DatabaseRuntime => {
        const runtime = attachRuntime(sequelize, database.options, { name, sources });
        const replicas = startReplicas(sequelize, database.options);
        shutdown.add({ sequelize, database, ...(replicas ? { replicas } : {}) });
        return runtime;
      },
    },
    { provide: token(StatementRunner), inject: [RUNTIME], useFactory: ({ runner }: DatabaseRuntime) => runner },
    { provide: token(UNIT_OF_WORK), inject: [RUNTIME], useFactory: ({ unitOfWork }: DatabaseRuntime) => unitOfWork },
    {
      provide: token(Database),
      inject: [RUNTIME],
      useFactory: ({ runner, unitOfWork }: DatabaseRuntime) => new Database(runner, unitOfWork),
    },
    {
      provide: token(AUDIT_LOGGER),
      inject: [token(StatementRunner)],
      useFactory: (runner: StatementRunner) => new AuditLogger(runner),
    },
    {
      provide: token(DatabaseHealthIndicator),
      inject: [token(Database)],
      useFactory: (database: Database) =>
        new DatabaseHealthIndicator(database, name === DEFAULT_DATA_SOURCE ? 'database' : name),
    },
  ];
}
