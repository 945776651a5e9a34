import type { DatabaseOptions } from '../database.options';
import { migratorConfig } from './migration-session';
import { migrationSources } from './migration-sources';
import { Migrator, type MigrationEvent } from './migrator';

/**
 * Applies the pending migrations of the package and of the application while it starts (`DB_MIGRATE_ON_START`,
 * 000-19). Instances that start at once wait for each other.
 * @returns Names of what was applied.
 */
export async function migrateOnStart(
  options: DatabaseOptions,
  onEvent?: (event: MigrationEvent) => void,
): Promise<string[]> {
  return new Migrator({
    connection: migratorConfig(options),
    sources: migrationSources(options),
    ...(onEvent ? { onEvent } : {}),
  }).migrate();
}
