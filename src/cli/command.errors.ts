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
