import type { ClientConfig } from 'pg';
import { MigrationError as UmzugError, Umzug, type RunnableMigration } from 'umzug';
import type { MigrationStep } from './define-migration';
import { loadMigration, type LoadedMigration } from './load-migration';
import {
  findMigrations,
  migrationId,
  type MigrationFile,
  type MigrationSource,
  type MigrationSources,
} from './migration-files';
import { addHistory, appliedOf, ensureHistory, readHistory, type MigrationRecord } from './migration-history';
import { withMigrationLock } from './migration-lock';
import { refuseUnprepared, withMigrationSession, type MigrationSession } from './migration-session';
import { compareHistory, refuseMismatch, type MigrationStatus } from './migration-status';
import { findTarget } from './migration-target';
import { MigrationFileError, MigrationIrreversibleError, MigrationLockedError } from './migration.errors';
import { refuseProductionRollback } from './refuse-production';
import { runMigration } from './run-migration';

/** What the runner needs to know. */
export interface MigratorOptions {
  /** A direct connection of the migrator; see `migratorConfig`. */
  readonly connection: ClientConfig;
  /** Folders of migrations. Default: the one of this package only. */
  readonly sources?: MigrationSources;
  /** Longest wait for another migrating process, in ms. Default 60 000. */
  readonly lockWaitMs?: number;
  /** Told before and after each migration. */
  readonly onEvent?: (event: MigrationEvent) => void;
}

export interface MigrationEvent {
  readonly event: 'migrating' | 'migrated' | 'reverting' | 'reverted';
  readonly source: MigrationSource;
  readonly name: string;
  /** Duration, after the fact. */
  readonly ms?: number;
}

/** How far to go. Without any, `migrate` goes to the end and `rollback` one step back. */
export interface MigrationRange {
  /**
   * Name or number, with `package:` or `application:` before it where both have it. `migrate` applies it as the last
   * one; `rollback` leaves it as the last one, `0` leaves none.
   */
  readonly to?: string;
  /** How many migrations. */
  readonly step?: number;
  /** Only say what would run. */
  readonly plan?: boolean;
}

interface Run extends MigrationSession {
  readonly files: readonly MigrationFile[];
  readonly records: readonly MigrationRecord[];
  /** True when the lock was lost and had to be taken again. */
  keepLock(): Promise<boolean>;
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
   * @returns Ids (see `migrationId`) of what was, or with `plan` would be, applied.
   */
  async migrate(range: MigrationRange & { readonly allowOutOfOrder?: boolean } = {}): Promise<string[]> {
    return this.locked(range, async (run) => {
      const statuses = compareHistory(run.files, run.records);
      refuseMismatch(statuses, range.allowOutOfOrder);
      const open = new Set(
        statuses.filter(({ state }) => state === 'pending' || state === 'out-of-order').map(migrationId),
      );
      const last = range.to === undefined ? run.files.length : findTarget(run.files, range.to);
      const names = run.files
        .slice(0, last + 1)
        .map(migrationId)
        .filter((id) => open.has(id))
        .slice(0, range.step);
      if (!range.plan) await this.run(run, names, (umzug) => umzug.up({ migrations: names }));
      return names;
    });
  }

