import { Transaction } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import { TransactionOptionsError } from '../../transaction.errors';
import type { ScopeHooks } from './scope-hooks';

/** The unit of work behind it. */
interface Owner {
  readonly hooks: ScopeHooks;
  markRollbackOnly(error: unknown): void;
}

/** What Sequelize is given as its transaction; only the scope may commit it. */
export class ScopeTransaction<S extends Owner = Owner> extends Transaction {
  constructor(
    sequelize: Sequelize,
    readonly scope: S,
  ) {
    super(sequelize, {});
  }

  override commit(): Promise<void> {
    return Promise.reject(
      new TransactionOptionsError(
        'A unit of work commits itself',
        'Return from its callback instead of calling commit.',
      ),
    );
  }

  override rollback(): Promise<void> {
    this.scope.markRollbackOnly(
      new TransactionOptionsError('rollback() was called', 'Throw to roll back a unit of work.'),
    );
    return Promise.resolve();
  }

  override afterCommit(fn: (transaction: this) => void | Promise<void>): void {
    this.scope.hooks.afterCommit.push(() => fn(this));
  }
}
