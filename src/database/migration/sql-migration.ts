import type { Irreversible, MigrationContext, MigrationStep } from './define-migration';
import { MigrationFileError } from './migration.errors';
import { splitStatements, type SqlStatement } from './sql-statements';
import { tokenizeSql, type SqlToken } from './sql-tokens';

/** What a plain SQL file declares. */
export interface SqlMigration {
  readonly up: MigrationStep;
  /** Undefined when the file has no down part. */
  readonly down: MigrationStep | Irreversible | undefined;
  readonly transaction: boolean;
}

/** Tells the runner in which line of the file the statement began that failed. */
export class SqlStatementFailure extends Error {
  constructor(
    readonly line: number,
    override readonly cause: unknown,
  ) {
    super(`The statement in line ${line} failed`);
  }
}

const DIRECTIVE = /^--\s*migrate:(\S+)\s*(.*)$/;

/**
 * Reads `-- migrate:up`, `-- migrate:down`, `-- migrate:no-transaction` and `-- migrate:irreversible REASON`.
 * @throws MigrationFileError on an unknown directive, a missing up part or statements before it.
 */
export function parseSqlMigration(sql: string): SqlMigration {
  const head: SqlToken[] = [];
  const parts = new Map<string, SqlToken[]>();
  let current = head;
  let transaction = true;
  let reason: string | undefined;
  for (const token of tokenizeSql(sql)) {
    const [, directive, rest] = (token.kind === 'comment' && DIRECTIVE.exec(token.text.trimEnd())) || [];
    if (directive === undefined) current.push(token);
    else if (directive === 'no-transaction') transaction = false;
    else if (directive === 'irreversible') reason = rest || 'no reason given';
    else if ((directive === 'up' || directive === 'down') && !parts.has(directive)) {
      current = [];
      parts.set(directive, current);
    } else throw unusable(`Line ${token.line}: migrate:${directive} is unknown or given twice`);
  }
  const up = parts.get('up');
  const down = parts.get('down');
  if (!up) throw unusable('There is no line "-- migrate:up"');
  if (splitStatements(head).length > 0) throw unusable('There are statements before "-- migrate:up"');
  if (down && reason !== undefined) throw unusable('The migration has a down part and says it is irreversible');
  return {
    up: runAll(splitStatements(up)),
    down: down ? runAll(splitStatements(down)) : reason === undefined ? undefined : { irreversible: reason },
    transaction,
  };
}

function runAll(statements: readonly SqlStatement[]): MigrationStep {
  return async ({ query }: MigrationContext) => {
    for (const { text, line } of statements) {
      try {
        await query(text);
      } catch (error) {
        throw new SqlStatementFailure(line + linesBefore(text, error), error);
      }
    }
  };
}

/** PostgreSQL gives the character of the statement at which it stumbled, from 1. */
function linesBefore(text: string, error: unknown): number {
  const position = Number((error as { position?: string }).position ?? 1);
  return text.slice(0, position - 1).split('\n').length - 1;
}

function unusable(message: string): MigrationFileError {
  return new MigrationFileError(
    message,
    'A file has "-- migrate:up" and then "-- migrate:down" or, above, "-- migrate:irreversible REASON".',
  );
}
