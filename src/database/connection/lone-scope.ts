import type { Sequelize } from 'sequelize-typescript';
import { Scope } from './scope';
import type { ScopeSetup } from './scope-setup';

/** Runs `work` in a transaction of its own that no chain of calls knows of: commits when it returns, else rolls back. */
export async function inLoneScope<T>(
  sequelize: Sequelize,
  setup: ScopeSetup,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  const scope = new Scope(sequelize, setup);
  try {
    const result = await work(scope);
    await scope.commit();
    return result;
  } catch (error) {
    if (!scope.settled) await scope.rollback();
    throw error;
  }
}
