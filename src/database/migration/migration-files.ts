import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot } from '../embedded/package-root';
import { migrationChecksum } from './migration-checksum';
import { MigrationFileError } from './migration.errors';

/** Whose migration it is. The package's come first; each source counts its own numbers and has its own history. */
export type MigrationSource = 'package' | 'application';

/** Folders of migrations. */
export interface MigrationSources {
  /** Default: the folder that this package brings. */
  readonly package?: string;
  /** The application's own folder (`DB_MIGRATIONS_DIR`), relative to the working directory. Default: none. */
  readonly application?: string;
}

/** A migration on disk. */
export interface MigrationFile {
  readonly source: MigrationSource;
  /** File name without extension, for example `0002-create-users`; with `source` its identity in the history. */
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

/** How messages and commands name a migration: `0002-create-users`, or `application:0001-add-nickname`. */
export function migrationId({ source, name }: Pick<MigrationFile, 'source' | 'name'>): string {
  return source === 'package' ? name : `${source}:${name}`;
}

/**
 * Lists the migrations of all sources in their order: the package's by number, then the application's by number.
 * @throws MigrationFileError when a folder is missing, or two files of one source have one number.
 */
export function findMigrations(sources: MigrationSources): MigrationFile[] {
  const own = findFolder(sources.package ?? packageMigrations(), 'package');
  return sources.application === undefined ? own : [...own, ...findFolder(sources.application, 'application')];
}

/**
 * Lists the migrations of one folder by number.
 * @throws MigrationFileError as `findMigrations`.
 */
export function findFolder(directory: string, source: MigrationSource): MigrationFile[] {
  const files = listFolder(directory, source).sort((left, right) => left.number - right.number);
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

function listFolder(directory: string, source: MigrationSource): MigrationFile[] {
  const folder = resolve(directory);
  if (!existsSync(folder))
    throw new MigrationFileError(`There is no folder ${folder}`, 'Name an existing one by DB_MIGRATIONS_DIR or --dir.');
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const [, number, extension] = MIGRATION_NAME.exec(entry.name) ?? [];
    return number && entry.isFile()
      ? [readMigration(source, join(folder, entry.name), Number(number), extension === 'sql' ? 'sql' : 'code')]
      : [];
  });
}

function readMigration(
  source: MigrationSource,
  path: string,
  number: number,
  kind: MigrationFile['kind'],
): MigrationFile {
  const text = readFileSync(path, 'utf8');
  const name = path.replace(/^.*[\\/]/, '').replace(/\.\w+$/, '');
  try {
    return { source, name, number, path, kind, text, checksum: migrationChecksum(text, kind) };
  } catch (error) {
    throw inFile(path, error);
  }
}

/** Adds the path to an error of the file's text. */
export function inFile(path: string, error: unknown): unknown {
  return error instanceof MigrationFileError ? new MigrationFileError(`${path}: ${error.message}`, error.hint) : error;
}
