import type { Sequelize } from 'sequelize-typescript';
import { bindSequelize } from '../connection/sequelize-binding';
import { type RunnerOptions, StatementRunner } from '../connection/statement-runner';
import { ConfigurationError } from '../database.errors';
import { DEFAULT_DATA_SOURCE } from './data-source-token';
import { DataSources } from './data-sources';
import { UnitOfWork } from './unit-of-work';

/** What belongs to one Sequelize instance: the door for statements and the unit of work over it. */
export interface DatabaseRuntime {
  readonly runner: StatementRunner;
  readonly unitOfWork: UnitOfWork;
}

const runtimes = new WeakMap<object, DatabaseRuntime>();

/** Where a Sequelize instance stands among those of its application. */
export interface DataSourcePlace {
  readonly name: string;
  readonly sources: DataSources;
}

/**
 * Binds a Sequelize instance once; every later call without a place answers the same runtime.
 * @param place Its name and its application's other data sources; default: it is alone.
 * @throws ConfigurationError when another data source has the name.
 */
export function attachRuntime(
  sequelize: Sequelize,
  options: RunnerOptions,
  place: DataSourcePlace = { name: DEFAULT_DATA_SOURCE, sources: new DataSources() },
): DatabaseRuntime {
  let runtime = runtimes.get(sequelize);
  if (!runtime) {
    bindSequelize(sequelize, options.prepared);
    runtime = {
      runner: new StatementRunner(sequelize, options),
      unitOfWork: new UnitOfWork(sequelize, options.prepared, place.sources),
    };
    runtimes.set(sequelize, runtime);
  }
  // Two of one name are given one Sequelize instance by Nest, so this is where they meet.
  place.sources.add(place.name, runtime.unitOfWork);
  return runtime;
}

/**
 * The runtime of the instance that a model was added to.
 * @throws ConfigurationError when the model is not part of a DatabaseModule.
 */
export function runtimeOf(model: { readonly name: string; readonly sequelize?: unknown }): DatabaseRuntime {
  const runtime = model.sequelize ? runtimes.get(model.sequelize as object) : undefined;
  if (!runtime) {
    throw new ConfigurationError(
      `The model ${model.name} is not connected to a database`,
      'Register its repository with DatabaseModule.forFeature([...]).',
    );
  }
  return runtime;
}
