import { type DatabaseOptions, readOptions } from '../database/database.options';
import { startEmbeddedPostgres } from '../database/embedded/embedded-postgres';
import { onEmbedded } from '../database/open-database';

/**
 * Runs a command on the configured database. Without DB_HOST and DATABASE_URL that is the embedded server, which is
 * started for the length of the command when it does not run already.
 */
export async function withDatabase<T>(work: (options: DatabaseOptions) => Promise<T>): Promise<T> {
  const options = readOptions(process.env);
  if (!options.embedded.enabled) return work(options);
  const server = await startEmbeddedPostgres({ dir: options.embedded.dir });
  try {
    return await work(onEmbedded(options, server));
  } finally {
    await server.stop();
  }
}
