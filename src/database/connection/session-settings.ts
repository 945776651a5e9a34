import { escapeLiteral } from 'pg';
import type { ExecutionContext } from '../context/execution-context';

export type IsolationLevel = 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

/** How a transaction begins. Times in ms. */
export interface BeginOptions {
  readonly isolation?: IsolationLevel;
  readonly readOnly?: boolean;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
}

const contextLiterals = new WeakMap<ExecutionContext, string>();

/** `SET LOCAL app.context`: who acts, read by the audit triggers. Empty without a context. */
export function contextSetting(context: ExecutionContext | undefined): string {
  if (!context) return '';
  let setting = contextLiterals.get(context);
  if (!setting) {
    const { clinicId: _tenant, ...actor } = context;
    setting = `SET LOCAL app.context = ${escapeLiteral(JSON.stringify(actor))};`;
    contextLiterals.set(context, setting);
  }
  return setting;
}

/** `SET LOCAL app.tenant`: the clinic that row security lets through. Empty without one: no row is visible then. */
export function tenantSetting(context: ExecutionContext | undefined): string {
  return context?.clinicId ? `SET LOCAL app.tenant = ${escapeLiteral(context.clinicId)};` : '';
}

/**
 * The one message that begins a transaction: everything is `SET LOCAL`, because a session-level SET would reach the
 * next user of the connection (phi-protection §1).
 * @param auditable False leaves out the acting context, for a lone read.
 */
export function beginText(context: ExecutionContext | undefined, options: BeginOptions = {}, auditable = true): string {
  const isolation = options.isolation ? ` ISOLATION LEVEL ${options.isolation}` : '';
  const access = options.readOnly ? ' READ ONLY' : '';
  return (
    `START TRANSACTION${isolation}${access};` +
    tenantSetting(context) +
    (auditable ? contextSetting(context) : '') +
    (options.statementTimeoutMs ? `SET LOCAL statement_timeout = ${Math.ceil(options.statementTimeoutMs)};` : '') +
    (options.lockTimeoutMs ? `SET LOCAL lock_timeout = ${Math.ceil(options.lockTimeoutMs)};` : '')
  );
}
