/** Where an error happened, in words that are safe to show: names of things, never a value of a record. */
export interface ErrorContext {
  /** Entity name, for example `Student`. */
  readonly entity?: string;
  /** Attribute of the entity, for example `studentNumber`. */
  readonly attribute?: string;
  /** Name of the violated constraint. */
  readonly constraint?: string;
  /** SQLSTATE of PostgreSQL, for example `23505`. */
  readonly sqlState?: string;
  readonly cause?: unknown;
}

/**
 * Base of every error of this library. `code` is stable and meant for programs, `hint` says what to do next.
 * No subclass puts a value of a record into a message; a not-found error names the UUID that the caller passed
 * (requirements, decision 11).
 */
export abstract class DatabaseError extends Error {
  abstract readonly code: string;
  /** HTTP status that fits the error. */
  abstract readonly status: number;
  readonly hint: string;
  readonly entity?: string;
  readonly attribute?: string;
  readonly constraint?: string;
  readonly sqlState?: string;

  constructor(message: string, hint: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = new.target.name;
    this.hint = hint;
    if (context.entity) this.entity = context.entity;
    if (context.attribute) this.attribute = context.attribute;
    if (context.constraint) this.constraint = context.constraint;
    if (context.sqlState) this.sqlState = context.sqlState;
  }
}

/** An option or environment variable is missing, unknown or invalid. Raised while the application starts. */
export class ConfigurationError extends DatabaseError {
  readonly code = 'DATABASE_CONFIGURATION';
  readonly status = 500;
}

/** Base of what a repository throws (003-14). */
export abstract class RepositoryError extends DatabaseError {}

/** No row with this id is visible to the clinic (000-38). */
export class NotFoundError extends RepositoryError {
  readonly code = 'NOT_FOUND';
  readonly status = 404;

  constructor(entity: string, id?: string) {
    super(
      id === undefined ? `${entity} not found` : `${entity} ${id} not found`,
      'Check the id; rows of other clinics and deleted rows are not visible.',
      { entity },
    );
  }
}

/** The row changed since the caller read it: `expectedVersion` no longer holds. */
export class ConflictError extends RepositoryError {
  readonly code = 'CONFLICT';
  readonly status = 409;

  constructor(entity: string) {
    super(`${entity} was changed by someone else`, 'Read the row again and repeat the change on its current version.', {
      entity,
    });
  }
}

/** A unique constraint refused the row (23505). */
export class UniqueViolationError extends RepositoryError {
  readonly code = 'UNIQUE_VIOLATION';
  readonly status = 409;
}

/** A foreign key refused the row: the row it points to is missing, or is still pointed to (23503). */
export class ForeignKeyViolationError extends RepositoryError {
  readonly code = 'FOREIGN_KEY_VIOLATION';
  readonly status = 409;
}

/** A CHECK constraint refused the row (23514). */
export class CheckViolationError extends RepositoryError {
  readonly code = 'CHECK_VIOLATION';
  readonly status = 422;
}

/** A required column was left empty (23502). */
export class NotNullViolationError extends RepositoryError {
  readonly code = 'NOT_NULL_VIOLATION';
  readonly status = 422;
}

/** The input was refused before any statement was sent, or by a data exception of PostgreSQL (class 22). */
export class InvalidInputError extends RepositoryError {
  readonly code = 'INVALID_INPUT';
  readonly status = 400;
}

/** More rows than one answer may hold, or one bulk write may change. */
export class ResultTooLargeError extends RepositoryError {
  readonly code = 'RESULT_TOO_LARGE';
  readonly status = 400;

  constructor(entity: string, limit: number, hint = 'Narrow the filter, or read page by page with findMany.') {
    super(`${entity}: more than ${limit} rows match`, hint, { entity });
  }
}

/** A query helper got another number of rows than its name promises (004-04). */
export class UnexpectedRowCountError extends RepositoryError {
  readonly code = 'UNEXPECTED_ROW_COUNT';
  readonly status = 500;
}

/** A write was tried without an ExecutionContext: nobody could be named in the audit trail (45 CFR 164.312(a)(2)(i)). */
export class MissingContextError extends RepositoryError {
  readonly code = 'MISSING_CONTEXT';
  readonly status = 500;

  constructor(operation: string) {
    super(`${operation} needs an ExecutionContext`, 'Pass one, or run the call inside runWithContext or a request.');
  }
}

/** A write to a tenant's table was tried without a clinic. */
export class MissingTenantError extends RepositoryError {
  readonly code = 'MISSING_TENANT';
  readonly status = 403;

  constructor(entity: string) {
    super(`${entity} belongs to a clinic, and the context names none`, 'Set clinicId in the ExecutionContext.', {
      entity,
    });
  }
}

/** Row security or a missing privilege refused the statement (42501), or one unit of work was asked to serve two clinics. */
export class TenantDeniedError extends RepositoryError {
  readonly code = 'TENANT_DENIED';
  readonly status = 403;
}

/** The server or the pool did not answer in time. */
export class TimeoutError extends RepositoryError {
  readonly code = 'TIMEOUT';
  readonly status = 504;
}

/** Deadlock (40P01) or serialisation failure (40001): the transaction was rolled back and may be repeated. */
export class DeadlockError extends RepositoryError {
  readonly code = 'DEADLOCK';
  readonly status = 503;
}

/** The database cannot be reached, or no connection became free. */
export class UnavailableError extends RepositoryError {
  readonly code = 'UNAVAILABLE';
  readonly status = 503;
}

/** PostgreSQL refused a statement for a reason that has no class of its own. */
export class StatementError extends RepositoryError {
  readonly code = 'STATEMENT_FAILED';
  readonly status = 500;
}

/** A cursor of findPage was altered, made for another query or clinic, or is from before the key changed. */
export class InvalidCursorError extends RepositoryError {
  readonly code = 'INVALID_CURSOR';
  readonly status = 400;

  constructor(entity: string) {
    super(`${entity}: the cursor does not belong to this query`, 'Start again without a cursor.', { entity });
  }
}
