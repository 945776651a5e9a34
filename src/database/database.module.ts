import {
  type DynamicModule,
  Global,
  Inject,
  type InjectionToken,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OptionalFactoryDependency,
  type Provider,
  type Type,
} from '@nestjs/common';
import { getConnectionToken, SequelizeModule } from '@nestjs/sequelize';
import { Model, type ModelCtor, type Sequelize } from 'sequelize-typescript';
import { AuditLogger } from './audit/audit-logger';
import { AUDIT_LOGGER } from './audit/audit-logger.interface';
import { CACHE_MANAGER } from './cache/cache-manager';
import { DisabledCache } from './cache/disabled-cache';
import { closePool } from './connection/connections';
import { sequelizeOptions } from './connection/sequelize-options';
import { StatementRunner } from './connection/statement-runner';
import { ContextInterceptor } from './context/context.interceptor';
import { ConfigurationError } from './database.errors';
import type { DatabaseModuleOptions } from './database.options';
import { DatabaseHealthIndicator } from './health/database-health.indicator';
import { type OpenDatabase, openDatabase } from './open-database';
import { withAssociated } from './repository/feature-models';
import { repositoryToken } from './repository/inject-repository.decorator';
import { type RepositoryClass, repositoryFor } from './repository/repository-for';
import { Database } from './transaction/database';
import { attachRuntime, type DatabaseRuntime } from './transaction/runtime';
import { UNIT_OF_WORK } from './transaction/unit-of-work.interface';

/** Token of the open database: its options and, where used, the embedded server. */
export const OPEN_DATABASE = Symbol('OpenDatabase');
const RUNTIME = Symbol('DatabaseRuntime');

/** How long shutdown waits for calls under way before their connections are closed, in ms. */
const SHUTDOWN_GRACE_MS = 5_000;

export interface DatabaseModuleAsyncOptions {
  readonly imports?: DynamicModule['imports'];
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  readonly useFactory: (...args: never[]) => DatabaseModuleOptions | Promise<DatabaseModuleOptions>;
}

/** What forFeature takes: a repository class, or a model whose plain repository is injected by InjectRepository. */
export type Feature = Type<unknown> | RepositoryClass<never> | ModelCtor;

@Module({})
class OpenDatabaseModule {}

const PROVIDERS: Provider[] = [
  {
    provide: RUNTIME,
    inject: [getConnectionToken(), OPEN_DATABASE],
    useFactory: (sequelize: Sequelize, { options }: OpenDatabase) => attachRuntime(sequelize, options),
  },
  { provide: StatementRunner, inject: [RUNTIME], useFactory: ({ runner }: DatabaseRuntime) => runner },
  { provide: UNIT_OF_WORK, inject: [RUNTIME], useFactory: ({ unitOfWork }: DatabaseRuntime) => unitOfWork },
  {
    provide: Database,
    inject: [RUNTIME],
    useFactory: ({ runner, unitOfWork }: DatabaseRuntime) => new Database(runner, unitOfWork),
  },
  {
    provide: AUDIT_LOGGER,
    inject: [StatementRunner],
    useFactory: (runner: StatementRunner) => new AuditLogger(runner),
  },
  { provide: CACHE_MANAGER, useClass: DisabledCache },
  {
    provide: DatabaseHealthIndicator,
    inject: [Database],
    useFactory: (database: Database) => new DatabaseHealthIndicator(database),
  },
  ContextInterceptor,
];

@Global()
@Module({})
class DatabaseCoreModule implements OnApplicationShutdown {
  constructor(
    @Inject(getConnectionToken()) private readonly sequelize: Sequelize,
    @Inject(OPEN_DATABASE) private readonly database: OpenDatabase,
  ) {}

  static from(options: DatabaseModuleAsyncOptions): DynamicModule {
    // One object, imported twice: Nest then makes one module of it, and the database is opened once.
    const open: DynamicModule = {
      module: OpenDatabaseModule,
      imports: options.imports ?? [],
      providers: [
        {
          provide: OPEN_DATABASE,
          inject: options.inject ?? [],
          useFactory: async (...args: never[]) => openDatabase(await options.useFactory(...args)),
        },
      ],
      exports: [OPEN_DATABASE],
    };
    const sequelize = SequelizeModule.forRootAsync({
      imports: [open],
      inject: [OPEN_DATABASE],
      useFactory: ({ options: opened }: OpenDatabase) => ({ ...sequelizeOptions(opened), autoCloseConnection: false }),
    });
    return {
      module: DatabaseCoreModule,
      imports: [open, sequelize],
      providers: PROVIDERS,
      exports: [
        sequelize,
        open,
        StatementRunner,
        UNIT_OF_WORK,
        Database,
        AUDIT_LOGGER,
        CACHE_MANAGER,
        DatabaseHealthIndicator,
        ContextInterceptor,
      ],
    };
  }

  /** Closes every store; one that fails does not keep the others open (002-07). */
  async onApplicationShutdown(): Promise<void> {
    for (const [name, close] of [
      ['connection pool', () => closePool(this.sequelize, SHUTDOWN_GRACE_MS)],
      ['embedded server', () => this.database.embedded?.stop()],
    ] as const) {
      try {
        await close();
      } catch (error) {
        new Logger('Database').error(`Closing the ${name} failed: ${error instanceof Error ? error.name : 'unknown'}`);
      }
    }
  }
}

@Module({})
class DatabaseFeatureModule {}

/**
 * The data layer of an application, global. Import it bare to take everything from the environment, or by forRoot;
 * then register repositories where they are used, with forFeature.
 */
@Module({ imports: [DatabaseCoreModule.from({ useFactory: () => ({}) })] })
export class DatabaseModule {
  /** @param options Over what the environment says. Errors in either stop the boot with a ConfigurationError. */
  static forRoot(options: DatabaseModuleOptions = {}): DynamicModule {
    return DatabaseCoreModule.from({ useFactory: () => options });
  }

  static forRootAsync(options: DatabaseModuleAsyncOptions): DynamicModule {
    return DatabaseCoreModule.from(options);
  }

  /**
   * Provides and exports repositories, and adds their models to the database. A repository with a constructor of its
   * own is listed beside its model.
   * @throws ConfigurationError for something that is neither a model nor a repository of one that is known here.
   */
  static forFeature(features: readonly Feature[]): DynamicModule {
    const models = [...new Set(features.flatMap((feature) => modelOf(feature) ?? []))];
    const repositories = features.filter((feature) => !isModel(feature)) as Type<unknown>[];
    const strange = repositories.find((repository) => !modelOf(repository) && models.length === 0);
    if (strange) {
      throw new ConfigurationError(
        `${strange.name} is not a repository of a model`,
        'Extend repositoryFor(Model), or list the model beside the repository.',
      );
    }
    const plain = models.map((model) => ({
      provide: repositoryToken(model),
      useClass: class extends repositoryFor(model) {} as unknown as Type<unknown>,
    }));
    const sequelize = SequelizeModule.forFeature(withAssociated(models));
    return {
      module: DatabaseFeatureModule,
      imports: [sequelize],
      providers: [...repositories, ...plain],
      exports: [sequelize, ...repositories, ...plain.map(({ provide }) => provide)],
    };
  }
}

function isModel(feature: Feature): feature is ModelCtor {
  return feature.prototype instanceof Model;
}

function modelOf(feature: Feature): ModelCtor | undefined {
  if (isModel(feature)) return feature;
  const { model } = feature as { model?: ModelCtor };
  return model?.prototype instanceof Model ? model : undefined;
}
