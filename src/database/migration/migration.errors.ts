import { DatabaseError } from '../database.errors';

/** Base of what the migration runner throws. */
export abstract class MigrationError extends DatabaseError {
  readonly status = 500;
}

/** A file in a migrations folder cannot be used: bad name, number taken twice, no up, its own BEGIN. */
export class MigrationFileError extends MigrationError {
  readonly code = 'MIGRATION_FILE';
}

/** A migration failed and was rolled back: nothing of it is in the database (000-37). */
export class MigrationFailedError extends MigrationError {
  readonly code = 'MIGRATION_FAILED';
}

/** A migration that cannot run in a transaction failed or was cut: a part of it may be in the database. */
export class MigrationInterruptedError extends MigrationError {
  readonly code = 'MIGRATION_INTERRUPTED';
}

/** Files and history disagree: a file was edited or deleted after it ran, or is older than what ran. */
export class MigrationHistoryError extends MigrationError {
  readonly code = 'MIGRATION_HISTORY';
}

/** A rollback was refused: the migration has no way back. */
export class MigrationIrreversibleError extends MigrationError {
  readonly code = 'MIGRATION_IRREVERSIBLE';
}

/** A rollback was refused: the database is marked as production. */
export class MigrationRefusedError extends MigrationError {
  readonly code = 'MIGRATION_REFUSED';
}

/** Another process migrates this database. */
export class MigrationLockedError extends MigrationError {
  readonly code = 'MIGRATION_LOCKED';
}
