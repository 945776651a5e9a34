import { randomUUID } from 'node:crypto';
import { InvalidInputError } from '../database.errors';

/**
 * Who acts, for which clinic, and why. Every write carries one; the audit trail records it
 * (45 CFR 164.312(b), requirements 003-09 and 003-36). Immutable.
 */
export interface ExecutionContext {
  /** Id of the acting user, or `system`. Text: it need not be a UUID. */
  readonly userId: string;
  readonly userRole?: string;
  /** The tenant: UUID of the clinic. Without it tenant tables show no row and accept none. */
  readonly clinicId?: string;
  /** One id for everything that a request did. Text, at most 200 characters. */
  readonly requestId: string;
  readonly ipAddress?: string;
  readonly userAgent?: string;
  /** Purpose of use, for example `TREATMENT` (HL7 PurposeOfUse). */
  readonly purposeOfUse?: string;
  /** Free text that says why, for the auditor. */
  readonly reason?: string;
}

export type ExecutionContextInput = Omit<ExecutionContext, 'requestId'> & { readonly requestId?: string };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_LENGTH = 200;
// NUL ends a string for PostgreSQL, and a lone surrogate has no UTF-8 form.
const UNSTORABLE = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** True for a UUID in its usual form of 36 characters (RFC 9562). */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** True when PostgreSQL can store the text: no NUL, no lone surrogate. */
export function isStorableText(value: string): boolean {
  return !UNSTORABLE.test(value);
}

/**
 * Makes an ExecutionContext.
 * @param input Who acts; `requestId` defaults to a new UUID.
 * @returns A frozen context.
 * @throws InvalidInputError when `userId` is empty, `clinicId` is not a UUID, or a text is too long or cannot be stored.
 */
export function createExecutionContext(input: ExecutionContextInput): ExecutionContext {
  if (!input.userId) {
    throw new InvalidInputError('ExecutionContext.userId is empty', "Name the acting user, or use 'system'.");
  }
  if (input.clinicId !== undefined && !isUuid(input.clinicId)) {
    throw new InvalidInputError('ExecutionContext.clinicId is not a UUID', 'Pass the id of the clinic.');
  }
  const context: Record<string, string> = { requestId: randomUUID() };
  for (const [key, value] of Object.entries(input)) {
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string' || value.length > MAX_LENGTH || !isStorableText(value)) {
      throw new InvalidInputError(
        `ExecutionContext.${key} must be text of at most ${MAX_LENGTH} characters without NUL or lone surrogates`,
        'Shorten or clean it before making the context.',
      );
    }
    context[key] = value;
  }
  if (context.clinicId) context.clinicId = context.clinicId.toLowerCase();
  return Object.freeze(context) as unknown as ExecutionContext;
}

/**
 * Makes the context of work that no person started: jobs, imports, migrations.
 * @param input Optionally the clinic it works for, and why.
 * @throws InvalidInputError as createExecutionContext does.
 */
export function createSystemExecutionContext(
  input: Partial<Omit<ExecutionContext, 'userId' | 'userRole'>> = {},
): ExecutionContext {
  return createExecutionContext({ ...input, userId: 'system', userRole: 'SYSTEM' });
}
