import {
  CheckViolationError,
  DatabaseError,
  DeadlockError,
  ForeignKeyViolationError,
  InvalidInputError,
  NotNullViolationError,
  StatementError,
  TenantDeniedError,
  TimeoutError,
  UnavailableError,
  UniqueViolationError,
} from '../database.errors';
import { TransactionOptionsError } from '../transaction.errors';
import { attributeName } from '../model/attribute-name';

/** What is safe to read of an error of `pg`: names and codes. Its message, detail and where carry values. */
interface ServerError {
  readonly code?: string;
  readonly constraint?: string;
  readonly column?: string;
  readonly severity?: string;
}

type Mapping = (entity: string | undefined, safe: ServerError) => DatabaseError;

const BY_STATE: Record<string, Mapping> = {
  '23505': (entity, safe) =>
    new UniqueViolationError(
      `${entity ?? 'Row'} exists already`,
      'Use another value, or update the existing row.',
      names(entity, safe),
    ),
  '23503': (entity, safe) =>
    new ForeignKeyViolationError(
      `${entity ?? 'Row'} refers to a row that does not exist in this clinic, or is still referred to`,
      'Check the ids that the constraint names.',
      names(entity, safe),
    ),
  '23514': (entity, safe) =>
    new CheckViolationError(
      `${entity ?? 'Row'} breaks a rule of the schema`,
      'Correct the column that the constraint names.',
      names(entity, safe),
    ),
  '23000': (entity, safe) =>
    new CheckViolationError(
      `${entity ?? 'Row'}: the id and the clinic of a row cannot change`,
      'Create a new row instead.',
      names(entity, safe),
    ),
  '23502': (entity, safe) =>
    new NotNullViolationError(
      `${entity ?? 'Row'} lacks a required value`,
      'Give the attribute a value.',
      names(entity, safe),
    ),
  '42501': (entity, safe) =>
    new TenantDeniedError(
      `${entity ?? 'Statement'} was refused by row security or privileges`,
      'Check that the context names the right clinic; the application role may not do more.',
      names(entity, safe),
    ),
  '40001': (entity, safe) =>
    new DeadlockError('The transaction could not be serialised', 'Repeat the unit of work.', names(entity, safe)),
  '40P01': (entity, safe) =>
    new DeadlockError('The transaction was the victim of a deadlock', 'Repeat the unit of work.', names(entity, safe)),
  '57014': (entity, safe) =>
    new TimeoutError('The statement was cancelled', 'Narrow it, or raise DB_STATEMENT_TIMEOUT.', names(entity, safe)),
  '55P03': (entity, safe) =>
    new TimeoutError('A lock did not become free in time', 'Repeat the call later.', names(entity, safe)),
  '08P01': (entity, safe) =>
    new InvalidInputError(
      `${entity ?? 'Statement'}: the parameters do not match the statement`,
      'Pass one for each placeholder, at most 65,535.',
      names(entity, safe),
    ),
  '25006': (entity, safe) =>
    new TransactionOptionsError(
      'A write was tried in a read-only transaction',
      'Begin the unit of work without readOnly.',
      names(entity, safe),
    ),
};

function names(entity: string | undefined, safe: ServerError) {
  return {
    entity,
    constraint: safe.constraint,
    attribute: safe.column ? attributeName(safe.column) : undefined,
    sqlState: safe.code,
  };
}

/** SQLSTATEs with which PostgreSQL ends a session. */
const ENDS_SESSION = /^(08|57P0|25P0[34])/;

/** True when PostgreSQL itself answered with an error that leaves the connection usable. */
export function isServerAnswer(error: unknown): boolean {
  const { code, severity } = (error ?? {}) as ServerError;
  if (typeof code !== 'string' || code.length !== 5 || severity === undefined) return false;
  // The server translates the severity (lc_messages), so that only FATAL and PANIC can be told from it, and not always.
  return severity === 'ERROR' || (severity !== 'FATAL' && severity !== 'PANIC' && !ENDS_SESSION.test(code));
}

/** The SQLSTATE of a server error, else undefined. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as ServerError;
  return typeof code === 'string' && code.length === 5 && severity !== undefined ? code : undefined;
}

/**
 * Rebuilds an error of the driver, the pool or Sequelize as one of ours. Only names and the SQLSTATE are kept: the
 * original carries values in its message, detail, parameters and SQL (unit-of-work §3), so it is not kept as cause.
 */
export function mapError(error: unknown, entity?: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const original = (error as { original?: unknown; parent?: unknown } | undefined)?.original ?? error;
  const safe = (original ?? {}) as ServerError;
  const state = sqlStateOf(original);
  if (state) {
    const mapping = BY_STATE[state];
    if (mapping) return mapping(entity, safe);
    if (state.startsWith('22')) {
      return new InvalidInputError(
        `${entity ?? 'Statement'}: a value does not fit its column`,
        'Check types, lengths and ranges.',
        names(entity, safe),
      );
    }
    if (/^(08|28|3D|53|57P)/.test(state)) return unavailable(entity, state);
    return new StatementError(
      `${entity ?? 'Statement'} failed`,
      'Look up the SQLSTATE; the values are not logged on purpose.',
      names(entity, safe),
    );
  }
  if ((error as Error | undefined)?.message === 'Query read timeout') {
    return new TimeoutError('The server did not answer in time', 'Check the server and the network.', { entity });
  }
  return unavailable(entity);
}

function unavailable(entity: string | undefined, sqlState?: string): UnavailableError {
  return new UnavailableError(
    'The database cannot be reached, or no connection became free',
    'Check the server and DB_POOL_MAX; repeat later.',
    {
      entity,
      sqlState,
    },
  );
}
