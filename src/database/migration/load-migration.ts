import { createRequire } from 'node:module';
import type { MigrationDefinition } from './define-migration';
import { inFile, type MigrationFile } from './migration-files';
import { MigrationFileError } from './migration.errors';
import { parseSqlMigration, type SqlMigration } from './sql-migration';

/** A migration ready to run. */
export interface LoadedMigration extends SqlMigration {
  readonly file: MigrationFile;
  /** In ms. */
  readonly lockTimeout?: number;
}

/**
 * Reads what a file does. TypeScript needs a loader in the process, such as `node -r @swc-node/register`.
 * @throws MigrationFileError that names the file.
 */
export function loadMigration(file: MigrationFile): LoadedMigration {
  try {
    if (file.kind === 'sql') return { file, ...parseSqlMigration(file.text) };
    const { transaction = true, ...definition } = requireDefinition(file.path);
    return { file, transaction, ...definition };
  } catch (error) {
    throw inFile(file.path, error);
  }
}

function requireDefinition(path: string): MigrationDefinition {
  let loaded: { default?: Partial<MigrationDefinition> };
  try {
    loaded = createRequire(__filename)(path) as typeof loaded;
  } catch (cause) {
    throw new MigrationFileError(
      `The file cannot be loaded: ${cause instanceof Error ? cause.message : 'unknown error'}`,
      'Correct it. TypeScript needs a loader: node -r @swc-node/register, or compile it and set DB_MIGRATIONS_DIR to that.',
      { cause },
    );
  }
  const { up, down } = loaded.default ?? {};
  if (typeof up === 'function' && (typeof down === 'function' || typeof down?.irreversible === 'string')) {
    return loaded.default as MigrationDefinition;
  }
  throw new MigrationFileError(
    'The file has no "export default defineMigration({ up, down })"',
    'Give it an up, and a down or irreversible(reason).',
  );
}
