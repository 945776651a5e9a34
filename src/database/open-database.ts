import { verifyConnection } from './connection/verify-connection';
import { ConfigurationError } from './database.errors';
import { type DatabaseModuleOptions, type DatabaseOptions, readOptions } from './database.options';
import { type EmbeddedServer, startEmbeddedPostgres } from './embedded/embedded-postgres';
import { migrateOnStart } from './migration/migrate-on-start';
import { DEFAULT_DATA_SOURCE } from './transaction/data-source-token';

/** The database that an application runs on. */
export interface OpenDatabase {
  readonly options: DatabaseOptions;
  /** Set when this process uses an embedded server. */
  readonly embedded?: EmbeddedServer;
}

/**
 * Finds the database before anything connects to it: reads the options, starts the embedded server when no host is
 * given, applies pending migrations where asked, and tries the application's login.
 * @param name Of the data source. A named one reads no variables but NODE_ENV and DB_EMBEDDED_DIR; without a host it is
 * the database `phi_<name>` of the embedded server.
 * @throws ConfigurationError, UnavailableError, or the migration's error; the boot stops.
 */
export async function openDatabase(
  overrides: DatabaseModuleOptions = {},
  name = DEFAULT_DATA_SOURCE,
): Promise<OpenDatabase> {
  const isDefault = name === DEFAULT_DATA_SOURCE;
  const read = isDefault ? readOptions(process.env, overrides) : readNamed(overrides, name);
  const embedded = read.embedded.enabled
    ? await startEmbeddedPostgres({ dir: read.embedded.dir, ...(isDefault ? {} : { database: read.database }) })
    : undefined;
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

function readNamed(overrides: DatabaseModuleOptions, name: string): DatabaseOptions {
  const { NODE_ENV, DB_EMBEDDED_DIR } = process.env;
  const read = readOptions({ NODE_ENV, DB_EMBEDDED_DIR }, overrides);
  if (!read.embedded.enabled) return read;
  if (read.production) {
    throw new ConfigurationError(
      `The data source ${name} has no host`,
      'Give forRoot its host: variables such as DB_HOST are for the default source.',
    );
  }
  return { ...read, database: overrides.database ?? `phi_${name}` };
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
