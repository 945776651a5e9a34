/** All that a migration may do: statements on the runner's connection, inside the runner's transaction. */
export interface MigrationContext {
  /**
   * Runs one statement.
   * @param sql Text with `$1`, `$2` for values.
   * @returns The rows.
   */
  query<Row = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<readonly Row[]>;
}

export type MigrationStep = (context: MigrationContext) => Promise<void>;

/** The way back of a migration that has none; made by `irreversible`. */
export interface Irreversible {
  readonly irreversible: string;
}

/** A migration in TypeScript. */
export interface MigrationDefinition {
  readonly up: MigrationStep;
  /** How to undo it; required, so that nobody forgets to decide. */
  readonly down: MigrationStep | Irreversible;
  /** `false` for what PostgreSQL refuses in a transaction, such as CREATE INDEX CONCURRENTLY. Default true. */
  readonly transaction?: boolean;
  /** How long one statement waits for a lock, in ms. Default 2000. */
  readonly lockTimeout?: number;
}

/**
 * Declares a migration; the file's default export.
 *
 * @example
 * export default defineMigration({
 *   up: async ({ query }) => { await query('ALTER TABLE students ADD COLUMN nickname text'); },
 *   down: async ({ query }) => { await query('ALTER TABLE students DROP COLUMN nickname'); },
 * });
 */
export function defineMigration(definition: MigrationDefinition): MigrationDefinition {
  return definition;
}

/** Says that a migration cannot be undone. `db:rollback` refuses it and shows the reason. */
export function irreversible(reason: string): Irreversible {
  return { irreversible: reason };
}
