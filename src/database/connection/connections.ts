import type { Duplex } from 'node:stream';
import type { Client } from 'pg';
import type { Sequelize } from 'sequelize-typescript';
import { cancelStatement } from './cancel-statement';

/** What Sequelize's connection manager offers; its types leave it out. */
interface ConnectionManager {
  getConnection(options: { type: 'read' | 'write'; useMaster: boolean }): Promise<PooledClient>;
  releaseConnection(client: PooledClient): void;
  readonly config: { readonly pool: { readonly max: number } };
  readonly pool: {
    destroy(client: PooledClient): Promise<void>;
    readonly size: number;
    readonly using: number;
    readonly waiting: number;
    readonly _inUseObjects: readonly { readonly resource: PooledClient }[];
  };
}

/** A `pg` client that Sequelize's pool owns; `_invalid` is Sequelize's mark of a dead one. */
export type PooledClient = Client & {
  readonly connection: { readonly stream: Duplex };
  _invalid?: boolean;
  _ending?: boolean;
};

const managerOf = (sequelize: Sequelize): ConnectionManager =>
  (sequelize as unknown as { connectionManager: ConnectionManager }).connectionManager;

/** Takes a connection out of Sequelize's pool. */
export function acquire(sequelize: Sequelize): Promise<PooledClient> {
  return managerOf(sequelize).getConnection({ type: 'write', useMaster: true });
}

/**
 * Sends what `send` submits as one packet. A write to the socket for each statement would be a system call each, and
 * would wake the server each time.
 */
export function inOneWrite<T>({ connection: { stream } }: PooledClient, send: () => T): T {
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}

/** False once the connection is known to be lost. */
export function isAlive(client: PooledClient): boolean {
  return !client._invalid && !client._ending;
}

/** Gives a connection back; a dead one leaves the pool, if it has not done so already. */
export function release(sequelize: Sequelize, client: PooledClient): void {
  if (isAlive(client)) managerOf(sequelize).releaseConnection(client);
  else
    void managerOf(sequelize)
      .pool.destroy(client)
      .catch(() => undefined);
}

/**
 * Removes a connection whose state is not known from the pool, and closes its socket at once. A server that is busy
 * with a statement would notice that only at its end, so it is asked to cancel.
 */
export function destroy(sequelize: Sequelize, client: PooledClient): void {
  if (isAlive(client)) cancelStatement(client);
  client._invalid = true;
  client.connection.stream.destroy();
  // Not awaited: a peer that never answers must not hold up the caller.
  void managerOf(sequelize)
    .pool.destroy(client)
    .catch(() => undefined);
}

/** How many connections the pool may have. */
export function poolMax(sequelize: Sequelize): number {
  return managerOf(sequelize).config.pool.max;
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
  const closed = sequelize.close();
  closed.catch(() => undefined);
  if (await within(closed, graceMs)) return;
  // Calls that waited for a connection get one now: hence more than once, but not for ever.
  for (let round = 0; round < 20; round += 1) {
    for (const { resource } of managerOf(sequelize).pool._inUseObjects) destroy(sequelize, resource);
    if (await within(closed, 250)) return;
  }
}

/** True when `promise` settled in time; rejects as it does. */
async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
