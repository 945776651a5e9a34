import { DatabaseError, type ErrorContext } from './database.errors';

/** Base of what a unit of work throws about itself. */
export abstract class TransactionError extends DatabaseError {
  readonly status: number = 500;
}

/** A statement came after its unit of work had settled; it was not executed (D01). */
export class TransactionScopeClosedError extends TransactionError {
  readonly code = 'TRANSACTION_SCOPE_CLOSED';

  constructor(state: string) {
    super(
      `The unit of work is ${state}; the statement was not executed`,
      'Await every call inside the unit, or detach the work with runOutsideTransaction.',
    );
  }
}

/** A statement was sent on a unit of work while a NESTED unit inside it was open. */
export class NestedScopeActiveError extends TransactionError {
  readonly code = 'NESTED_SCOPE_ACTIVE';

  constructor() {
    super('A nested unit of work is open', 'Await the nested unit before using the outer one.');
  }
}

/** The callback returned while statements of it were still running; the unit was rolled back. */
export class UnawaitedWorkError extends TransactionError {
  readonly code = 'UNAWAITED_WORK';

  constructor(statements: number) {
    super(
      `The unit of work returned with ${statements} statement(s) still running, and was rolled back`,
      'Await every call inside the unit.',
    );
  }
}

/** The callback returned normally, but the transaction could only be rolled back; `cause` says why. */
export class UnexpectedRollbackError extends TransactionError {
  readonly code = 'UNEXPECTED_ROLLBACK';

  constructor(cause?: unknown) {
    super(
      'The unit of work was rolled back: a failure inside it was caught and ignored',
      'Let the failure propagate.',
      {
        cause,
      },
    );
  }
}

/** The connection was lost while COMMIT was under way: it is unknown whether the transaction committed. */
export class TransactionOutcomeUnknownError extends TransactionError {
  readonly code = 'TRANSACTION_OUTCOME_UNKNOWN';
  override readonly status = 503;
  /** Full id of the transaction, where the server had told it: for `IUnitOfWork.outcomeOf`. */
  readonly transactionId?: string;

  constructor(cause?: unknown, transactionId?: string) {
    super(
      'The connection was lost during COMMIT; the transaction may or may not be committed',
      transactionId
        ? 'Ask outcomeOf(error.transactionId) before repeating the work.'
        : 'Read the rows before repeating the work.',
      { cause },
    );
    if (transactionId) this.transactionId = transactionId;
  }
}

/** An option of a unit of work cannot be honoured where it was given. */
export class TransactionOptionsError extends TransactionError {
  readonly code = 'TRANSACTION_OPTIONS';
}

/** MANDATORY found no open unit, or NEVER found one; the callback was not run. */
export class PropagationError extends TransactionError {
  readonly code = 'PROPAGATION';
}

/**
 * The chain of calls holds connections that nobody can give back before it gets another one: it would wait until
 * DB_POOL_ACQUIRE_TIMEOUT, and everybody else with it.
 */
export class PoolSelfDeadlockError extends TransactionError {
  readonly code = 'POOL_SELF_DEADLOCK';
  override readonly status = 503;

  constructor(max: number, context: ErrorContext = {}) {
    super(
      `All ${max} connection(s) of the pool are held by units of work that wait for another one`,
      'Raise DB_POOL_MAX above the depth of REQUIRES_NEW, or use NESTED or REQUIRED for the inner unit.',
      context,
    );
  }
}

/** The AbortSignal that was given to the unit of work fired; nothing was stored. */
export class TransactionAbortedError extends TransactionError {
  readonly code = 'TRANSACTION_ABORTED';
  override readonly status = 499;

  constructor(cause?: unknown) {
    super('The unit of work was aborted by its signal and rolled back', 'Repeat it when it is wanted again.', {
      cause,
    });
  }
}
