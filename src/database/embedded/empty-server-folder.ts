import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findCredentials, holdsCluster } from './credentials';
import { EmbeddedServerError } from './embedded.errors';
import type { ServerFolder } from './server-folder';

/** Names that anybody may use for what cannot be made again. */
const PRECIOUS = ['data', 'data.new', 'binaries', 'credentials.json'];
const OWN_NAMES = [...PRECIOUS, 'password.new', 'server.json', 'location', 'postgres.log'];

/**
 * Removes all data, passwords and logs; the folder itself stays. The caller holds the lock.
 * @throws EmbeddedServerError when nothing shows that an embedded server made what would be deleted.
 */
export function emptyServerFolder(folder: ServerFolder): void {
  const inRoot = (name: string): string => join(folder.root, name);
  const proven = holdsCluster(folder) || findCredentials(folder) !== undefined;
  if (!proven && PRECIOUS.some((name) => existsSync(inRoot(name)))) {
    throw new EmbeddedServerError(
      `${folder.root} is not the folder of an embedded server; nothing was deleted`,
      'Set DB_EMBEDDED_DIR to the right folder, or delete by hand.',
    );
  }
  if (folder.store !== folder.root) rmSync(folder.store, { recursive: true, force: true });
  for (const name of OWN_NAMES) rmSync(inRoot(name), { recursive: true, force: true });
}
