import type { Type } from '@nestjs/common';

/** Progress of one long step; a bar where a person watches. */
export interface SeedProgress {
  /** @param by How many more are done; default 1. */
  advance(by?: number): void;
  /** Ends the bar. */
  done(): void;
}

/** What the command line or a test gave to the seed. */
export interface SeedOptions {
  /** Folder of input files (`--from`). */
  readonly from?: string;
  /** Clinic that the data is for, where the set does not bring its own (`--clinic`). */
  readonly clinic?: string;
  /** Number that fixes every random choice (`--seed`). */
  readonly seed: number;
}

/** All that a seed may use. */
export interface SeedContext {
  /** Repositories, services and tokens of the application, for example `get(StudentRepository)`. */
  get<T>(token: Type<T> | (abstract new (...args: never[]) => T) | string | symbol): T;
  readonly options: SeedOptions;
  /** @param total Number of steps, for the bar. */
  progress(total: number, label: string): SeedProgress;
  /** A line for people. No value of a record belongs into it. */
  log(text: string): void;
  /** A line for programs (`--json`), for example `{ event: 'counts', file: 'patients.csv', stored: 27 }`. */
  emit(record: Readonly<Record<string, unknown>>): void;
}

/** A seed: a step that fills the database, safe to repeat. */
export interface Seed {
  /** Kebab-case, unique in its set; what `--only` takes. */
  readonly name: string;
  /** One line for people. */
  readonly description: string;
  run(context: SeedContext): Promise<void>;
}

/**
 * Declares a seed; default export of `seeders/<set>/index.ts`, which may also export an array of them, run in order.
 *
 * @example
 * export default defineSeed({
 *   name: 'demo-clinic',
 *   description: 'A clinic with 50 students',
 *   run: async ({ get, progress }) => { const clinics = get(ClinicRepository); … },
 * });
 */
export function defineSeed(seed: Seed): Seed {
  return seed;
}
