import type { Scope } from '../connection/scope/scope';
import { type BeginOptions, ISOLATION_LEVELS, isStronger, twoClinics } from '../connection/session-settings';
import type { ExecutionContext } from '../context/execution-context';
import { TransactionOptionsError } from '../transaction.errors';
import { PROPAGATIONS } from './propagation';
import type { RetryOptions, TransactionOptions } from './unit-of-work.interface';

/** What a timer of Node and a setting of PostgreSQL hold. */
const MAX_TIMEOUT_MS = 2_147_483_647;
const MAX_ATTEMPTS = 10;

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 1 && value <= MAX_TIMEOUT_MS;
const TIME = `a number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`;

type Rule = readonly [valid: (value: unknown) => boolean, wanted: string];

const RULES: Readonly<Record<keyof TransactionOptions, Rule>> = {
  propagation: [(value) => PROPAGATIONS.includes(value as never), `one of ${PROPAGATIONS.join(', ')}`],
  isolation: [(value) => ISOLATION_LEVELS.includes(value as never), `one of ${ISOLATION_LEVELS.join(', ')}`],
  readOnly: [isBoolean, 'true or false'],
  timeoutMs: [isTime, TIME],
  statementTimeoutMs: [isTime, TIME],
  lockTimeoutMs: [isTime, TIME],
  retry: [(value) => value === false || isRetry(value), `false, or { attempts: 1 to ${MAX_ATTEMPTS}, conflicts }`],
  idempotent: [isBoolean, 'true or false'],
  dataSource: [(value) => typeof value === 'string', 'the name of a data source'],
  signal: [(value) => value instanceof AbortSignal, 'an AbortSignal'],
};

const RETRY_RULES: Readonly<Record<keyof RetryOptions, (value: unknown) => boolean>> = {
  attempts: (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_ATTEMPTS,
  conflicts: isBoolean,
};

function isRetry(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(
    ([key, entry]) =>
      entry === undefined || (Object.hasOwn(RETRY_RULES, key) && RETRY_RULES[key as keyof RetryOptions](entry)),
  );
}

/** @throws TransactionOptionsError for an option that is unknown, or whose value is. */
export function requireOptions(options: TransactionOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TransactionOptionsError('The options of a unit of work are an object', 'Leave them out, or pass one.');
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(RULES, name)) {
      throw new TransactionOptionsError(
        'A unit of work does not know one of its options',
        `Use ${Object.keys(RULES).join(', ')}.`,
      );
    }
    const [valid, wanted] = RULES[name as keyof TransactionOptions];
    if (value !== undefined && !valid(value)) {
      throw new TransactionOptionsError(`The option ${name} must be ${wanted}`, 'Correct the option.');
    }
  }
}

/** How the transaction of an outermost unit begins. */
export function beginOptions(options: TransactionOptions): BeginOptions {
  const statementTimeoutMs = options.statementTimeoutMs ?? options.timeoutMs;
  return {
    ...(options.isolation ? { isolation: options.isolation } : {}),
    ...(options.readOnly ? { readOnly: true } : {}),
    ...(statementTimeoutMs ? { statementTimeoutMs } : {}),
    ...(options.lockTimeoutMs ? { lockTimeoutMs: options.lockTimeoutMs } : {}),
  };
}

/**
 * What an open transaction cannot change any more is an error, never ignored.
 * @throws TenantDeniedError for another clinic.
 * @throws TransactionOptionsError for a stronger isolation, for writing where the unit is read-only, and for shorter
 * limits of the server, which hold for the whole transaction.
 */
export function refuseChange(
  outer: Scope,
  context: ExecutionContext | undefined,
  { isolation, readOnly, statementTimeoutMs, lockTimeoutMs }: TransactionOptions,
): void {
  const open = outer.options;
  if (context && outer.context && context.clinicId !== outer.context.clinicId) throw twoClinics();
  if (isolation && isStronger(isolation, open.isolation)) {
    throw onOutermost('The open unit of work has a weaker isolation level');
  }
  if (readOnly === false && outer.refusesWrites) {
    throw new TransactionOptionsError(
      'The open unit of work is read-only',
      'Begin the outermost unit without readOnly.',
    );
  }
  if (isShorter(statementTimeoutMs, open.statementTimeoutMs) || isShorter(lockTimeoutMs, open.lockTimeoutMs)) {
    throw onOutermost('The open unit of work has no limit as short as that');
  }
}

/** @throws TransactionOptionsError for what needs a transaction where there is none. */
export function refuseWithoutTransaction(options: TransactionOptions): void {
  const { isolation, readOnly, statementTimeoutMs, lockTimeoutMs } = options;
  if (!isolation && !readOnly && statementTimeoutMs === undefined && lockTimeoutMs === undefined) return;
  throw new TransactionOptionsError(
    'Isolation, readOnly and limits of the server hold for a transaction, and there is none',
    'Leave them out, or use REQUIRED.',
  );
}

const isShorter = (wanted: number | undefined, open = Number.POSITIVE_INFINITY): boolean =>
  wanted !== undefined && wanted < open;

const onOutermost = (message: string): TransactionOptionsError =>
  new TransactionOptionsError(message, 'Set it on the outermost unit.');
