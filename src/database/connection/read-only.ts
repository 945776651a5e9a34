import { TransactionOptionsError } from '../transaction.errors';
import { fingerprint } from './fingerprint';
import { SKIPPED } from './transaction-control';
import type { Statement } from './statement';

/** Statements that only read, by their first word. */
const READS = /^(?:select|values|table|show)\b/i;
const EXPLAINS = /^explain\b(?![\s\S]*\b(?:insert|update|delete|merge)\b)/i;

/** True for raw SQL that is made of SELECT, VALUES, TABLE, SHOW and EXPLAIN only. A function it calls may write all the same. */
export function readsOnly(sql: string): boolean {
  // Without binds one text may hold several statements; a value may hold the sign that parts them.
  const statements = sql.includes(';') ? fingerprint(sql).split(';') : [sql];
  return statements
    .map((statement) => statement.replace(SKIPPED, ''))
    .every((statement) => statement === '' || READS.test(statement) || EXPLAINS.test(statement));
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
