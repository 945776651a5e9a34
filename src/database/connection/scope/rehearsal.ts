import type { Sequelize } from 'sequelize-typescript';
import { TransactionOptionsError } from '../../transaction.errors';
import { placeOf } from './place';
import { Scope } from './scope';

interface Rehearsal {
  readonly scope: Scope;
  /** False: afterCommit hooks are dropped. */
  readonly runsAfterCommit: boolean;
}

const rehearsals = new WeakMap<Sequelize, Rehearsal>();

/**
 * Runs `fn`; meanwhile everything that runs on the database, of whatever chain of calls, runs in one transaction that is
 * always rolled back. What would be a transaction of its own is a savepoint in it.
 * @param runsAfterCommit False: afterCommit hooks are dropped; else they run when their savepoint is released.
 * @throws TransactionOptionsError inside a unit of work, or while another one is under way.
 */
export async function rehearse<T>(
  sequelize: Sequelize,
  prepared: boolean,
  runsAfterCommit: boolean,
  fn: () => Promise<T>,
): Promise<T> {
  if (rehearsals.has(sequelize) || placeOf(sequelize).holders.length > 0) {
    throw new TransactionOptionsError(
      'A rehearsal cannot begin inside a unit of work, or while another one is under way',
      'Call withRollback once around everything.',
    );
  }
  const scope = new Scope(sequelize, { prepared });
  rehearsals.set(sequelize, { scope, runsAfterCommit });
  try {
    return await fn();
  } finally {
    rehearsals.delete(sequelize);
    await scope.rollback();
  }
}

/**
 * The unit that a transaction of its own becomes a savepoint of: the innermost open one that the chain of calls is
 * inside of, since outer ones wait for it. Undefined where nothing is rehearsed.
 */
export function stageOf(sequelize: Sequelize): Scope | undefined {
  const rehearsal = rehearsals.get(sequelize);
  if (!rehearsal) return undefined;
  let stage = placeOf(sequelize).innermost as Scope | undefined;
  while (stage && (stage.settled || !stage.lineage.includes(rehearsal.scope))) stage = stage.parent;
  return stage ?? rehearsal.scope;
}

/** True where afterCommit hooks are dropped. */
export function holdsAfterCommit(sequelize: Sequelize): boolean {
  return rehearsals.get(sequelize)?.runsAfterCommit === false;
}
