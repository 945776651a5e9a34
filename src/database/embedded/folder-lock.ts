import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedServerError } from './embedded.errors';
import { isRunning, processIdentity, type ProcessIdentity } from './process-identity';

const WAIT_MS = 60_000;
const POLL_MS = 50;

/**
 * Runs `work` while no other process starts or stops the server of the same folder. A lock left by a process that died
 * is taken over.
 * @throws EmbeddedServerError when a living process keeps the lock for a minute.
 */
export async function withFolderLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  while (!tryLock(file)) {
    if (Date.now() > deadline) {
      throw new EmbeddedServerError(
        `Process ${readHolder(file)?.pid ?? 'unknown'} has been starting or stopping the embedded server for a minute`,
        `Wait for it or end it; then remove ${file} if it is still there.`,
      );
    }
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** The name is linked to a file that is already complete, so nobody reads half a lock. */
function tryLock(file: string): boolean {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify(processIdentity()), { mode: 0o600 });
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    removeIfStale(file, own);
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Renaming lets one process only take a dead holder's lock away; a lock that came alive meanwhile is put back. */
function removeIfStale(file: string, own: string): void {
  const holder = readHolder(file);
  if (!holder || isRunning(holder)) return;
  const moved = `${own}.stale`;
  try {
    renameSync(file, moved);
    const found = readHolder(moved);
    if (found && isRunning(found)) linkSync(moved, file);
  } catch {
    // Another process was faster.
  } finally {
    rmSync(moved, { force: true });
  }
}

/** Undefined when the lock has just gone. */
function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
