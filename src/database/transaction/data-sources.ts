import { ConfigurationError } from '../database.errors';
import { TransactionOptionsError } from '../transaction.errors';
import type { IUnitOfWork } from './unit-of-work.interface';

/** A model class, as far as it matters here. */
interface ModelClass {
  readonly name: string;
}

/**
 * The data sources of one application, by name. Each application has its own: two in one process, as in tests, do not
 * see each other.
 */
export class DataSources {
  private readonly units = new Map<string, IUnitOfWork>();
  private readonly owners = new Map<ModelClass, string>();

  /** @throws ConfigurationError when another data source has the name. */
  add(name: string, unitOfWork: IUnitOfWork): void {
    if (this.units.has(name)) {
      throw new ConfigurationError(
        `There are two data sources named ${name}`,
        'Give each forRoot a name of its own; only one may have none.',
      );
    }
    this.units.set(name, unitOfWork);
  }

  /**
   * The unit of work that `executeInTransaction(…, { dataSource: name })` runs on.
   * @throws TransactionOptionsError that lists the names there are.
   */
  unitOfWork(name: string): IUnitOfWork {
    const unit = this.units.get(name);
    if (unit) return unit;
    throw new TransactionOptionsError(
      `The application has no data source of this name, only: ${[...this.units.keys()].sort().join(', ')}`,
      'Use one of them, or import DatabaseModule.forRoot({ name, … }).',
    );
  }

  /**
   * Notes that a model belongs to a data source.
   * @throws ConfigurationError when it belongs to another one: Sequelize connects a model class to one database, and
   * rows meant for one would go to the other.
   */
  claim(model: ModelClass, name: string): void {
    const owner = this.owners.get(model) ?? name;
    if (owner !== name) {
      throw new ConfigurationError(
        `The model ${model.name} is registered with the data sources ${owner} and ${name}`,
        'Write a model class for each of them; a model that an association points to is registered with it.',
      );
    }
    this.owners.set(model, name);
  }
}
