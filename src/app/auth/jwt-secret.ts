import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '../../database/database.errors';
import type { DatabaseOptions } from '../../database/database.options';

/** A key of HS256 is at least as long as its hash (RFC 7518, 3.2). */
const MIN_BYTES = 32;

/**
 * The key that signs and verifies tokens.
 * @param given JWT_SECRET. With the embedded server, outside production, a key of its own is kept in that server's folder
 * instead, so that the application and `npm run token` agree without any set-up.
 * @throws ConfigurationError where a key is required or too short.
 */
export function readJwtSecret(
  given: string | undefined,
  database: Pick<DatabaseOptions, 'embedded' | 'production'>,
): string {
  if (given) {
    const bytes = Buffer.byteLength(given);
    if (bytes >= MIN_BYTES) return given;
    throw new ConfigurationError(
      `JWT_SECRET has ${bytes} bytes`,
      `Give it at least ${MIN_BYTES}: openssl rand -base64 48`,
    );
  }
  if (database.production || !database.embedded.enabled) {
    throw new ConfigurationError(
      'JWT_SECRET is not set',
      `It is needed ${database.production ? 'in production' : 'with a database server of your own'}: openssl rand -base64 48`,
    );
  }
  return developmentSecret(database.embedded.dir);
}

/** Reads the key of the folder, or makes it. Two processes that start at once end with the same one. */
function developmentSecret(dir: string): string {
  const file = join(dir, 'jwt-secret');
  const existing = readIfThere(file);
  if (existing) return existing;
  // The account of the embedded server must be able to pass through the folder.
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, randomBytes(48).toString('base64url'), { mode: 0o600 });
  try {
    // A link appears whole or not at all, and never replaces one that was faster.
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(file, 'utf8');
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
