/** Comments, and literals of every kind: dollar-quoted, with escapes, plain, cut off, numbers that are no placeholder. */
const VALUES = [
  /\/\*[\s\S]*?(?:\*\/|$)|--[^\n]*/g,
  /(?<![\w$])\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/g,
  /\be'(?:\\[\s\S]|''|[^'\\])*(?:'|$)/gi,
  /'(?:''|[^'])*(?:'|$)/g,
  /(?<![\w$."])\d[\d.]*(?:e[+-]?\d+)?\b/gi,
];

/** A statement without its values, for the log: raw SQL may carry them inline, and logs show none (phi-protection §4). */
export function fingerprint(sql: string): string {
  return VALUES.reduce((text, value) => text.replace(value, '?'), sql).replace(/\s+/g, ' ').trim();
}
