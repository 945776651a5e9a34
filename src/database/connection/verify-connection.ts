import { Client, type ClientConfig } from 'pg';
import type { DatabaseOptions } from '../database.options';
import { ConfigurationError, UnavailableError } from '../database.errors';
import { connectFailure, type ConnectFailure } from './connect-failure';
import { sqlStateOf } from './error-mapper';

/**
 * Connects once as the application, while it starts: a database that is not there, or a login that row security does
 * not bind, stops the boot (004-08).
 * @throws UnavailableError when the server cannot be reached or refuses the login.
 * @throws ConfigurationError when the login is, or may become, a superuser or the migrator, or bypasses row security.
 */
export async function verifyConnection(options: DatabaseOptions): Promise<void> {
  const client = new Client({
    ...loginConfig(options),
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
    const { kind, text } = connectFailure(error, options.username);
    throw new UnavailableError(`PostgreSQL at ${options.host}:${options.port} ${text}`, HINTS[kind], {
      sqlState: sqlStateOf(error),
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Where and as whom the application connects, for a client outside the pool. */
export function loginConfig(options: DatabaseOptions): ClientConfig {
  return {
    host: options.host,
    port: options.port,
    database: options.database,
    user: options.username,
    password: options.password,
    ssl: options.ssl,
  };
}

const HINTS: Readonly<Record<ConnectFailure['kind'], string>> = {
  login: 'Check DB_USERNAME, DB_PASSWORD and DB_NAME, and that the bootstrap SQL was run.',
  'no password': 'Set DB_PASSWORD.',
  'no TLS': 'Switch TLS on at the server, or remove DB_SSL where the network is trusted.',
  TLS: 'Check DB_SSL_CA, and that DB_HOST is a name of the certificate.',
  database: 'Check DB_NAME, and DB_HOST and DB_PORT.',
  unreachable: 'Start it, or correct DB_HOST and DB_PORT; check DB_SSL too.',
};
