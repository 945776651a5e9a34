import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { ConfigurationError } from '../database.errors';
import { packageRoot } from '../embedded/package-root';
import { findFolder, packageMigrations } from './migration-files';
import { MigrationFileError } from './migration.errors';

const SQL = `-- migrate:up


-- migrate:down

`;

/** Only the type is imported: a migration stays as it is, whatever becomes of the code around it. */
const TYPESCRIPT = `import type { MigrationDefinition } from '{{import}}';

export default {
  up: async ({ query }) => {
    await query('');
  },
  down: async ({ query }) => {
    await query('');
  },
} satisfies MigrationDefinition;
`;

/**
 * Writes an empty migration with the next free number.
 * @param title Words, for example `add nickname to students`.
 * @param directory Where it goes; made when missing.
 * @returns Path of the file.
 * @throws MigrationFileError when the title holds no letter or digit.
 */
export function createMigration(title: string, directory: string, kind: 'sql' | 'ts' = 'sql'): string {
  const name = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  if (name === '')
    throw new MigrationFileError('The name of the migration is empty', 'Use letters and digits, such as add-nickname.');
  mkdirSync(directory, { recursive: true });
  const last = findFolder(directory, 'application').at(-1)?.number ?? 0;
  const path = join(directory, `${String(last + 1).padStart(4, '0')}-${name}.${kind}`);
  if (existsSync(path)) throw new MigrationFileError(`${path} exists`, 'Choose another name.');
  // In this repository the types come from the sources, elsewhere from the package.
  const types = existsSync(join(directory, '..', 'src', 'database', 'migration'))
    ? '../src/database/migration/define-migration'
    : 'nestjs-phi-database';
  writeFileSync(path, kind === 'sql' ? SQL : TYPESCRIPT.replace('{{import}}', types), { flag: 'wx' });
  return path;
}

/**
 * Where a new migration goes: the application's folder, or in the package's own repository the package's.
 * @param dir `DB_MIGRATIONS_DIR` or `--dir`.
 * @param root Folder of this package.
 * @throws ConfigurationError when the package is installed and no folder was named: an update would delete the file.
 */
export function newMigrationFolder(dir: string | undefined, root = packageRoot()): string {
  if (dir !== undefined) return dir;
  if (!root.split(sep).includes('node_modules')) return packageMigrations();
  throw new ConfigurationError(
    'There is no folder for migrations of the application',
    'Set DB_MIGRATIONS_DIR, for example to ./migrations, or give --dir.',
  );
}
