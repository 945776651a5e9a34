import type { Client } from 'pg';
import type { Sequelize } from 'sequelize-typescript';

/** What Sequelize's connection manager offers; its types leave it out. */
interface ConnectionManager {
  getConnection(options: { type: 'read' | 'write'; useMaster: boolean }): Promise<PooledClient>;
  releaseConnection(client: PooledClient): void;
  readonly pool: {
    destroy(client: PooledClient): Promise<void>;
    readonly size: number;
    readonly using: number;
    readonly waiting: number;
    readonly _inUseObjects: readonly { readonly resource: PooledClient }[];
  };
}

/** A `pg` client that Sequelize's pool owns; `_invalid` is Sequelize's mark of a dead one. */
export type PooledClient = Client & { _invalid?: boolean; _ending?: boolean };

const managerOf = (sequelize: Sequelize): ConnectionManager =>
  (sequelize as unknown as { connectionManager: ConnectionManager }).connectionManager;

/** Takes a connection out of Sequelize's pool. */
export function acquire(sequelize: Sequelize): Promise<PooledClient> {
  return managerOf(sequelize).getConnection({ type: 'write', useMaster: true });
}

/** Gives a connection back; a dead one has left the pool already. */
export function release(sequelize: Sequelize, client: PooledClient): void {
  if (client._invalid) return;
  managerOf(sequelize).releaseConnection(client);
}

/** Removes a connection whose state is not known from the pool, and closes its socket at once. */
export function destroy(sequelize: Sequelize, client: PooledClient): void {
  client._invalid = true;
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  // Not awaited: a peer that never answers must not hold up the caller.
  void managerOf(sequelize).pool.destroy(client).catch(() => undefined);
}

/** Size of the pool now, for health and metrics. */
export function poolStatus(sequelize: Sequelize): { size: number; used: number; waiting: number } {
  const { pool } = managerOf(sequelize);
  return { size: pool.size, used: pool.using, waiting: pool.waiting };
}

/**
 * Closes the pool. Calls under way get `graceMs` to finish; then their connections are closed and the server rolls
 * them back. Sequelize's own close() waits for them without end.
 */
export async function closePool(sequelize: Sequelize, graceMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), graceMs);
  });
  const closed = sequelize.close();
  closed.catch(() => undefined);
  try {
    if ((await Promise.race([closed, late])) !== 'late') return;
    for (const { resource } of managerOf(sequelize).pool._inUseObjects) destroy(sequelize, resource);
  } finally {
    clearTimeout(timer);
  }
}
