import type { ClientConfig } from 'pg';
import { MigrationError as UmzugError, Umzug, type RunnableMigration } from 'umzug';
import type { MigrationStep } from './define-migration';
import { loadMigration, type LoadedMigration } from './load-migration';
import { findMigrations, packageMigrations, type MigrationFile } from './migration-files';
import {
  addHistory,
  appliedOf,
  createHistory,
  hasHistory,
  readHistory,
  type MigrationRecord,
} from './migration-history';
import { withMigrationLock } from './migration-lock';
import { withMigrationSession, type MigrationSession } from './migration-session';
import { compareHistory, refuseMismatch, type MigrationStatus } from './migration-status';
import { MigrationFileError, MigrationIrreversibleError } from './migration.errors';
import { runMigration } from './run-migration';

/** What the runner needs to know. */
export interface MigratorOptions {
  /** A direct connection of the migrator; see `migratorConfig`. */
  readonly connection: ClientConfig;
  /** Folders of migrations. Default: the ones of this package. */
  readonly directories?: readonly string[];
  /** Longest wait for another migrating process, in ms. Default 60 000. */
  readonly lockWaitMs?: number;
  /** Told before and after each migration. */
  readonly onEvent?: (event: MigrationEvent) => void;
}

export interface MigrationEvent {
  readonly event: 'migrating' | 'migrated' | 'reverting' | 'reverted';
  readonly name: string;
  /** Duration, after the fact. */
  readonly ms?: number;
}

/** How far to go. Without any, `migrate` goes to the end and `rollback` one step back. */
export interface MigrationRange {
  /** Name or number. `migrate` applies it as the last one; `rollback` leaves it as the last one, `0` leaves none. */
  readonly to?: string;
  /** How many migrations. */
  readonly step?: number;
  /** Only say what would run. */
  readonly plan?: boolean;
}

interface Run extends MigrationSession {
  readonly files: readonly MigrationFile[];
  readonly records: readonly MigrationRecord[];
}

/**
 * Applies and reverts migrations. umzug keeps order and events; atomicity, locking and history are this class's own,
 * because umzug logs a migration after the fact, forgets deleted files, reverts by file name and takes a missing down
 * for done.
 */
export class Migrator {
  constructor(private readonly options: MigratorOptions) {}

  /**
   * Applies pending migrations.
   * @returns Names of what was, or with `plan` would be, applied.
   */
  async migrate(range: MigrationRange & { readonly allowOutOfOrder?: boolean } = {}): Promise<string[]> {
    return this.locked(range, async (run) => {
      const statuses = compareHistory(run.files, run.records);
      refuseMismatch(statuses, range.allowOutOfOrder);
      const open = new Set(
        statuses.filter(({ state }) => state === 'pending' || state === 'out-of-order').map(({ name }) => name),
      );
      const pending = run.files.filter(({ name }) => open.has(name));
      const limit = range.to === undefined ? Infinity : (run.files[indexOf(run.files, range.to)]?.number ?? Infinity);
      const names = pending
        .filter(({ number }) => number <= limit)
        .slice(0, range.step)
        .map(({ name }) => name);
      if (!range.plan) await this.run(run, names, (umzug) => umzug.up({ migrations: names }));
      return names;
    });
  }

  /**
   * Reverts applied migrations, the last applied first. All or none is checked before the first runs.
   * @throws MigrationIrreversibleError when one of them has no way back.
   */
  async rollback(range: MigrationRange & { readonly redo?: boolean } = {}): Promise<string[]> {
    return this.locked(range, async (run) => {
      refuseMismatch(compareHistory(run.files, run.records), true);
      const applied = appliedOf(run.records)
        .toReversed()
        .map(({ name }) => run.files.find((file) => file.name === name) as MigrationFile);
      const count =
        range.to === undefined ? (range.step ?? 1) : range.to === '0' ? applied.length : indexOf(applied, range.to);
      const files = applied.slice(0, count);
      refuseIrreversible(files.map(loadMigration));
      const names = files.map(({ name }) => name);
      if (range.plan) return names;
      await this.run(run, names, async (umzug) => {
        await umzug.down({ migrations: names, rerun: 'ALLOW' });
        if (range.redo) await umzug.up({ migrations: names.toReversed(), rerun: 'ALLOW' });
      });
      return names;
    });
  }

