import { MigrationFileError } from './migration.errors';

/** A piece of SQL text. Quoted covers strings, quoted names and dollar-quoted bodies. */
export interface SqlToken {
  readonly kind: 'space' | 'comment' | 'quoted' | 'word' | 'symbol';
  readonly text: string;
  /** Line of its first character, from 1. */
  readonly line: number;
}

const SPACE = /\s+/y;
const LINE_COMMENT = /--[^\n]*/y;
const COMMENT_EDGE = /\/\*|\*\//g;
const ESCAPE_STRING = /[eE]'(?:[^'\\]|\\[\s\S]|'')*'/y;
const STRING = /'(?:[^']|'')*'/y;
const QUOTED_NAME = /"(?:[^"]|"")*"/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;

/**
 * Cuts SQL into pieces that, joined, are the text again. It knows just enough of PostgreSQL's lexical rules (manual,
 * 4.1) to tell where a semicolon ends a statement and what is a comment.
 * @throws MigrationFileError when a string or comment has no end.
 */
export function tokenizeSql(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let line = 1;
  for (let at = 0; at < sql.length;) {
    const [kind, text] = nextToken(sql, at, line);
    tokens.push({ kind, text, line });
    line += text.split('\n').length - 1;
    at += text.length;
  }
  return tokens;
}

function nextToken(sql: string, at: number, line: number): [SqlToken['kind'], string] {
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0];
  };
  const space = match(SPACE);
  if (space) return ['space', space];
  const comment = sql.startsWith('/*', at) ? blockComment(sql, at, line) : match(LINE_COMMENT);
  if (comment) return ['comment', comment];
  const quoted = match(ESCAPE_STRING) ?? match(STRING) ?? match(QUOTED_NAME);
  if (quoted) return ['quoted', quoted];
  const tag = match(DOLLAR_TAG);
  if (tag) return ['quoted', dollarQuoted(sql, at, tag, line)];
  const word = match(WORD);
  if (word) return ['word', word];
  const symbol = sql[at] ?? '';
  if (symbol === "'" || symbol === '"') throw unterminated('quote', line);
  return ['symbol', symbol];
}

/** Block comments nest in PostgreSQL. */
function blockComment(sql: string, at: number, line: number): string {
  COMMENT_EDGE.lastIndex = at;
  for (let depth = 0; ;) {
    const edge = COMMENT_EDGE.exec(sql);
    if (!edge) throw unterminated('comment', line);
    depth += edge[0] === '/*' ? 1 : -1;
    if (depth === 0) return sql.slice(at, COMMENT_EDGE.lastIndex);
  }
}

function dollarQuoted(sql: string, at: number, tag: string, line: number): string {
  const end = sql.indexOf(tag, at + tag.length);
  if (end < 0) throw unterminated(`${tag} quote`, line);
  return sql.slice(at, end + tag.length);
}

function unterminated(what: string, line: number): MigrationFileError {
  return new MigrationFileError(`The ${what} that begins in line ${line} has no end`, 'Close it.');
}
