import { escapeLiteral } from 'pg';
import { type ExecutionContext, isUuid } from '../context/execution-context';
import { InvalidInputError, TenantDeniedError } from '../database.errors';

/** Weakest first. */
export const ISOLATION_LEVELS = ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const;

export type IsolationLevel = (typeof ISOLATION_LEVELS)[number];

/** How a transaction begins. Times in ms. */
export interface BeginOptions {
  readonly isolation?: IsolationLevel;
  readonly readOnly?: boolean;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
}

const contextLiterals = new WeakMap<ExecutionContext, string>();

/**
 * `SET LOCAL app.context`: who acts, read by the audit triggers. Empty without a context.
 * @throws InvalidInputError for a context made by hand that holds something else than plain data.
 */
export function contextSetting(context: ExecutionContext | undefined): string {
  if (!context) return '';
  let setting = contextLiterals.get(context);
  if (!setting) {
    const { clinicId: _tenant, ...actor } = context;
    setting = `SET LOCAL app.context = ${escapeLiteral(asJson(actor))};`;
    // A context made by hand may name another actor the next time.
    if (Object.isFrozen(context)) contextLiterals.set(context, setting);
  }
  return setting;
}

function asJson(actor: object): string {
  try {
    return JSON.stringify(actor);
  } catch {
    throw new InvalidInputError(
      'The ExecutionContext cannot be written as JSON',
      'Make contexts with createExecutionContext.',
    );
  }
}

/**
 * `SET LOCAL app.tenant`: the clinic that row security lets through. Empty without one: no row is visible then.
 * @throws InvalidInputError for a context made by hand whose clinic is not a UUID: the begin would fail, and what
 * travels behind it would run outside any transaction.
 */
export function tenantSetting(clinicId: string | undefined): string {
  if (!clinicId) return '';
  if (!isUuid(clinicId)) {
    throw new InvalidInputError(
      'ExecutionContext.clinicId is not a UUID',
      'Make contexts with createExecutionContext.',
    );
  }
  return `SET LOCAL app.tenant = ${escapeLiteral(clinicId)};`;
}

/** One transaction has one tenant (phi-protection §1). */
export function twoClinics(): TenantDeniedError {
  return new TenantDeniedError(
    'One unit of work cannot serve two clinics',
    'Run a unit of work for each clinic, with a context that names it.',
  );
}

/** True when `wanted` promises more than the open transaction gives; PostgreSQL's usual default is the weakest. */
export function isStronger(wanted: IsolationLevel, open: IsolationLevel = 'READ COMMITTED'): boolean {
  return ISOLATION_LEVELS.indexOf(wanted) > ISOLATION_LEVELS.indexOf(open);
}

/**
 * The one message that begins a transaction: everything is `SET LOCAL`, because a session-level SET would reach the
 * next user of the connection (phi-protection §1).
 * @param settings Tenant and acting context, as `SET LOCAL` statements.
 */
export function beginText(settings: string, options: BeginOptions = {}): string {
  const isolation = options.isolation ? ` ISOLATION LEVEL ${options.isolation}` : '';
  const access = options.readOnly ? ' READ ONLY' : ' READ WRITE';
  return (
    `START TRANSACTION${isolation}${access};${settings}` +
    (options.statementTimeoutMs ? `SET LOCAL statement_timeout = ${Math.ceil(options.statementTimeoutMs)};` : '') +
    (options.lockTimeoutMs ? `SET LOCAL lock_timeout = ${Math.ceil(options.lockTimeoutMs)};` : '')
  );
}
