import { InvalidInputError } from '../database.errors';
import { fingerprint } from './fingerprint';

/** White space, comments and empty statements, which PostgreSQL skips. */
export const SKIPPED = /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;

/**
 * Statements that end or change the transaction under the unit of work, or outlive it on the connection: a
 * session-level SET would reach the next user. SET TRANSACTION could take readOnly back.
 */
const REFUSED = new RegExp(
  [
    '^(?:begin|start|commit|end|rollback|abort|savepoint|release|prepare\\s+transaction|reset|discard|deallocate|listen)\\b',
    '^set\\s+(?!(?:local|constraints)\\b)',
    '^set\\s+local\\s+"?(?:session|role|app"?\\s*\\.|transaction)',
    // The same as SET, as a table.
    '^update\\s+(?:"?pg_catalog"?\\s*\\.\\s*)?"?pg_settings\\b',
    // A cursor that is held shows its rows to whoever gets the connection next.
    '^declare\\b[\\s\\S]*\\bwith\\s+hold\\b',
  ].join('|'),
  'i',
);

/** The same as SET, as a function. */
const SET_CONFIG = /\bset_config\s*\(/i;

/** A block whose body, which is a quoted text, does the same. */
const BLOCK =
  /^do\b[\s\S]*\b(?:set_config\b|set\s+(?:local\s+|session\s+)?"?(?:app"?\s*\.|role\b|session|transaction))/i;

/** @throws InvalidInputError for transaction control and session settings, which belong to the unit of work. */
export function refuseTransactionControl(sql: string): void {
  // Values may hold either word; most statements hold neither.
  const text = /;|set_config/i.test(sql) ? fingerprint(sql) : sql;
  const refused =
    SET_CONFIG.test(text) ||
    BLOCK.test(sql.replace(SKIPPED, '')) ||
    text.split(';').some((statement) => REFUSED.test(statement.replace(SKIPPED, '')));
  if (refused) {
    throw new InvalidInputError(
      'Transaction control and session settings are not run as queries',
      'Use executeInTransaction.',
    );
  }
}
