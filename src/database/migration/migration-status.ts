import type { MigrationFile } from './migration-files';
import { appliedOf, type MigrationRecord } from './migration-history';
import { MigrationHistoryError, MigrationInterruptedError } from './migration.errors';

/** State of one migration: what the files and the history say together. */
export interface MigrationStatus {
  readonly name: string;
  /**
   * `edited`: the file changed after it ran. `missing`: it ran, and the file is gone. `out-of-order`: pending, but
   * older than what ran. `interrupted`: it ran outside a transaction and did not finish.
   */
  readonly state: 'applied' | 'pending' | 'edited' | 'missing' | 'out-of-order' | 'interrupted';
  readonly appliedAt?: Date;
  readonly ms?: number;
}

/** Compares files with history, in the order of their names; what ran and has no file any more is part of it. */
export function compareHistory(
  files: readonly MigrationFile[],
  records: readonly MigrationRecord[],
): MigrationStatus[] {
  const known = new Map(records.map((record) => [record.name, record]));
  const applied = new Map(appliedOf(records).map((record) => [record.name, record]));
  const newest = Math.max(-1, ...files.filter(({ name }) => applied.has(name)).map(({ number }) => number));
  const present = new Set(files.map(({ name }) => name));
  const statuses = files.map(({ name, number, checksum }): MigrationStatus => {
    const record = applied.get(name);
    if (known.get(name)?.status === 'started') return { name, state: 'interrupted' };
    if (!record) return { name, state: number < newest ? 'out-of-order' : 'pending' };
    return { name, state: record.checksum === checksum ? 'applied' : 'edited', ...timesOf(record) };
  });
  const gone = records.filter(({ name }) => !present.has(name));
  const withoutFile = gone.flatMap((record): MigrationStatus[] => {
    if (record.status === 'started') return [{ name: record.name, state: 'interrupted' }];
    return applied.has(record.name) ? [{ name: record.name, state: 'missing', ...timesOf(record) }] : [];
  });
  return [...statuses, ...withoutFile].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/**
 * Refuses to go on when files and history disagree.
 * @throws MigrationHistoryError that lists every disagreement, MigrationInterruptedError
 */
export function refuseMismatch(statuses: readonly MigrationStatus[], allowOutOfOrder = false): void {
  const named = (state: MigrationStatus['state']): string[] =>
    statuses.filter((status) => status.state === state).map(({ name }) => name);
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
    'Restore the files, put changes into a new migration; give a late file a new number, or use --allow-out-of-order.',
  );
}

function timesOf(record: MigrationRecord): Pick<MigrationStatus, 'appliedAt' | 'ms'> {
  return {
    ...(record.finishedAt ? { appliedAt: record.finishedAt } : {}),
    ...(record.ms === undefined ? {} : { ms: record.ms }),
  };
}
