import { Client, type ClientConfig } from 'pg';
import { connectFailure, type ConnectFailure } from '../connection/connect-failure';
import { sqlStateOf } from '../connection/error-mapper';
import { ConfigurationError, DatabaseError, UnavailableError } from '../database.errors';
import type { DatabaseOptions } from '../database.options';

const OWNER = 'phi_owner';
const STATEMENT_TIMEOUT_MS = 15 * 60_000;

/** The runner's own connection: direct, as the migrator, outside the pool. */
export interface MigrationSession {
  readonly client: Client;
  /** Back to a known state: the previous migration may have left a role, a search path or a timeout. */
  reset(): Promise<void>;
}

/** How the migrator connects. */
export function migratorConfig(options: DatabaseOptions): ClientConfig {
  return {
    host: options.host,
    port: options.port,
    database: options.database,
    user: options.migrator.username,
    password: options.migrator.password,
    ssl: options.ssl,
    connectionTimeoutMillis: options.pool.connectionTimeoutMs,
    application_name: `phi-db ${process.pid}`,
    keepAlive: true,
  };
}

/**
 * Opens the connection, acts as `phi_owner` where the login may (so that every object has one owner), and closes it.
 * @throws UnavailableError when the server cannot be reached. ConfigurationError when it refuses the login or TLS, when
 * the database was not prepared, and behind a pooler.
 */
export async function withMigrationSession<T>(
  config: ClientConfig,
  work: (session: MigrationSession) => Promise<T>,
): Promise<T> {
  const client = new Client(config);
  // A connection that is cut is reported by the statement that fails.
  client.on('error', () => undefined);
  try {
    await client.connect().catch((cause: unknown) => {
      throw unreachable(config, cause);
    });
    await refusePooler(client);
    const owner = await mayBecomeOwner(client);
    const reset = async (): Promise<void> => {
      await client.query(
        `RESET ALL; RESET ROLE; SET statement_timeout = ${STATEMENT_TIMEOUT_MS}; ${owner ? `SET ROLE ${OWNER}` : ''}`,
      );
    };
    await reset();
    return await work({ client, reset });
  } catch (error) {
    throw explain(config, error);
  } finally {
    await client.end();
  }
}

/**
 * A pooler answers the connection with a process id of its own. Behind one the advisory lock of this session would
 * belong to a connection that is shared with others.
 */
async function refusePooler(client: Client): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  if (rows[0]?.pid === (client as unknown as { processID: number }).processID) return;
  throw new ConfigurationError(
    'Migrations were pointed at a connection pooler',
    'Give the address of PostgreSQL itself in DB_HOST and DB_PORT, or DATABASE_URL, for this command.',
  );
}

/** A plan reads nothing that would fail without the schema. @throws ConfigurationError */
export async function refuseUnprepared(client: Client): Promise<void> {
  const { rows } = await client.query<{ found: boolean }>(`SELECT to_regnamespace('phi') IS NOT NULL AS found`);
  if (rows[0]?.found !== true) throw unprepared();
}

function unprepared(context?: { readonly cause?: unknown; readonly sqlState?: string }): ConfigurationError {
  return new ConfigurationError(
    'The database has not been prepared: there is no schema phi',
    'A DBA runs migrations/bootstrap/roles-and-extensions.sql once; the embedded server does so by itself.',
    context,
  );
}

async function mayBecomeOwner(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ member: boolean }>(
    `SELECT pg_has_role(session_user, oid, 'MEMBER') AS member FROM pg_roles WHERE rolname = $1`,
    [OWNER],
  );
  return rows[0]?.member === true;
}

/** What a migration's own statements throw has been explained already; this is about the runner's. */
function explain(config: ClientConfig, error: unknown): unknown {
  if (error instanceof DatabaseError) return error;
  const { code, message } = error as { code?: string; message?: string };
  if (code === '3F000') {
    return unprepared({ cause: error, sqlState: code });
  }
  if (code === '42501') {
    return new ConfigurationError(
      `The login ${config.user} may not do this in the schema phi (SQLSTATE 42501)`,
      'Set DB_MIGRATOR_USERNAME and DB_MIGRATOR_PASSWORD to a member of phi_owner, such as phi_migrator.',
      { cause: error, sqlState: code },
    );
  }
  if (code?.startsWith('08') || code?.startsWith('57P') || message?.startsWith('Connection terminated')) {
    return new UnavailableError(
      'The connection to PostgreSQL was lost',
      'Run db:status to see what was applied, then the command again.',
      {
        cause: error,
      },
    );
  }
  return error;
}

function unreachable(config: ClientConfig, cause: unknown): Error {
  const { kind, text } = connectFailure(cause, config.user);
  const message = `PostgreSQL at ${config.host}:${config.port}/${config.database} ${text}`;
  const sqlState = sqlStateOf(cause);
  const context = { cause, ...(sqlState ? { sqlState } : {}) };
  // Anything but silence is an answer of the server: the configuration is wrong, and waiting does not help.
  if (kind === 'unreachable') return new UnavailableError(message, HINTS[kind], context);
  return new ConfigurationError(message, HINTS[kind], context);
}

const HINTS: Readonly<Record<ConnectFailure['kind'], string>> = {
  login: 'Check DB_MIGRATOR_USERNAME, DB_MIGRATOR_PASSWORD and DB_NAME, and that the bootstrap SQL was run.',
  'no password': 'Set DB_MIGRATOR_PASSWORD, or DB_PASSWORD where DB_MIGRATOR_USERNAME is not set.',
  'no TLS': 'Switch TLS on at the server, or remove DB_SSL where the network is trusted.',
  TLS: 'Check DB_SSL_CA, and that DB_HOST is a name of the certificate.',
  database: 'Check DB_NAME, and that the bootstrap SQL was run.',
  unreachable: 'Start it, or correct DB_HOST and DB_PORT.',
};
