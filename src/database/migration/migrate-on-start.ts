import type { DatabaseOptions } from '../database.options';
import { migratorConfig } from './migration-session';
import { Migrator, type MigrationEvent } from './migrator';

/**
 * Applies this package's pending migrations while the application starts (`DB_MIGRATE_ON_START`, 000-19). Instances
 * that start at once wait for each other.
 * @returns Names of what was applied.
 */
export async function migrateOnStart(
  options: DatabaseOptions,
  onEvent?: (event: MigrationEvent) => void,
): Promise<string[]> {
  return new Migrator({ connection: migratorConfig(options), ...(onEvent ? { onEvent } : {}) }).migrate();
}
