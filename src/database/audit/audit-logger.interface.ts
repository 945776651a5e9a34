import type { ExecutionContext } from '../context/execution-context';

/** Token of the audit logger (003-03). */
export const AUDIT_LOGGER = 'IAuditLogger';

/** What an audit event says happened. */
export const AuditAction = {
  CREATE: 'CREATE',
  READ: 'READ',
  UPDATE: 'UPDATE',
  DELETE: 'DELETE',
  RESTORE: 'RESTORE',
  BULK: 'BULK',
  EXPORT: 'EXPORT',
  TRANSACTION: 'TRANSACTION',
} as const;
export type AuditAction = (typeof AuditAction)[keyof typeof AuditAction];

/** Change of one attribute. */
export interface FieldChange {
  readonly before: unknown;
  readonly after: unknown;
}

/** One line of the trail. Keys of `before` and `after` are attributes; protected ones are only in `changed`. */
export interface AuditEvent {
  readonly action: string;
  readonly entity: string;
  readonly entityId: string | null;
  readonly userId: string;
  readonly userRole: string | null;
  readonly clinicId: string | null;
  readonly requestId: string | null;
  readonly ipAddress: string | null;
  readonly reason: string | null;
  readonly transactionId: string;
  readonly at: Date;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  readonly changed: readonly string[] | null;
  readonly details: Readonly<Record<string, unknown>> | null;
  /** True when the change came without a context, and `userId` is the login of the database. */
  readonly contextMissing: boolean;
}

/**
 * The audit trail's seam. Changes of rows are recorded by the database itself; these methods add what only the
 * application knows. Inside a unit of work an entry is part of it: it is rolled back with it (003-27).
 */
export interface IAuditLogger {
  logCreate(
    entity: string,
    entityId: string,
    context: ExecutionContext,
    data?: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  logRead(entity: string, entityId: string, context: ExecutionContext): Promise<void>;
  logUpdate(
    entity: string,
    entityId: string,
    context: ExecutionContext,
    changes: Readonly<Record<string, FieldChange>>,
  ): Promise<void>;
  logDelete(
    entity: string,
    entityId: string,
    context: ExecutionContext,
    data?: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  logBulkOperation(
    entity: string,
    context: ExecutionContext,
    details: { readonly operation: string; readonly ids: readonly string[] },
  ): Promise<void>;
  logExport(
    entity: string,
    context: ExecutionContext,
    details: { readonly format: string; readonly count: number },
  ): Promise<void>;
  logTransaction(
    context: ExecutionContext,
    details: { readonly operation: string; readonly outcome: string },
  ): Promise<void>;
  /** The trail of one row of the context's clinic, newest first, at most 1,000 events. */
  trail(entity: string, entityId: string, context?: ExecutionContext): Promise<readonly AuditEvent[]>;
}
