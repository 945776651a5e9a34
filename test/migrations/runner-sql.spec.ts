import { migrationChecksum } from '../../src/database/migration/migration-checksum';
import { parseSqlMigration } from '../../src/database/migration/sql-migration';
import { splitStatements } from '../../src/database/migration/sql-statements';
import { tokenizeSql } from '../../src/database/migration/sql-tokens';

function split(sql: string): string[] {
  return splitStatements(tokenizeSql(sql)).map(({ text }) => text);
}

describe('the statements of a file', () => {
  it.each([
    ['a string', `SELECT 'a;b', 'it''s;';SELECT 2`],
    ['an escape string', String.raw`SELECT E'a\';b';SELECT 2`],
    ['a quoted name', 'SELECT 1 AS "a;b";SELECT 2'],
    ['a dollar quote', 'DO $$ BEGIN PERFORM 1; END $$;SELECT 2'],
    ['a tagged dollar quote with another inside', 'DO $outer$ BEGIN EXECUTE $$ SELECT 1; $$; END $outer$;SELECT 2'],
    ['a line comment', 'SELECT 1 -- a;b\n;SELECT 2'],
    ['a nested block comment', 'SELECT 1 /* a; /* b; */ c; */;SELECT 2'],
    ['the parentheses of a rule', 'CREATE RULE r AS ON INSERT TO a DO (SELECT 1; SELECT 2);SELECT 2'],
    [
      'a function body of the SQL standard',
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;SELECT 2',
    ],
  ])('are not cut at a semicolon in %s', (_where, sql) => {
    const statements = split(sql);
    expect(statements).toHaveLength(2);
    expect(`${statements[0]};${statements[1]}`).toBe(sql);
  });

  it('do not begin a dollar quote within a name or a parameter', () => {
    expect(split('SELECT a$b$ FROM t; SELECT $1; SELECT $2')).toHaveLength(3);
  });

  it('are no statement where there is white space and comment only', () => {
    expect(split(' ; -- nothing\n ;; /* nothing */ ')).toEqual([]);
  });

  it('are read from a file of a megabyte as well', async () => {
    const file = `-- migrate:up\n${"INSERT INTO codes VALUES (1, 'one');\n".repeat(30_000)}`;
    let count = 0;
    await parseSqlMigration(file).up({ query: async () => ((count += 1), []) });
    expect(count).toBe(30_000);
    expect(migrationChecksum(file, 'sql')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('know the line in which they begin', () => {
    const lines = splitStatements(tokenizeSql('-- one\n\nSELECT 1;\n  /* two\nlines */ SELECT 2;')).map(
      ({ line }) => line,
    );
    expect(lines).toEqual([3, 5]);
  });

  it.each(['BEGIN', 'COMMIT AND CHAIN', 'START TRANSACTION', 'ROLLBACK', 'END', 'ABORT', "PREPARE TRANSACTION 'x'"])(
    'may not control the transaction: %s',
    (sql) => {
      expect(() => split(`SELECT 1;\n${sql};`)).toThrow(/Line 2 of the migration controls the transaction/);
    },
  );

  it.each(['SAVEPOINT a', 'ROLLBACK TO a', 'ROLLBACK TO SAVEPOINT a', 'PREPARE p AS SELECT 1'])('may use %s', (sql) => {
    expect(split(sql)).toEqual([sql]);
  });
});

describe('the checksum of a migration', () => {
  const sum = (sql: string): string => migrationChecksum(sql, 'sql');

  it('is blind to comments and white space between the words', () => {
    expect(sum('-- migrate:up\nSELECT 1 /* one */ ,\n\t2; -- end\n')).toBe(sum('\uFEFF-- migrate:up\r\nSELECT 1 , 2;'));
  });

  it.each([
    ['a word', 'SELECT 1;', 'SELECT 2;'],
    ['a string', `SELECT 'a  b';`, `SELECT 'a b';`],
    ['the indentation in a string', `SELECT 'a\n b';`, `SELECT 'a\nb';`],
    ['a comment in a function body', 'DO $$ BEGIN -- a\n END $$;', 'DO $$ BEGIN -- b\n END $$;'],
    ['a directive', '-- migrate:up\nSELECT 1;', '-- migrate:no-transaction\n-- migrate:up\nSELECT 1;'],
  ])('sees a change of %s', (_what, before, after) => {
    expect(sum(before)).not.toBe(sum(after));
  });

  it('is blind to whole-line comments and indentation in TypeScript', () => {
    expect(migrationChecksum('// why\nexport default {\n  up,\n};\n', 'code')).toBe(
      migrationChecksum('export default {\n\tup,\n};', 'code'),
    );
    expect(migrationChecksum('export default { up };', 'code')).not.toBe(
      migrationChecksum('export default { down };', 'code'),
    );
  });
});
