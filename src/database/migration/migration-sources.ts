import type { DatabaseOptions } from '../database.options';
import type { MigrationSources } from './migration-files';

/** The package's own folder, and the application's where the options name one. */
export function migrationSources(options: Pick<DatabaseOptions, 'migrations'>): MigrationSources {
  return options.migrations?.dir === undefined ? {} : { application: options.migrations.dir };
}
