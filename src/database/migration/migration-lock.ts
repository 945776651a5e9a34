import type { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationLockedError } from './migration.errors';

/** Key of the advisory lock: two numbers of this package's own. Locks are per database. */
const LOCK_KEY = [0x70_68_69, 1] as const;
const POLL_MS = 100;

interface Holder {
  readonly pid: number;
  /** Held by the asking session itself. */
  readonly own: boolean;
  readonly application: string;
  readonly seconds: number;
}

/**
 * Holds the lock while `work` runs. It is asked for again and again instead of waited for: a session that waits for a
 * lock holds a snapshot, and CREATE INDEX CONCURRENTLY in the holder would wait for that snapshot for ever.
 * @param waitMs Longest wait. 0: one try.
 * @param work Calls `keep` before each migration: one that releases all advisory locks, as DISCARD ALL does, releases
 * this one. `keep` takes it again and answers true when it had been lost.
 * @throws MigrationLockedError that names the holder.
 */
export async function withMigrationLock<T>(
  client: Client,
  waitMs: number,
  work: (keep: () => Promise<boolean>) => Promise<T>,
): Promise<T> {
  await takeLock(client, waitMs);
  try {
    return await work(async () => {
      if ((await findHolder(client))?.own) return false;
      await takeLock(client, waitMs);
      return true;
    });
  } finally {
    // A broken connection has lost the lock already.
    await client.query('SELECT pg_advisory_unlock($1, $2)', [...LOCK_KEY]).catch(() => undefined);
  }
}

async function takeLock(client: Client, waitMs: number): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!(await tryLock(client))) {
    if (Date.now() >= deadline) throw locked(waitMs, await findHolder(client));
    await sleep(Math.min(POLL_MS, Math.max(1, deadline - Date.now())));
  }
}

async function tryLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS locked', [
    ...LOCK_KEY,
  ]);
  return rows[0]?.locked === true;
}

async function findHolder(client: Client): Promise<Holder | undefined> {
  const { rows } = await client.query<Holder>(
    `SELECT l.pid, l.pid = pg_backend_pid() AS own, coalesce(a.application_name, 'unknown') AS application,
            coalesce(extract(epoch FROM clock_timestamp() - a.backend_start), 0)::int AS seconds
     FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [...LOCK_KEY],
  );
  return rows[0];
}

function locked(waitMs: number, holder: Holder | undefined): MigrationLockedError {
  const who = holder
    ? `backend ${holder.pid} (${holder.application}, connected for ${holder.seconds} s)`
    : 'a session that has just ended';
  return new MigrationLockedError(
    `Another process is migrating this database: ${who}; waited ${waitMs / 1000} s`,
    'Wait until it is done and run the command again, or give it longer with --lock-wait 5m.',
  );
}
