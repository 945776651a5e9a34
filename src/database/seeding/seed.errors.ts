import { DatabaseError } from '../database.errors';

/** There is no such set or seed, or its file exports none. */
export class SeedNotFoundError extends DatabaseError {
  readonly code = 'SEED_NOT_FOUND';
  readonly status = 500;
}

/** Test data was refused, because the database is marked as production. */
export class SeedRefusedError extends DatabaseError {
  readonly code = 'SEED_REFUSED';
  readonly status = 500;
}

/** A seed threw. Units of work that had committed before stay; running it again goes on from there. */
export class SeedFailedError extends DatabaseError {
  readonly code = 'SEED_FAILED';
  readonly status = 500;
}
