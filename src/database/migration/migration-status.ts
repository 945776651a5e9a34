import { migrationId, type MigrationFile, type MigrationSource } from './migration-files';
import { appliedOf, type MigrationRecord } from './migration-history';
import { MigrationHistoryError, MigrationInterruptedError } from './migration.errors';

/** State of one migration: what the files and the history say together. */
export interface MigrationStatus {
  readonly source: MigrationSource;
  readonly name: string;
  /**
   * `edited`: the file changed after it ran. `missing`: it ran, and the file is gone. `out-of-order`: pending, but
   * older than what ran. `interrupted`: it ran outside a transaction and did not finish.
   */
  readonly state: 'applied' | 'pending' | 'edited' | 'missing' | 'out-of-order' | 'interrupted';
  readonly appliedAt?: Date;
  readonly ms?: number;
}

/** Compares files with history, the package's first, by name; what ran and has no file any more is part of it. */
export function compareHistory(
  files: readonly MigrationFile[],
  records: readonly MigrationRecord[],
): MigrationStatus[] {
  const known = new Map(records.map((record) => [migrationId(record), record]));
  const applied = new Map(appliedOf(records).map((record) => [migrationId(record), record]));
  const newest = { package: -1, application: -1 };
  for (const file of files) {
    if (applied.has(migrationId(file))) newest[file.source] = Math.max(newest[file.source], file.number);
  }
  const present = new Set(files.map(migrationId));
  const statuses = files.map((file): MigrationStatus => {
    const { source, name, number, checksum } = file;
    const record = applied.get(migrationId(file));
    if (known.get(migrationId(file))?.status === 'started') return { source, name, state: 'interrupted' };
    if (!record) return { source, name, state: number < newest[source] ? 'out-of-order' : 'pending' };
    return { source, name, state: record.checksum === checksum ? 'applied' : 'edited', ...timesOf(record) };
  });
  const gone = records.filter((record) => !present.has(migrationId(record)));
  const withoutFile = gone.flatMap((record): MigrationStatus[] => {
    const { source, name } = record;
    if (record.status === 'started') return [{ source, name, state: 'interrupted' }];
    return applied.has(migrationId(record)) ? [{ source, name, state: 'missing', ...timesOf(record) }] : [];
  });
  return [...statuses, ...withoutFile].sort(inOrder);
}

function inOrder(left: MigrationStatus, right: MigrationStatus): number {
  if (left.source !== right.source) return left.source === 'package' ? -1 : 1;
  return left.name < right.name ? -1 : 1;
}

/**
 * Refuses to go on when files and history disagree.
 * @throws MigrationHistoryError that lists every disagreement, MigrationInterruptedError
 */
export function refuseMismatch(statuses: readonly MigrationStatus[], allowOutOfOrder = false): void {
  const named = (state: MigrationStatus['state']): string[] =>
    statuses.filter((status) => status.state === state).map(migrationId);
  const interrupted = named('interrupted');
  if (interrupted.length > 0) {
    throw new MigrationInterruptedError(
      `${interrupted.join(', ')} began outside a transaction and did not finish`,
      `Put right what it left behind, then run db:repair ${interrupted[0]} --as applied or --as pending.`,
    );
  }
  const problems = [
    ...named('edited').map((name) => `${name} was edited after it had been applied`),
    ...named('missing').map((name) => `${name} was applied, and its file is gone`),
    ...(allowOutOfOrder
      ? []
      : named('out-of-order').map((name) => `${name} is pending, but newer ones have been applied`)),
  ];
  if (problems.length === 0) return;
  throw new MigrationHistoryError(
    `The files do not fit the history of this database:\n  ${problems.join('\n  ')}`,
    foreignFolder(statuses)
      ? 'Name the folder that holds the migrations of the application by DB_MIGRATIONS_DIR or --dir.'
      : 'Restore files, put changes into a new migration; give a late file a new number, or use --allow-out-of-order.',
  );
}

/** All of the application's are gone: its folder was not named, or another one was. */
function foreignFolder(statuses: readonly MigrationStatus[]): boolean {
  const application = statuses.filter(({ source }) => source === 'application');
  return application.some(({ state }) => state === 'missing') && !application.some(({ state }) => state === 'applied');
}

function timesOf(record: MigrationRecord): Pick<MigrationStatus, 'appliedAt' | 'ms'> {
  return {
    ...(record.finishedAt ? { appliedAt: record.finishedAt } : {}),
    ...(record.ms === undefined ? {} : { ms: record.ms }),
  };
}
