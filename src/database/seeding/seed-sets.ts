import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Seed } from './define-seed';
import { SeedNotFoundError } from './seed.errors';

const ALIASES: Readonly<Record<string, string>> = { dev: 'development' };

/** The only set that a production database takes: codes and names that the application needs. */
export const REFERENCE_SET = 'reference';

/** Seeds of this package: `seeders` beside `src`, or beside `dist/src` when built. */
export function packageSeeders(): string {
  return join(__dirname, '..', '..', '..', 'seeders');
}

/** Full name of a set. */
export function seedSetName(name: string): string {
  return ALIASES[name] ?? name;
}

/**
 * Loads the seeds of a set in their order.
 * @param directory Folder that holds one folder per set.
 * @throws SeedNotFoundError that lists the sets there are.
 */
export function loadSeedSet(name: string, directory = packageSeeders()): Seed[] {
  const folder = join(directory, seedSetName(name));
  const file = ['index.js', 'index.ts'].map((index) => join(folder, index)).find((path) => existsSync(path));
  if (!file) {
    throw new SeedNotFoundError(
      `There is no seed set ${name}`,
      `Sets in ${directory}: ${listSets(directory).join(', ') || 'none'}.`,
    );
  }
  const { default: exported } = createRequire(__filename)(file) as { default?: Seed | readonly Seed[] };
  const seeds = Array.isArray(exported) ? (exported as readonly Seed[]) : [exported as Seed | undefined];
  return seeds.map((seed) => {
    if (seed?.name && typeof seed.run === 'function') return seed;
    throw new SeedNotFoundError(`${file} has no "export default defineSeed({ name, description, run })"`, 'Add it.');
  });
}

function listSets(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}
