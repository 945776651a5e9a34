import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { TransactionOutcomeUnknownError } from '../transaction.errors';
import type { MigrationContext, MigrationStep } from './define-migration';
import type { LoadedMigration } from './load-migration';
import { addHistory, type HistoryEntry } from './migration-history';
import { migrationId } from './migration-files';
import type { MigrationSession } from './migration-session';
import { MigrationFailedError, MigrationFileError, MigrationInterruptedError } from './migration.errors';
import { SqlStatementFailure } from './sql-migration';
import { splitStatements } from './sql-statements';
import { tokenizeSql } from './sql-tokens';

const LOCK_TIMEOUT_MS = 2_000;
const LOCK_ATTEMPTS = 5;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Runs one direction of a migration and writes its history row: both in one transaction, or, for a migration that
 * cannot have one, with a `started` row first. A statement that cannot get its lock in time is tried again with the
 * whole migration, so that the queue behind it drains meanwhile.
 * @returns Duration in ms.
 * @throws MigrationFailedError, MigrationInterruptedError
 */
export async function runMigration(
  session: MigrationSession,
  migration: LoadedMigration,
  direction: 'up' | 'down',
  step: MigrationStep,
): Promise<number> {
  const entry = {
    source: migration.file.source,
    name: migration.file.name,
    direction,
    checksum: migration.file.checksum,
    startedAt: new Date(),
  } as const;
  for (let attempt = 1; ; attempt += 1) {
    await session.reset();
    await session.client.query(`SET lock_timeout = ${Number(migration.lockTimeout ?? LOCK_TIMEOUT_MS)}`);
    try {
      if (migration.transaction) await inTransaction(session, entry, step);
      else await withoutTransaction(session, entry, step);
      return Date.now() - entry.startedAt.getTime();
    } catch (error) {
      const sqlState = sqlStateOf(error);
      if (migration.transaction && sqlState === LOCK_NOT_AVAILABLE && attempt < LOCK_ATTEMPTS) {
        await sleep(randomInt(100, 500) * attempt);
        continue;
      }
      await recordFailure(session, {
        ...entry,
        status: 'failed',
        ms: Date.now() - entry.startedAt.getTime(),
        sqlState,
      });
      throw failure(migration, direction, error);
    }
  }
}

async function inTransaction(
  { client, reset }: MigrationSession,
  entry: Omit<HistoryEntry, 'status'>,
  step: MigrationStep,
): Promise<void> {
  const marker = randomUUID();
  await client.query(`BEGIN; SET LOCAL phi.migration_marker = '${marker}'`);
  try {
    await runStep(client, step);
    const { rows } = await client.query<{ marker: string }>(
      `SELECT current_setting('phi.migration_marker', true) AS marker`,
    );
    if (rows[0]?.marker !== marker)
      throw new MigrationFileError('It ended its own transaction', 'Remove COMMIT and ROLLBACK.');
    await reset();
    await addHistory(client, { ...entry, status: 'done', ms: Date.now() - entry.startedAt.getTime() });
    await commit(client);
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Without an answer of the server nobody knows whether it committed; the history will tell the next run. */
async function commit(client: Client): Promise<void> {
  try {
    await client.query('COMMIT');
  } catch (error) {
    throw sqlStateOf(error) ? error : new TransactionOutcomeUnknownError(error);
  }
}

async function withoutTransaction(
  { client, reset }: MigrationSession,
  entry: Omit<HistoryEntry, 'status'>,
  step: MigrationStep,
): Promise<void> {
  await addHistory(client, { ...entry, status: 'started' });
  await runStep(client, step);
  await reset();
  await addHistory(client, { ...entry, status: 'done', ms: Date.now() - entry.startedAt.getTime() });
}

/** The context dies with the step: a statement the author did not await must not run in the next migration. */
async function runStep(client: Client, step: MigrationStep): Promise<void> {
  let open = true;
  let running = 0;
  const context: MigrationContext = {
    query: async <Row>(sql: string, params?: readonly unknown[]) => {
      if (!open) throw new MigrationFileError('A statement came after its migration had ended', 'Await every query.');
      // Throws on BEGIN and COMMIT.
      splitStatements(tokenizeSql(sql));
      running += 1;
      try {
        const result = await client.query(sql, params ? [...params] : undefined);
        return result.rows as readonly Row[];
      } finally {
        running -= 1;
      }
    },
  };
  try {
    await step(context);
    if (running > 0)
      throw new MigrationFileError(`It ended with ${running} statement(s) still running`, 'Await every query.');
  } finally {
    open = false;
  }
}

/** Best effort: when the connection is gone, so is the chance to write. */
async function recordFailure({ client, reset }: MigrationSession, entry: HistoryEntry): Promise<void> {
  try {
    await reset();
    await addHistory(client, entry);
  } catch {
    // The error that is about to be thrown says more.
  }
}

function sqlStateOf(error: unknown): string | undefined {
  const cause = error instanceof SqlStatementFailure ? error.cause : error;
  const { code } = cause as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

function failure(migration: LoadedMigration, direction: 'up' | 'down', error: unknown): Error {
  if (error instanceof TransactionOutcomeUnknownError) return error;
  const cause = error instanceof SqlStatementFailure ? error.cause : error;
  const sqlState = sqlStateOf(error);
  const place =
    error instanceof SqlStatementFailure
      ? `, line ${error.line} of ${migration.file.path}`
      : ` in ${migration.file.path}`;
  const what = `${describe(cause, sqlState)}${sqlState ? ` (SQLSTATE ${sqlState})` : ''}${place}`;
  const which = `Migration ${migrationId(migration.file)} (${direction})`;
  const context = { cause, ...(sqlState ? { sqlState } : {}) };
  if (migration.transaction) {
    return new MigrationFailedError(
      `${which} failed and was rolled back: ${what}`,
      connectionLost(sqlState, cause)
        ? 'The server ended the connection. Start it again, then run the command again.'
        : 'Correct the file and run the command again.',
      context,
    );
  }
  return new MigrationInterruptedError(
    `${which} failed outside a transaction: ${what}`,
    `Put right what it left behind, then run db:repair ${migrationId(migration.file)} --as applied or --as pending.`,
    context,
  );
}

/** Class 57P: the server was stopped, or an administrator ended the session. */
function connectionLost(sqlState: string | undefined, cause: unknown): boolean {
  if (sqlState) return sqlState.startsWith('57P') || sqlState.startsWith('08');
  return cause instanceof Error && cause.message.startsWith('Connection terminated');
}

/** PostgreSQL quotes values in the text of data exceptions (class 22); those are not repeated. */
function describe(cause: unknown, sqlState: string | undefined): string {
  if (sqlState?.startsWith('22')) return 'a value was refused (data exception)';
  return cause instanceof Error ? cause.message : 'unknown error';
}
