import type { MigrationFile } from './migration-files';
import { MigrationFileError } from './migration.errors';

/**
 * Finds what `--to` names: the name, or the number with or without leading zeros, either with `package:` or
 * `application:` before it.
 * @returns Its place among the files.
 * @throws MigrationFileError when there is none, or one in each source.
 */
export function findTarget(files: readonly MigrationFile[], wanted: string): number {
  const [, source, rest = wanted] = /^(package|application):(.*)$/.exec(wanted) ?? [];
  const found = files.filter(
    (file) =>
      (source === undefined || file.source === source) &&
      (file.name === rest || String(file.number) === rest.replace(/^0+(?=\d)/, '')),
  );
  const [first, second] = found;
  if (!first) throw new MigrationFileError(`There is no such migration: ${wanted}`, 'db:status lists the names.');
  if (second) {
    throw new MigrationFileError(
      `Both the package and the application have a migration ${wanted}`,
      `Say which one: package:${wanted} or application:${wanted}.`,
    );
  }
  return files.indexOf(first);
}