  /** State of every migration. Changes nothing, creates nothing, waits for nobody. */
  async status(): Promise<MigrationStatus[]> {
    const files = this.findFiles();
    return withMigrationSession(this.options.connection, async ({ client }) =>
      compareHistory(files, await readHistory(client)),
    );
  }

  /**
   * Decides what a migration counts as that was cut while it ran outside a transaction.
   * @throws MigrationFileError when it was not interrupted.
   */
  async repair(name: string, as: 'applied' | 'pending'): Promise<void> {
    await this.locked({}, async ({ client, records }) => {
      const record = records.find((candidate) => candidate.name === name && candidate.status === 'started');
      if (!record)
        throw new MigrationFileError(`${name} was not interrupted`, 'db:status lists interrupted migrations.');
      await addHistory(client, {
        name,
        direction: as === 'applied' ? 'up' : 'down',
        checksum: record.checksum,
        status: 'done',
        startedAt: record.startedAt,
      });
    });
  }

  private findFiles(): MigrationFile[] {
    return findMigrations(this.options.directories ?? [packageMigrations()]);
  }

  /** A plan only reads: it takes no lock and creates no table. */
  private async locked<T>(range: MigrationRange, work: (run: Run) => Promise<T>): Promise<T> {
    const files = this.findFiles();
    return withMigrationSession(this.options.connection, async (session) => {
      const run = async (): Promise<T> => work({ ...session, files, records: await readHistory(session.client) });
      if (range.plan) return run();
      return withMigrationLock(session.client, this.options.lockWaitMs ?? 60_000, async () => {
        if (!(await hasHistory(session.client))) await createHistory(session.client);
        return run();
      });
    });
  }

  /** Runs umzug over exactly the named migrations: its history is empty, ours has decided already what runs. */
  private async run(
    run: Run,
    names: readonly string[],
    work: (umzug: Umzug<object>) => Promise<unknown>,
  ): Promise<void> {
    const chosen = run.files.filter(({ name }) => names.includes(name)).map(loadMigration);
    const umzug = new Umzug<object>({
      migrations: chosen.map((migration) => this.runnable(run, migration)),
      storage: { executed: async () => [], logMigration: async () => undefined, unlogMigration: async () => undefined },
      logger: undefined,
    });
    umzug.on('migrating', ({ name }) => this.options.onEvent?.({ event: 'migrating', name }));
    umzug.on('reverting', ({ name }) => this.options.onEvent?.({ event: 'reverting', name }));
    try {
      await work(umzug);
    } catch (error) {
      // umzug wraps what a migration throws.
      throw error instanceof UmzugError && error.cause instanceof Error ? error.cause : error;
    }
  }

  private runnable(session: MigrationSession, migration: LoadedMigration): RunnableMigration<object> {
    const { name } = migration.file;
    const run = async (direction: 'up' | 'down', step: MigrationStep): Promise<void> => {
      const ms = await runMigration(session, migration, direction, step);
      this.options.onEvent?.({ event: direction === 'up' ? 'migrated' : 'reverted', name, ms });
    };
    return {
      name,
      up: () => run('up', migration.up),
      down: () => run('down', migration.down as MigrationStep),
    };
  }
}

function refuseIrreversible(migrations: readonly LoadedMigration[]): void {
  for (const { file, down } of migrations) {
    if (typeof down === 'function') continue;
    throw new MigrationIrreversibleError(
      `${file.name} cannot be rolled back: ${down?.irreversible ?? 'it has no down part'}`,
      'Nothing was rolled back. Write a new migration that puts things right, or restore a backup.',
    );
  }
}

/** Accepts the name, or the number with or without leading zeros. */
function indexOf(files: readonly MigrationFile[], wanted: string): number {
  const index = files.findIndex(
    ({ name, number }) => name === wanted || String(number) === wanted.replace(/^0+(?=\d)/, ''),
  );
  if (index < 0)
    throw new MigrationFileError(`There is no such migration to go to: ${wanted}`, 'db:status lists the names.');
  return index;
}
