import type { StatementRunner } from '../connection/statement-runner';
import { type ExecutionContext, isStorableText } from '../context/execution-context';
import { InvalidInputError } from '../database.errors';
import { attributeName } from '../model/attribute-name';
import { AuditAction, type AuditEvent, type FieldChange, type IAuditLogger } from './audit-logger.interface';
import { sanitizeSensitiveData } from './sanitize-sensitive-data';

type Details = Readonly<Record<string, unknown>>;

const MAX_EVENTS = 1_000;
const IDS_PER_EVENT = 1_000;

/** Writes and reads the trail through two functions: the table is closed to the role of the application. */
export class AuditLogger implements IAuditLogger {
  constructor(private readonly runner: StatementRunner) {}

  logCreate(entity: string, entityId: string, context: ExecutionContext, data?: Details): Promise<void> {
    return this.write(AuditAction.CREATE, entity, entityId, context, data);
  }

  logRead(entity: string, entityId: string, context: ExecutionContext): Promise<void> {
    return this.write(AuditAction.READ, entity, entityId, context);
  }

  logUpdate(
    entity: string,
    entityId: string,
    context: ExecutionContext,
    changes: Readonly<Record<string, FieldChange>>,
  ): Promise<void> {
    return this.write(AuditAction.UPDATE, entity, entityId, context, changes);
  }

  logDelete(entity: string, entityId: string, context: ExecutionContext, data?: Details): Promise<void> {
    return this.write(AuditAction.DELETE, entity, entityId, context, data);
  }

  /** One event for every 1,000 ids: an event holds 64 KB of details. */
  async logBulkOperation(
    entity: string,
    context: ExecutionContext,
    details: { operation: string; ids: readonly string[] },
  ): Promise<void> {
    const { ids, ...rest } = details;
    for (let from = 0; from === 0 || from < ids.length; from += IDS_PER_EVENT) {
      await this.write(AuditAction.BULK, entity, null, context, {
        ...rest,
        ids: ids.slice(from, from + IDS_PER_EVENT),
      });
    }
  }

  logExport(entity: string, context: ExecutionContext, details: { format: string; count: number }): Promise<void> {
    return this.write(AuditAction.EXPORT, entity, null, context, details);
  }

  logTransaction(context: ExecutionContext, details: { operation: string; outcome: string }): Promise<void> {
    return this.write(AuditAction.TRANSACTION, 'Transaction', null, context, details);
  }

  async trail(entity: string, entityId: string, context?: ExecutionContext): Promise<readonly AuditEvent[]> {
    const { rows } = await this.runner.run<AuditEvent>(
      {
        text: `SELECT action, entity, entity_id AS "entityId", user_id AS "userId", user_role AS "userRole",
          clinic_id AS "clinicId", request_id AS "requestId", ip_address AS "ipAddress", reason,
          transaction_id AS "transactionId", at, before, after, changed, details,
          context_missing AS "contextMissing"
          FROM audit.trail($1, $2, $3)`,
        values: [entity, entityId, MAX_EVENTS],
        operation: 'audit.trail',
        entity: 'AuditEvent',
        // Reading the trail is itself an event.
        write: true,
      },
      context ? { context } : {},
    );
    return rows.map((row) => Object.freeze({ ...row, ...attributeNames(row) }));
  }

  private async write(
    action: AuditAction,
    entity: string,
    entityId: string | null,
    context: ExecutionContext,
    details?: object,
  ): Promise<void> {
    if (!entity) throw new InvalidInputError('An audit event needs the name of its entity', 'Pass it.');
    // The driver would store a lone surrogate as another character: the event would name another record.
    if (!isStorableText(entity) || !isStorableText(entityId ?? '')) {
      throw new InvalidInputError(
        'An audit event names text without NUL or lone surrogates',
        'Pass the id as it is stored.',
      );
    }
    await this.runner.run(
      {
        text: 'SELECT audit.write($1, $2, $3, $4::jsonb)',
        values: [action, entity, entityId, details ? toJson(sanitizeSensitiveData(details, entity)) : null],
        operation: 'audit.write',
        entity: 'AuditEvent',
        write: true,
      },
      { context },
    );
  }
}

/** JSON has no bigint; its digits are kept as text. */
const toJson = (details: object): string =>
  JSON.stringify(details, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

/** The triggers know columns; readers know attributes. */
function attributeNames(event: AuditEvent): Pick<AuditEvent, 'before' | 'after' | 'changed'> {
  const keys = (image: AuditEvent['before']) =>
    image && Object.fromEntries(Object.entries(image).map(([column, value]) => [attributeName(column), value]));
  return {
    before: keys(event.before),
    after: keys(event.after),
    changed: event.changed?.map((column) => attributeName(column)) ?? null,
  };
}
