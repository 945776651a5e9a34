import { domainRepositories } from '../../src/domains';
import type { SeedContext, SeedOptions } from '../../src/database/seeding/define-seed';
import { type DatabaseApp, startDatabaseApp } from './database-app';

/** An application with the whole domain on a database of its own, and what it would give to a seed. */
export interface SeedApp extends DatabaseApp {
  readonly seed: SeedContext;
  /** What the seed said to people. */
  readonly lines: string[];
  /** What the seed said to programs. */
  readonly records: Readonly<Record<string, unknown>>[];
}

/** Starts the application; close it in `afterAll`. */
export async function startSeedApp(options: Partial<SeedOptions> = {}): Promise<SeedApp> {
  const app = await startDatabaseApp(domainRepositories);
  const lines: string[] = [];
  const records: Readonly<Record<string, unknown>>[] = [];
  const seed: SeedContext = {
    get: (token) => app.module.get(token as string, { strict: false }),
    options: { seed: 42, ...options },
    progress: () => ({ advance: () => undefined, done: () => undefined }),
    log: (text) => lines.push(text),
    emit: (record) => records.push(record),
  };
  return { ...app, seed, lines, records };
}
