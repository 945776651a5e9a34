import { fingerprint } from '../../../src/database/connection/fingerprint';

describe('The fingerprint of a statement', () => {
  it.each([
    ["SELECT 'Canary'", 'SELECT ?'],
    ["SELECT 'it''s Canary', 'x'", 'SELECT ?, ?'],
    ["SELECT E'it\\'s Canary', U&'Canary'", 'SELECT ?, U&?'],
    ["SELECT e'\\\\', 'Canary'", 'SELECT ?, ?'],
    ['SELECT $$Canary$$, $tag$Can$$ary$tag$', 'SELECT ?, ?'],
    ["SELECT 'cut off Canary", 'SELECT ?'],
    ['SELECT $body$ cut off Canary', 'SELECT ?'],
    ['SELECT 1 -- Canary\n/* Canary */ + 2', 'SELECT ? + ?'],
    ["SELECT '-- no comment', 'Canary' /* 'no text' */, 'Canary'", 'SELECT ?, ? , ?'],
    ["SELECT '/*', 'Canary', '*/'", 'SELECT ?, ?, ?'],
    [`SELECT "it's", 'Canary'`, `SELECT "it's", ?`],
    ['SELECT 1 /* cut off Canary', 'SELECT ?'],
    ['SELECT 7301, 73.01, 1e10, -5', 'SELECT ?, ?, ?, -?'],
    ['SELECT $1, $12::int[] FROM t1 WHERE col_2 = $3', 'SELECT $1, $12::int[] FROM t1 WHERE col_2 = $3'],
    ['SELECT "name 1"\n  FROM   "t"', 'SELECT "name 1" FROM "t"'],
  ])('%s has no value', (sql, expected) => {
    expect(fingerprint(sql)).toBe(expected);
  });

  it('ends in good time, whatever the text', () => {
    for (const text of ["'", '$', '$$', 'e', '\\', '/*', '--', '1', "e'\\"])
      expect(fingerprint(text.repeat(50_000))).not.toContain('Canary');
  });
});
