import { InvalidInputError } from '../../../src';
import { refuseTransactionControl } from '../../../src/database/connection/transaction-control';

describe('SQL that would change the transaction under the unit of work', () => {
  it.each([
    'BEGIN',
    'begin;',
    'START TRANSACTION',
    'COMMIT AND CHAIN',
    '  \n\tcommit',
    'END',
    'ABORT',
    'ROLLBACK TO SAVEPOINT unit_1',
    'SAVEPOINT unit_1',
    'RELEASE unit_1',
    "PREPARE  TRANSACTION 'x'",
    '-- note\nCOMMIT',
    '/* a */ /* b */ COMMIT',
    ';;COMMIT',
    'RESET ALL',
    'DISCARD ALL',
    "SET app.tenant = 'x'",
    "SET  LOCAL app.tenant = 'x'",
    'set local role phi_owner',
    'SET SESSION AUTHORIZATION phi_owner',
    'SET search_path TO x',
    'SET TIME ZONE utc',
    'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
    "SELECT set_config('app.tenant', $1, false)",
    "SELECT pg_catalog.SET_CONFIG ('app.tenant', 'x', true)",
    "SELECT ';'; COMMIT",
    "SELECT 1; /* ; */ SET app.tenant = 'x'",
    'SET TRANSACTION READ WRITE',
    'SET TRANSACTION READ ONLY',
    'SET LOCAL transaction_read_only = off',
    'SET LOCAL "transaction_read_only" = off',
    `SET LOCAL "app"."tenant" = 'x'`,
    `SET LOCAL "app.tenant" = 'x'`,
    `UPDATE pg_settings SET setting = 'x' WHERE name = 'app.tenant'`,
    "DO $$ BEGIN SET app.tenant = 'x'; END $$",
    "do 'BEGIN PERFORM set_config(''app.tenant'', ''x'', false); END'",
    'DEALLOCATE ALL',
    'LISTEN news',
  ])('is refused: %j', (sql) => {
    expect(() => refuseTransactionControl(sql)).toThrow(InvalidInputError);
  });

  it.each([
    'SELECT 1',
    'SELECT $1 -- COMMIT',
    'UPDATE x SET end_date = $1',
    'DELETE FROM commits',
    'commitments',
    'WITH rollback AS (SELECT 1) SELECT * FROM rollback',
    'SET LOCAL work_mem = 1000',
    'SET LOCAL applied.x = 1',
    'SET CONSTRAINTS ALL DEFERRED',
    'PREPARE plan AS SELECT 1',
    'DECLARE c CURSOR FOR SELECT 1',
    "SELECT 'set_config(', '; COMMIT', $$; set_config($$",
    'SELECT 1; -- COMMIT',
    'DO $$ BEGIN UPDATE x SET apparatus = 1; END $$',
    'SET LOCAL "applied.x" = 1',
    'SELECT set_configuration FROM x;',
  ])('is told from other SQL: %j', (sql) => {
    expect(() => refuseTransactionControl(sql)).not.toThrow();
  });
});
