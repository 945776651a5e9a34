import { CommanderError } from 'commander';
import { DatabaseError } from '../database/database.errors';

/** Exit codes of every command (docs, operations). Zero is success. */
export const EXIT = {
  bug: 1,
  usage: 2,
  pending: 3,
  history: 5,
  rolledBack: 7,
  partial: 8,
  refused: 11,
  locked: 75,
} as const;

const BY_CODE: Readonly<Record<string, number>> = {
  DATABASE_CONFIGURATION: EXIT.usage,
  EMBEDDED_SERVER: EXIT.usage,
  UNAVAILABLE: EXIT.usage,
  MIGRATION_FILE: EXIT.usage,
  SEED_NOT_FOUND: EXIT.usage,
  SEED_USAGE: EXIT.usage,
  SYNTHEA_INPUT: EXIT.usage,
  MIGRATIONS_PENDING: EXIT.pending,
  MIGRATION_HISTORY: EXIT.history,
  MIGRATION_FAILED: EXIT.rolledBack,
  MIGRATION_INTERRUPTED: EXIT.partial,
  TRANSACTION_OUTCOME_UNKNOWN: EXIT.partial,
  SEED_FAILED: EXIT.partial,
  MIGRATION_IRREVERSIBLE: EXIT.refused,
  MIGRATION_REFUSED: EXIT.refused,
  SEED_REFUSED: EXIT.refused,
  COMMAND_REFUSED: EXIT.refused,
  MIGRATION_LOCKED: EXIT.locked,
};

/** The exit code that fits an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  return error instanceof DatabaseError ? (BY_CODE[error.code] ?? EXIT.bug) : EXIT.bug;
}
