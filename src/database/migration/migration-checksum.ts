import { createHash } from 'node:crypto';
import { tokenizeSql } from './sql-tokens';

/**
 * sha256 (hex) of what a migration does: white space and comments may change after it ran, nothing else may. Quoted
 * text, function bodies included, counts as it stands, save line ends. In TypeScript only whole-line comments are left
 * out.
 */
export function migrationChecksum(text: string, kind: 'sql' | 'code'): string {
  const unified = text.replaceAll('\r\n', '\n').replace(/^\uFEFF/, '');
  return createHash('sha256')
    .update(kind === 'sql' ? normaliseSql(unified) : normaliseCode(unified))
    .digest('hex');
}

function normaliseSql(sql: string): string {
  const parts: string[] = [];
  for (const { kind, text } of tokenizeSql(sql)) {
    const directive = kind === 'comment' && /^--\s*migrate:/.test(text);
    const blank = kind === 'space' || kind === 'comment';
    const last = parts.at(-1);
    if (directive) {
      if (last === ' ') parts.pop();
      parts.push(`\n${text.trim().replace(/\s+/g, ' ')}\n`);
    } else if (!blank) parts.push(text);
    else if (last !== ' ' && !last?.endsWith('\n')) parts.push(' ');
  }
  return parts.join('').trim();
}

function normaliseCode(code: string): string {
  const lines = code.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('//')).join('\n');
}
