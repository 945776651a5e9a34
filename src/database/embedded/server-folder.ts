import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { EmbeddedServerError } from './embedded.errors';
import { canReach, serverAccount, type ServerAccount } from './server-account';

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

const STORE_PREFIX = 'phi-postgres-';

/**
 * Prepares the folder. Below a folder that the server's account may not enter (a checkout in /root), the data goes to
 * a folder of its own under /var/lib or the system's temporary folder, which is remembered in `location`.
 * @throws EmbeddedServerError when the folder cannot be made or written.
 */
export function openServerFolder(dir: string): ServerFolder {
  const root = resolve(dir);
  let made: string | undefined;
  try {
    made = mkdirSync(root, { recursive: true });
    accessSync(root, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new EmbeddedServerError(
      `${root} cannot be made or written`,
      'Set DB_EMBEDDED_DIR to a folder you may write.',
      { cause },
    );
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

/** Gives a file or folder to the account of the server. */
export function handOver(path: string, account: ServerAccount): void {
  if (account) chownSync(path, account.uid, account.gid);
}

function readLocation(root: string): string | undefined {
  const file = join(root, 'location');
  if (!existsSync(file)) return undefined;
  const store = readFileSync(file, 'utf8').trim();
  // Reset deletes the store, so a text that names any other folder is not believed.
  return basename(store).startsWith(STORE_PREFIX) && existsSync(store) ? store : undefined;
}

function makeStoreElsewhere(root: string): string {
  for (const parent of ['/var/lib', tmpdir()]) {
    try {
      const store = mkdtempSync(join(parent, STORE_PREFIX));
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
