import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedServerError } from './embedded.errors';
import type { ServerFolder } from './server-folder';

/** Passwords of the embedded server, kept in `credentials.json`, readable by the owner only. */
export interface Credentials {
  readonly superuser: string;
  readonly app: string;
  readonly migrator: string;
}

/**
 * Reads the passwords, or makes them before the first start.
 * @throws EmbeddedServerError when there is data without passwords, or the folder is somebody else's.
 */
export function openCredentials(folder: ServerFolder): Credentials {
  const found = findCredentials(folder);
  if (found) return found;
  const file = join(folder.root, 'credentials.json');
  if (holdsCluster(folder)) {
    throw new EmbeddedServerError(
      `${file} is gone or damaged; the data cannot be opened`,
      'Restore the file, or run db:reset --yes to begin anew.',
    );
  }
  const foreign = [file, folder.data].find((path) => existsSync(path));
  if (foreign) {
    throw new EmbeddedServerError(
      `${foreign} was not made by an embedded server`,
      'Set DB_EMBEDDED_DIR to another folder.',
    );
  }
  const credentials = { superuser: password(), app: password(), migrator: password() };
  const temporary = `${file}.new`;
  writeFileSync(temporary, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
  return credentials;
}

/** The passwords in the folder; undefined where there are none, or the file holds something else. */
export function findCredentials({ root }: ServerFolder): Credentials | undefined {
  try {
    const found = JSON.parse(readFileSync(join(root, 'credentials.json'), 'utf8')) as Partial<Credentials>;
    const { superuser, app, migrator } = found;
    return superuser && app && migrator ? { superuser, app, migrator } : undefined;
  } catch {
    // The parser's error quotes the text.
    return undefined;
  }
}

/** Whether the data is a PostgreSQL cluster. */
export function holdsCluster({ data }: ServerFolder): boolean {
  return existsSync(join(data, 'PG_VERSION'));
}

function password(): string {
  return randomBytes(24).toString('base64url');
}
