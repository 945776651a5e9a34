import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import { packageRoot } from './package-root';

/** Passwords that the bootstrap gives to the two logins. */
export interface LoginPasswords {
  readonly app: string;
  readonly migrator: string;
}

/** Logins made by `migrations/bootstrap/roles-and-extensions.sql`. */
export const APP_LOGIN = 'phi_app';
export const MIGRATOR_LOGIN = 'phi_migrator';

/** Creates the database when it is missing. `admin` connects to any other database of the server. */
export async function createDatabase(admin: ClientConfig, name: string): Promise<void> {
  await withClient(admin, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  });
}

/**
 * Makes roles, extensions and schemas in the database that `admin` connects to. Safe to repeat; two at once on one
 * database wait for each other.
 */
export async function bootstrapDatabase(admin: ClientConfig, passwords: LoginPasswords): Promise<void> {
  const sql = readFileSync(join(packageRoot(), 'migrations', 'bootstrap', 'roles-and-extensions.sql'), 'utf8');
  await withClient(admin, async (client) => {
    await client.query(`SELECT pg_advisory_lock(hashtext('phi:bootstrap'))`);
    await client.query(
      `SELECT set_config('bootstrap.app_password', $1, false), set_config('bootstrap.migrator_password', $2, false)`,
      [passwords.app, passwords.migrator],
    );
    await client.query(sql);
  });
}

/** Opens a connection for the length of `work`. */
export async function withClient<T>(config: ClientConfig, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(config);
  // A connection cut by a stopping server is reported by the statement that fails.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