  /**
   * Reverts applied migrations, the last applied first. All or none is checked before the first runs.
   * @throws MigrationIrreversibleError when one of them has no way back. MigrationRefusedError on a database that is
   * marked as production, unless `production` says that it is meant.
   */
  async rollback(
    range: MigrationRange & { readonly redo?: boolean; readonly production?: boolean } = {},
  ): Promise<string[]> {
    return this.locked(range, async (run) => {
      refuseMismatch(compareHistory(run.files, run.records), true);
      const applied = appliedOf(run.records)
        .toReversed()
        .map((record) => run.files.find((file) => migrationId(file) === migrationId(record)) as MigrationFile);
      const count =
        range.to === undefined ? (range.step ?? 1) : range.to === '0' ? applied.length : findTarget(applied, range.to);
      const files = applied.slice(0, count);
      refuseIrreversible(files.map(loadMigration));
      const names = files.map(migrationId);
      if (range.plan) return names;
      if (!range.production) await refuseProductionRollback(run.client, files);
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
    await this.locked({}, async ({ client, records, files }) => {
      const record = records.find((candidate) => migrationId(candidate) === name && candidate.status === 'started');
      if (!record)
        throw new MigrationFileError(`${name} was not interrupted`, 'db:status lists interrupted migrations.');
      // Who corrected the file while putting things right has not edited it after it ran.
      const file = files.find((candidate) => migrationId(candidate) === name);
      await addHistory(client, {
        source: record.source,
        name: record.name,
        direction: as === 'applied' ? 'up' : 'down',
        checksum: file?.checksum ?? record.checksum,
        status: 'done',
        startedAt: record.startedAt,
      });
    });
  }

  private findFiles(): MigrationFile[] {
    return findMigrations(this.options.sources ?? {});
  }

  /** A plan only reads: it takes no lock and creates no table. */
  private async locked<T>(range: MigrationRange, work: (run: Run) => Promise<T>): Promise<T> {
    const files = this.findFiles();
    return withMigrationSession(this.options.connection, async (session) => {
      const { client } = session;
      const run = async (keepLock: Run['keepLock']): Promise<T> =>
        work({ ...session, files, records: await readHistory(client), keepLock });
      await refuseUnprepared(client);
      if (range.plan) return run(async () => false);
      return withMigrationLock(client, this.options.lockWaitMs ?? 60_000, async (keepLock) => {
        await ensureHistory(client);
        return run(keepLock);
      });
    });
  }

  /** Runs umzug over exactly the named migrations: its history is empty, ours has decided already what runs. */
  private async run(
    run: Run,
    names: readonly string[],
    work: (umzug: Umzug<object>) => Promise<unknown>,
  ): Promise<void> {
    const chosen = run.files.filter((file) => names.includes(migrationId(file))).map(loadMigration);
    const umzug = new Umzug<object>({
      migrations: chosen.map((migration) => this.runnable(run, migration)),
      storage: { executed: async () => [], logMigration: async () => undefined, unlogMigration: async () => undefined },
      logger: undefined,
    });
    try {
      await work(umzug);
    } catch (error) {
      // umzug wraps what a migration throws.
      throw error instanceof UmzugError && error.cause instanceof Error ? error.cause : error;
    }
  }

  private runnable(session: Run, migration: LoadedMigration): RunnableMigration<object> {
    const { source, name } = migration.file;
    const run = async (direction: 'up' | 'down', step: MigrationStep): Promise<void> => {
      if (await session.keepLock()) await refuseOvertaken(session, migration.file, direction);
      this.options.onEvent?.({ event: direction === 'up' ? 'migrating' : 'reverting', source, name });
      const ms = await runMigration(session, migration, direction, step);
      this.options.onEvent?.({ event: direction === 'up' ? 'migrated' : 'reverted', source, name, ms });
    };
    return {
      name: migrationId(migration.file),
      up: () => run('up', migration.up),
      down: () => run('down', migration.down as MigrationStep),
    };
  }
}

function refuseIrreversible(migrations: readonly LoadedMigration[]): void {
  for (const { file, down } of migrations) {
    if (typeof down === 'function') continue;
    throw new MigrationIrreversibleError(
      `${migrationId(file)} cannot be rolled back: ${down?.irreversible ?? 'it has no down part'}`,
      'Nothing was rolled back. Write a new migration that puts things right, or restore a backup.',
    );
  }
}

/** While the lock was lost, another process may have done the same work. */
async function refuseOvertaken({ client }: Run, file: MigrationFile, direction: 'up' | 'down'): Promise<void> {
  const applied = appliedOf(await readHistory(client)).some((record) => migrationId(record) === migrationId(file));
  if (applied === (direction === 'down')) return;
  throw new MigrationLockedError(
    `A migration released the lock, and another process ran ${migrationId(file)} meanwhile`,
    'Run db:status to see what was applied, then the command again.',
  );
}
