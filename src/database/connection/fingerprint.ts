/** What may hold anything, in one pass: a quote inside a comment is none, nor is a comment inside quotes. */
const PARTS = new RegExp(
  [
    '(?<comment>--[^\\n]*|/\\*[\\s\\S]*?(?:\\*/|$))',
    '(?<name>"[^"]*(?:"|$))',
    '(?<![\\w$])\\$(?<tag>[A-Za-z_]\\w*|)\\$[\\s\\S]*?(?:\\$\\k<tag>\\$|$)',
    "\\b[eE]'(?:\\\\[\\s\\S]|''|[^'\\\\])*(?:'|$)",
    "'(?:''|[^'])*(?:'|$)",
    '(?<![\\w$.])\\d[\\d.]*(?:[eE][+-]?\\d+)?\\b',
  ].join('|'),
  'g',
);

/**
 * A statement without its values and comments, for the log: raw SQL may carry values inline, and logs show none
 * (phi-protection §4).
 */
export function fingerprint(sql: string): string {
  return sql
    .replace(PARTS, (_part, ...rest) => {
      const { comment, name } = rest.at(-1) as { comment?: string; name?: string };
      return comment === undefined ? (name ?? '?') : ' ';
    })
    .replace(/\s+/g, ' ')
    .trim();
}
