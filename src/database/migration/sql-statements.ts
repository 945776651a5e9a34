import { MigrationFileError } from './migration.errors';
import type { SqlToken } from './sql-tokens';

/** One statement of a file. */
export interface SqlStatement {
  readonly text: string;
  /** Line of the file in which `text` begins, from 1. */
  readonly line: number;
}

const TRANSACTION_CONTROL = /^(BEGIN|START|COMMIT|ABORT|END|ROLLBACK|PREPARE)$/i;

/** Splits at the semicolons that end a statement: not those in a rule's parentheses or in a BEGIN ATOMIC body. */
export function splitStatements(tokens: readonly SqlToken[]): SqlStatement[] {
  const statements: SqlStatement[] = [];
  let current: SqlToken[] = [];
  let parentheses = 0;
  let atomic = 0;
  let previousWord = '';
  for (const token of tokens) {
    current.push(token);
    if (token.kind === 'word') {
      const word = token.text.toUpperCase();
      if (word === 'ATOMIC' && previousWord === 'BEGIN') atomic = 1;
      else if (atomic > 0 && word === 'CASE') atomic += 1;
      else if (atomic > 0 && word === 'END') atomic -= 1;
      previousWord = word;
    }
    if (token.text === '(') parentheses += 1;
    if (token.text === ')') parentheses -= 1;
    if (token.text === ';' && parentheses === 0 && atomic === 0) {
      addStatement(statements, current.slice(0, -1));
      current = [];
    }
  }
  addStatement(statements, current);
  return statements;
}

/**
 * The runner owns the transaction: a COMMIT in a migration would leave half of it behind when the rest fails.
 * ROLLBACK TO SAVEPOINT is allowed.
 * @throws MigrationFileError
 */
export function refuseTransactionControl(tokens: readonly SqlToken[]): void {
  const meaningful = tokens.filter(({ kind }) => kind !== 'space' && kind !== 'comment');
  const [first, second] = meaningful.map(({ text }) => text.toUpperCase());
  if (!first || !TRANSACTION_CONTROL.test(first)) return;
  if (first === 'ROLLBACK' && (second === 'TO' || meaningful[2]?.text.toUpperCase() === 'TO')) return;
  if (first === 'PREPARE' && second !== 'TRANSACTION') return;
  throw new MigrationFileError(
    `Line ${meaningful[0]?.line} of the migration controls the transaction itself (${first})`,
    'Remove it: each migration runs in one transaction together with its history row.',
  );
}

function addStatement(statements: SqlStatement[], tokens: readonly SqlToken[]): void {
  const first = tokens.findIndex(({ kind }) => kind !== 'space' && kind !== 'comment');
  if (first < 0) return;
  refuseTransactionControl(tokens.slice(first));
  statements.push({
    text: tokens
      .slice(first)
      .map(({ text }) => text)
      .join(''),
    line: tokens[first]?.line ?? 1,
  });
}
