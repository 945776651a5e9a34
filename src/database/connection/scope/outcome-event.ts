import type { Statement } from '../statement';

const audit = (text: string, values: readonly unknown[], name?: string): Statement => ({
  text,
  values,
  ...(name ? { name } : {}),
  operation: 'audit.write',
  entity: 'AuditEvent',
  write: true,
});

/** Asks for the id of the transaction; null while nothing was written. A savepoint has the id of its transaction. */
export const TRANSACTION_ID: Statement = {
  text: 'SELECT pg_current_xact_id_if_assigned()::text AS id',
  values: [],
  name: 'phi_transaction_id',
  operation: 'transaction',
  write: false,
};

/** Travels with COMMIT: the outcome of a unit is stored with what it wrote, or neither (003-26, 003-38). */
export const COMMITTED: Statement = audit(
  `SELECT audit.write('TRANSACTION', 'Transaction', pg_current_xact_id_if_assigned()::text, '{"outcome":"COMMITTED"}')
  WHERE pg_current_xact_id_if_assigned() IS NOT NULL`,
  [],
  'phi_outcome_committed',
);

/**
 * Says that a unit which had written was not committed, or that nobody knows.
 * @param code Of the error that ended it; never its message.
 */
export function notCommitted(outcome: 'ROLLED_BACK' | 'UNKNOWN', transactionId: string, code?: string): Statement {
  const details = JSON.stringify({ outcome, transactionId, ...(code ? { code } : {}) });
  return audit(`SELECT audit.write('TRANSACTION', 'Transaction', $1, $2::jsonb)`, [transactionId, details]);
}
