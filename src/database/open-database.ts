import { verifyConnection } from './connection/verify-connection';
import { type DatabaseModuleOptions, type DatabaseOptions, readOptions } from './database.options';
import { type EmbeddedServer, startEmbeddedPostgres } from './embedded/embedded-postgres';
import { migrateOnStart } from './migration/migrate-on-start';

/** The database that an application runs on. */
export interface OpenDatabase {
  readonly options: DatabaseOptions;
  /** Set when this process uses an embedded server. */
  readonly embedded?: EmbeddedServer;
}

/**
 * Finds the database before anything connects to it: reads the options, starts the embedded server when no host is
 * given, applies pending migrations where asked, and tries the application's login.
 * @throws ConfigurationError, UnavailableError, or the migration's error; the boot stops.
 */
export async function openDatabase(overrides: DatabaseModuleOptions = {}): Promise<OpenDatabase> {
  const read = readOptions(process.env, overrides);
  const embedded = read.embedded.enabled ? await startEmbeddedPostgres({ dir: read.embedded.dir }) : undefined;
  const options = embedded ? onEmbedded(read, embedded) : read;
  try {
    if (options.migrateOnStart) await migrateOnStart(options);
    await verifyConnection(options);
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
  return { options, ...(embedded ? { embedded } : {}) };
}

/** Points the options at the embedded server. */
export function onEmbedded(options: DatabaseOptions, server: EmbeddedServer): DatabaseOptions {
  return {
    ...options,
    host: server.host,
    port: server.port,
    database: server.database,
    username: server.appUser,
    password: server.appPassword,
    migrator: { username: server.migratorUser, password: server.migratorPassword },
    ssl: false,
  };
}
