import { Client } from 'pg';
import type { DatabaseOptions } from '../database.options';
import { ConfigurationError, UnavailableError } from '../database.errors';
import { sqlStateOf } from './error-mapper';

/**
 * Connects once as the application, while it starts: a database that is not there, or a login that row security does
 * not bind, stops the boot (004-08).
 * @throws UnavailableError when the server cannot be reached or refuses the login.
 * @throws ConfigurationError when the login is, or may become, a superuser or the migrator, or bypasses row security.
 */
export async function verifyConnection(options: DatabaseOptions): Promise<void> {
  const client = new Client({
    host: options.host,
    port: options.port,
    database: options.database,
    user: options.username,
    password: options.password,
    ssl: options.ssl,
    connectionTimeoutMillis: options.pool.connectionTimeoutMs,
    query_timeout: options.statementTimeoutMs,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ unbound: boolean }>(
      `SELECT bool_or(rolsuper OR rolbypassrls OR rolname IN ('phi_owner', 'phi_migrator')) AS unbound
      FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')`,
    );
    if (rows[0]?.unbound) {
      throw new ConfigurationError(
        'The application logs in as a superuser, the migrator or with BYPASSRLS, so row security cannot keep clinics apart',
        'Use the login phi_app (DB_USERNAME); the bootstrap file in migrations/bootstrap makes it.',
      );
    }
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new UnavailableError(`PostgreSQL at ${options.host}:${options.port} ${reason(error)}`, 'Check DB_HOST, DB_PORT, DB_NAME, the login and DB_SSL.', {
      sqlState: sqlStateOf(error),
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}

function reason(error: unknown): string {
  const state = sqlStateOf(error);
  if (state === '28P01' || state === '28000') return 'refuses the login';
  if (state === '3D000') return 'has no such database';
  const { code, message } = error as { code?: string; message?: string };
  if (/certificate|self.signed|altnames|SSL|TLS/i.test(`${code} ${message}`)) return 'could not be verified by TLS';
  return `cannot be reached${code ? ` (${code})` : ''}`;
}
