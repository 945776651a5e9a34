import type { Transaction } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import { runWithScope } from '../../context/ambient';
import { inLoneScope } from './lone-scope';
import { placeOf } from './place';
import { holdsAfterCommit } from './rehearsal';
import type { Scope } from './scope';
import type { ScopeSetup } from './scope-setup';

/**
 * What `sequelize.transaction(callback)` becomes while the database is rehearsed: a savepoint. Statements of the callback
 * that name no transaction commit by themselves elsewhere; here they are savepoints inside this one, since behind it they
 * would wait for the callback, and the callback for them.
 */
export async function rehearsedTransaction<T>(
  sequelize: Sequelize,
  setup: ScopeSetup,
  callback: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  let scope!: Scope;
  const result = await inLoneScope(sequelize, setup, (opened) => {
    scope = opened;
    const place = { ...placeOf(sequelize), innermost: opened };
    return runWithScope(sequelize, undefined, setup.context, async () => callback(opened.transaction), place);
  });
  // As Sequelize does: after the commit, in order, and a throw is the caller's.
  if (!holdsAfterCommit(sequelize)) for (const hook of scope.hooks.afterCommit) await hook();
  return result;
}
