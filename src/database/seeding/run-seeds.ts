import type { ClientConfig } from 'pg';
import { DatabaseError, RepositoryError } from '../database.errors';
import { withMigrationSession } from '../migration/migration-session';
import type { Seed, SeedContext } from './define-seed';
import { isMarkedProduction } from './environment-marker';
import { SeedFailedError, SeedNotFoundError, SeedRefusedError } from './seed.errors';
import { loadSeedSet, REFERENCE_SET, seedSetName } from './seed-sets';

/** What to seed, and with what. */
export interface SeedRun {
  /** Names of sets, in order. */
  readonly sets: readonly string[];
  /** Names of seeds; without it all of the sets. */
  readonly only?: readonly string[];
  /** Connection of the migrator, which reads the mark of a production database. */
  readonly connection: ClientConfig;
  readonly context: SeedContext;
  /** NODE_ENV is production: refused too, marked or not. */
  readonly production?: boolean;
  /** Folder of the sets. Default: this package's. */
  readonly directory?: string;
}

/**
 * Runs seeds in order; the first that fails ends the run.
 * @returns Names of the seeds that ran, as `set/name`.
 * @throws SeedRefusedError on a production database, SeedNotFoundError, SeedFailedError with the hint of its cause;
 * what a seed says about its input is thrown as it is.
 */
export async function runSeeds(run: SeedRun): Promise<string[]> {
  const chosen = chooseSeeds(run);
  await refuseProduction(run);
  for (const { id, seed } of chosen) {
    run.context.log(`${id}: ${seed.description}`);
    const started = Date.now();
    try {
      await seed.run(run.context);
    } catch (cause) {
      if (isInputError(cause)) throw cause;
      throw failed(id, cause);
    }
    run.context.emit({ event: 'seeded', seed: id, ms: Date.now() - started });
  }
  return chosen.map(({ id }) => id);
}

/** A seed's own error of status 400: it was called wrongly, and has stored nothing. */
function isInputError(error: unknown): boolean {
  return error instanceof DatabaseError && !(error instanceof RepositoryError) && error.status === 400;
}

function failed(id: string, cause: unknown): SeedFailedError {
  const stays = 'Units of work that had committed stay. Correct the cause and run it again: it goes on from there.';
  const known = cause instanceof DatabaseError ? cause : undefined;
  return new SeedFailedError(
    `Seed ${id} failed: ${cause instanceof Error ? cause.message : 'unknown error'}`,
    known ? `${known.hint} ${stays}` : stays,
    { cause, ...(known?.sqlState ? { sqlState: known.sqlState } : {}) },
  );
}

/**
 * Loads the chosen seeds, which needs no database.
 * @throws SeedNotFoundError that lists the sets or seeds there are.
 */
export function chooseSeeds({
  sets,
  only,
  directory,
}: Pick<SeedRun, 'sets' | 'only' | 'directory'>): { id: string; seed: Seed }[] {
  const all = sets.flatMap((set) =>
    loadSeedSet(set, directory).map((seed) => ({ id: `${seedSetName(set)}/${seed.name}`, seed })),
  );
  const unknown = (only ?? []).filter((name) => !all.some(({ seed }) => seed.name === name));
  if (unknown.length > 0) {
    throw new SeedNotFoundError(
      `There is no seed ${unknown.join(', ')}`,
      `Seeds: ${all.map(({ seed }) => seed.name).join(', ')}.`,
    );
  }
  return only ? all.filter(({ seed }) => only.includes(seed.name)) : all;
}

/** @throws SeedRefusedError unless the sets may be seeded here. */
export async function refuseProduction(run: Pick<SeedRun, 'sets' | 'connection' | 'production'>): Promise<void> {
  const refused = run.sets.filter((set) => set !== REFERENCE_SET);
  if (refused.length === 0) return;
  const marked = await withMigrationSession(run.connection, ({ client }) => isMarkedProduction(client));
  if (!marked && !run.production) return;
  throw new SeedRefusedError(
    `${marked ? 'This database is marked as production' : 'NODE_ENV is production'}: ${refused.join(', ')} was refused`,
    `Check which database the command is pointed at. Only the set ${REFERENCE_SET} may be seeded in production.`,
  );
}
