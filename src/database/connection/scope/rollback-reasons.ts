import { DeadlockError } from '../../database.errors';
import { UnexpectedRollbackError } from '../../transaction.errors';
import { mapError } from '../error-mapper';

/** Why one unit of work may have to roll back, though its callback returns. */
export class RollbackReasons {
  /** True when a statement failed because of another transaction (40001, 40P01), whoever caught that. */
  metConflict = false;
  /** First error of a statement: what a commit that turns out a rollback is put down to. */
  private failure?: { readonly error: unknown };
  /** What somebody said. */
  private cause?: { readonly error: unknown };
  /** The server refused a statement: PostgreSQL takes nothing more but the rollback. */
  private refused = false;

  /** A statement failed. */
  noteFailure(error: unknown): void {
    const mapped = mapError(error);
    this.failure ??= { error: mapped };
    this.metConflict ||= mapped instanceof DeadlockError;
    this.refused ||= mapped.sqlState !== undefined;
  }

  /** From now on the unit can only roll back. */
  noteCause(error: unknown): void {
    this.cause ??= { error };
  }

  /** True when a commit could only turn out a rollback. */
  get any(): boolean {
    return this.refused || this.cause !== undefined;
  }

  /** What the caller of a unit that was marked is told; undefined when nobody marked it. */
  get marked(): UnexpectedRollbackError | undefined {
    return this.cause && new UnexpectedRollbackError(this.cause.error);
  }

  /** The same error, with the failure it is down to where it does not say so. */
  explain(error: unknown): unknown {
    const unexplained = error instanceof UnexpectedRollbackError && error.cause === undefined && this.failure;
    return unexplained ? new UnexpectedRollbackError(unexplained.error) : error;
  }
}
