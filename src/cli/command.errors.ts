import { DatabaseError } from '../database/database.errors';

/** A command needs a confirmation that was not given. */
export class CommandRefusedError extends DatabaseError {
  readonly code = 'COMMAND_REFUSED';
  readonly status = 500;
}

/** Migrations are pending where none may be. */
export class MigrationsPendingError extends DatabaseError {
  readonly code = 'MIGRATIONS_PENDING';
  readonly status = 500;
}

/** The options of `seed` do not fit the set, or name a folder that is not there. */
export class SeedUsageError extends DatabaseError {
  readonly code = 'SEED_USAGE';
  readonly status = 400;
}
