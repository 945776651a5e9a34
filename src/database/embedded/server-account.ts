import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { EmbeddedServerError } from './embedded.errors';

/** Operating-system user that the server runs as; undefined means: as whoever runs this process. */
export type ServerAccount = { readonly uid: number; readonly gid: number } | undefined;

/** PostgreSQL refuses to run as root, so root lends it one of these. */
const CANDIDATES = ['postgres', '_postgres', 'nobody'];

/**
 * Chooses the account. Root takes the owner of existing data, else the first known unprivileged user.
 * @param dataDir Folder of the cluster, which may not exist yet.
 */
export function serverAccount(dataDir: string): ServerAccount {
  if (process.getuid?.() !== 0) return undefined;
  if (existsSync(dataDir)) {
    const { uid, gid } = statSync(dataDir);
    if (uid !== 0) return { uid, gid };
  }
  for (const name of CANDIDATES) {
    const uid = numericId('-u', name);
    const gid = numericId('-g', name);
    if (uid && gid) return { uid, gid };
  }
  throw new EmbeddedServerError(
    'PostgreSQL does not run as root, and this system has no user postgres or nobody',
    'Run as an ordinary user, add a user named postgres, or set DB_HOST or DATABASE_URL.',
  );
}

/** Whether the account may pass through every folder above `path` (mode bits; access lists are not read). */
export function canReach(account: ServerAccount, path: string): boolean {
  if (!account) return true;
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    if (existsSync(folder)) {
      const { mode, uid, gid } = statSync(folder);
      const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return false;
    }
    if (folder === dirname(folder)) return true;
  }
}

function numericId(flag: '-u' | '-g', name: string): number | undefined {
  try {
    return Number.parseInt(
      execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
      10,
    );
  } catch {
    return undefined;
  }
}
