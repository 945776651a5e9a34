import { TransactionOptionsError } from '../transaction.errors';
import { SKIPPED } from './transaction-control';
import type { Statement } from './statement';

/** Statements that only read, by their first word. */
const READS = /^(?:select|values|table|show)\b/i;
const EXPLAINS = /^explain\b(?![\s\S]*\b(?:insert|update|delete|merge)\b)/i;

/** True for raw SQL that is one of SELECT, VALUES, TABLE, SHOW and EXPLAIN. A function it calls may write all the same. */
export function readsOnly(sql: string): boolean {
  const text = sql.replace(SKIPPED, '');
  return READS.test(text) || EXPLAINS.test(text);
}

/** True unless the statement certainly only reads. Raw SQL is marked as a write whatever it is. */
export function isWrite({ write, operation, text }: Statement): boolean {
  return write && !(operation === 'query' && readsOnly(text));
}

/** What a joined unit with readOnly answers a write with: the server cannot refuse it, the outer unit may write. */
export function readOnlyUnit(entity?: string): TransactionOptionsError {
  return new TransactionOptionsError(
    'A write was tried in a read-only unit inside one that may write',
    'Begin the inner unit without readOnly.',
    { ...(entity ? { entity } : {}), sqlState: '25006' },
  );
}
