import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { getConnectionToken, SequelizeModule } from '@nestjs/sequelize';
import { Model, type ModelCtor, type Sequelize } from 'sequelize-typescript';
import { type DatabaseModuleAsyncOptions, DataSourceModule } from './data-source.module';
import { ConfigurationError } from './database.errors';
import type { DatabaseModuleOptions } from './database.options';
import { withAssociated } from './repository/feature-models';
import { repositoryToken } from './repository/inject-repository.decorator';
import { ofDataSource } from './repository/of-data-source';
import { type RepositoryClass, repositoryFor } from './repository/repository-for';
import { dataSourceName } from './transaction/data-source-token';
import { DataSources } from './transaction/data-sources';

export { type DatabaseModuleAsyncOptions, OPEN_DATABASE } from './data-source.module';

/** What forFeature takes: a repository class, or a model whose plain repository is injected by InjectRepository. */
export type Feature = Type<unknown> | RepositoryClass<never> | ModelCtor;

@Module({})
class DatabaseFeatureModule {}

/**
 * The data layer of an application, global. Import it bare to take everything from the environment, or by forRoot;
 * then register repositories where they are used, with forFeature. A `name` makes another data source beside the
 * default one.
 */
@Module({ imports: [DataSourceModule.from({ useFactory: () => ({}) })] })
export class DatabaseModule {
  /**
   * @param options Over what the environment says; a named data source takes them from here only. Errors in either
   * stop the boot with a ConfigurationError.
   */
  static forRoot({ name, ...options }: DatabaseModuleOptions & { readonly name?: string } = {}): DynamicModule {
    return DataSourceModule.from({ ...(name === undefined ? {} : { name }), useFactory: () => options });
  }

  /** The same with options that are made by the application, for example from its configuration service. */
  static forRootAsync(options: DatabaseModuleAsyncOptions): DynamicModule {
    return DataSourceModule.from(options);
  }

  /**
   * Provides and exports repositories, and adds their models to the database. A repository with a constructor of its
   * own is listed beside its model.
   * @param dataSource Name of the data source they belong to; default: the one without a name. What a repository
   * injects is that source's: audit logger, unit of work and Database.
   * @throws ConfigurationError for something that is neither a model nor a repository of one that is known here; at the
   * boot, for a model that belongs to another data source.
   */
  static forFeature(features: readonly Feature[], dataSource?: string): DynamicModule {
    const source = dataSourceName(dataSource);
    const models = [...new Set(features.flatMap((feature) => modelOf(feature) ?? []))];
    const repositories = features.filter((feature) => !isModel(feature)) as Type<unknown>[];
    const strange = repositories.find((repository) => !modelOf(repository) && models.length === 0);
    if (strange) {
      throw new ConfigurationError(
        `${strange.name} is not a repository of a model`,
        'Extend repositoryFor(Model), or list the model beside the repository.',
      );
    }
    const classes = repositories.map((repository) => ({
      provide: repository,
      useClass: ofDataSource(repository, source),
    }));
    const plain = models.map((model) => ({
      provide: repositoryToken(model),
      useClass: ofDataSource(class extends repositoryFor(model) {} as unknown as Type<unknown>, source),
    }));
    const connected = withAssociated(models);
    const sequelize = SequelizeModule.forFeature(connected, source);
    return {
      module: DatabaseFeatureModule,
      imports: [sequelize],
      providers: [...classes, ...plain, connecting(connected, source)],
      exports: [sequelize, ...repositories, ...plain.map(({ provide }) => provide)],
    };
  }
}

/** Connects models to their data source while the application starts. */
function connecting(models: readonly ModelCtor[], source: string) {
  return {
    provide: Symbol(`models of ${source}`),
    // The default source loads models by itself, those of other applications of the process included: it goes first.
    inject: [DataSources, getConnectionToken(source), { token: getConnectionToken(), optional: true }],
    useFactory: (sources: DataSources, sequelize: Sequelize): null => {
      for (const model of models) sources.claim(model, source);
      const elsewhere = models.filter((model) => model.sequelize !== sequelize);
      if (elsewhere.length > 0) sequelize.addModels(elsewhere);
      return null;
    },
  };
}

function isModel(feature: Feature): feature is ModelCtor {
  return feature.prototype instanceof Model;
}

function modelOf(feature: Feature): ModelCtor | undefined {
  if (isModel(feature)) return feature;
  const { model } = feature as { model?: ModelCtor };
  return model?.prototype instanceof Model ? model : undefined;
}
