import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EmbeddedServerError } from './embedded.errors';
import { canReach, serverAccount, type ServerAccount } from './server-account';

/** Passwords of the embedded server, kept in `credentials.json`, readable by the owner only. */
export interface Credentials {
  readonly superuser: string;
  readonly app: string;
  readonly migrator: string;
}

/** Where everything of one embedded server lies. */
export interface ServerFolder {
  /** What the caller named, absolute. */
  readonly root: string;
  /** Folder of data and of a copy of the binaries; differs from `root` where the server's account cannot reach it. */
  readonly store: string;
  readonly data: string;
  readonly log: string;
  readonly lock: string;
  readonly account: ServerAccount;
}

/**
 * Prepares the folder. Below a folder that the server's account may not enter (a checkout in /root), the data goes to
 * a folder of its own under /var/lib or the system's temporary folder, which is remembered in `location`.
 */
export function openServerFolder(dir: string): ServerFolder {
  const root = resolve(dir);
  let made: string | undefined;
  try {
    made = mkdirSync(root, { recursive: true });
  } catch (cause) {
    throw new EmbeddedServerError(`${root} cannot be made`, 'Set DB_EMBEDDED_DIR to a folder you may write.', {
      cause,
    });
  }
  let store = readLocation(root) ?? root;
  const account = serverAccount(join(store, 'data'));
  if (account && store === root) {
    // A folder that was there before keeps the mode its owner gave it.
    if (made) chmodSync(root, 0o711);
    if (!canReach(account, join(root, 'x'))) store = makeStoreElsewhere(root);
  }
  return { root, store, data: join(store, 'data'), log: join(root, 'postgres.log'), lock: join(root, 'lock'), account };
}

/** Reads the passwords, or makes them before the first start. */
export function openCredentials(folder: ServerFolder): Credentials {
  const file = join(folder.root, 'credentials.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Credentials;
  if (existsSync(folder.data)) {
    throw new EmbeddedServerError(`${file} is gone; the data cannot be opened`, 'Run db:reset --yes to begin anew.');
  }
  const credentials = { superuser: password(), app: password(), migrator: password() };
  const temporary = `${file}.new`;
  writeFileSync(temporary, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
  return credentials;
}

/** Gives a file or folder to the account of the server. */
export function handOver(path: string, account: ServerAccount): void {
  if (account) chownSync(path, account.uid, account.gid);
}

/** Removes all data, passwords and logs; the folder itself stays. The caller holds the lock. */
export function emptyServerFolder(folder: ServerFolder): void {
  if (folder.store !== folder.root) rmSync(folder.store, { recursive: true, force: true });
  for (const name of ['data', 'data.new', 'binaries', 'credentials.json', 'server.json', 'location', 'postgres.log']) {
    rmSync(join(folder.root, name), { recursive: true, force: true });
  }
}

function readLocation(root: string): string | undefined {
  const file = join(root, 'location');
  if (!existsSync(file)) return undefined;
  const store = readFileSync(file, 'utf8').trim();
  return existsSync(store) ? store : undefined;
}

function makeStoreElsewhere(root: string): string {
  for (const parent of ['/var/lib', tmpdir()]) {
    try {
      const store = mkdtempSync(join(parent, 'phi-postgres-'));
      chmodSync(store, 0o711);
      writeFileSync(join(root, 'location'), `${store}\n`);
      process.stderr.write(`The user of the embedded server may not enter ${root}; its data lies in ${store}.\n`);
      return store;
    } catch {
      // A read-only system has no writable /var/lib.
    }
  }
  throw new EmbeddedServerError(
    `The user of the embedded server may not enter ${root}`,
    'Set DB_EMBEDDED_DIR to another folder.',
  );
}

function password(): string {
  return randomBytes(24).toString('base64url');
}
