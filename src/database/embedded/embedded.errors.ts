import { DatabaseError } from '../database.errors';

/** The embedded server cannot be found, made, started or stopped. */
export class EmbeddedServerError extends DatabaseError {
  readonly code = 'EMBEDDED_SERVER';
  readonly status = 500;
}
