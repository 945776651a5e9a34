import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot } from '../embedded/package-root';
import { migrationChecksum } from './migration-checksum';
import { MigrationFileError } from './migration.errors';

/** A migration on disk. */
export interface MigrationFile {
  /** File name without extension, for example `0002-create-users`; its identity in the history. */
  readonly name: string;
  readonly number: number;
  readonly path: string;
  readonly kind: 'sql' | 'code';
  readonly text: string;
  readonly checksum: string;
}

/** Anything else in the folder (specs, helpers, notes, declarations) is not a migration (D24). */
const MIGRATION_NAME = /^(\d{4})-[a-z0-9]+(?:-[a-z0-9]+)*\.(sql|ts|js)$/;

/** Folder of the migrations that this package brings. */
export function packageMigrations(): string {
  return join(packageRoot(), 'migrations');
}

/**
 * Lists the migrations of one or more folders by number.
 * @throws MigrationFileError when a folder is missing, or two files have one number.
 */
export function findMigrations(directories: readonly string[]): MigrationFile[] {
  const files = directories.flatMap(listFolder).sort((left, right) => left.number - right.number);
  files.forEach((file, index) => {
    const next = files[index + 1];
    if (next?.number !== file.number) return;
    throw new MigrationFileError(
      `${file.path} and ${next.path} have the same number`,
      'Give the newer one the next free number; db:create-migration does so by itself.',
    );
  });
  return files;
}

function listFolder(directory: string): MigrationFile[] {
  const folder = resolve(directory);
  if (!existsSync(folder))
    throw new MigrationFileError(`There is no folder ${folder}`, 'Give an existing one with --dir.');
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const [, number, extension] = MIGRATION_NAME.exec(entry.name) ?? [];
    return number && entry.isFile()
      ? [readMigration(join(folder, entry.name), Number(number), extension === 'sql' ? 'sql' : 'code')]
      : [];
  });
}

function readMigration(path: string, number: number, kind: MigrationFile['kind']): MigrationFile {
  const text = readFileSync(path, 'utf8');
  const name = path.replace(/^.*[\\/]/, '').replace(/\.\w+$/, '');
  try {
    return { name, number, path, kind, text, checksum: migrationChecksum(text, kind) };
  } catch (error) {
    throw inFile(path, error);
  }
}

/** Adds the path to an error of the file's text. */
export function inFile(path: string, error: unknown): unknown {
  return error instanceof MigrationFileError ? new MigrationFileError(`${path}: ${error.message}`, error.hint) : error;
}
