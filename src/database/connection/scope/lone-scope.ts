import type { Sequelize } from 'sequelize-typescript';
import { stageOf } from './rehearsal';
import { Scope } from './scope';
import type { ScopeSetup } from './scope-setup';

/** Runs `work` in a transaction of its own, or in what stands for one while the database is rehearsed. */
export function inNewScope<T>(sequelize: Sequelize, setup: ScopeSetup, work: (scope: Scope) => Promise<T>): Promise<T> {
  const stage = stageOf(sequelize);
  if (!stage) return work(new Scope(sequelize, setup));
  return stage.nest(work, () => Promise.resolve(), { standsFor: setup });
}

/** Runs `work` in a transaction of its own that no chain of calls knows of: commits when it returns, else rolls back. */
export function inLoneScope<T>(
  sequelize: Sequelize,
  setup: ScopeSetup,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  return inNewScope(sequelize, setup, async (scope) => {
    try {
      const result = await work(scope);
      await scope.commit();
      return result;
    } catch (error) {
      if (!scope.settled) await scope.rollback();
      throw error;
    }
  });
}
