import type { Sequelize } from 'sequelize-typescript';
import { PoolSelfDeadlockError } from '../transaction.errors';
import { acquire, type PooledClient, poolMax } from './connections';
import { type Holder, placeOf } from './scope/place';

/** Chains of calls that hold connections and wait for another one, by pool. */
const waiting = new WeakMap<Sequelize, Set<readonly Holder[]>>();

/**
 * Takes a connection for the current chain of calls.
 * @throws PoolSelfDeadlockError when every connection is held by a chain that waits itself, this one included: none of
 * them could ever go on.
 */
export async function acquireInChain(sequelize: Sequelize): Promise<PooledClient> {
  const { holders } = placeOf(sequelize);
  if (!holders.some(({ holdsConnection }) => holdsConnection)) return acquire(sequelize);
  refuseDeadlock(sequelize);
  const chains = waiting.get(sequelize) ?? new Set();
  waiting.set(sequelize, chains);
  // A list of its own: branches of one chain that wait at once are apart.
  const chain = [...holders];
  chains.add(chain);
  try {
    return await acquire(sequelize);
  } finally {
    chains.delete(chain);
  }
}

/** @throws PoolSelfDeadlockError when the current chain would wait for what only waiting chains could give back. */
export function refuseDeadlock(sequelize: Sequelize): void {
  const stuck = new Set<Holder>();
  for (const chain of [placeOf(sequelize).holders, ...(waiting.get(sequelize) ?? [])]) {
    for (const holder of chain) if (holder.holdsConnection) stuck.add(holder);
  }
  const max = poolMax(sequelize);
  if (stuck.size >= max) throw new PoolSelfDeadlockError(max);
}
