import type { Client } from 'pg';
import { readOptions } from '../../src/database/database.options';
import { newMigrationFolder } from '../../src/database/migration/create-migration';
import { migrateOnStart } from '../../src/database/migration/migrate-on-start';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database';
import { MigrationFolder, runnerFor } from '../support/migration-folder';

let database: TestDatabase;
let own: MigrationFolder;
let application: MigrationFolder;
let client: Client;

beforeEach(async () => {
  database = await createEmptyDatabase();
  client = await database.superClient();
  own = new MigrationFolder()
    .sql('0001-one', 'CREATE TABLE one (id int);', 'DROP TABLE one;')
    .sql('0002-two', 'CREATE TABLE two (id int);', 'DROP TABLE two;');
  application = new MigrationFolder().sql('0001-mine', 'CREATE TABLE mine AS TABLE two;', 'DROP TABLE mine;');
});

afterEach(async () => {
  own.remove();
  application.remove();
  await database.drop();
});

const runner = (): ReturnType<typeof runnerFor> => runnerFor(database, [own, application]);

describe('migrations of the application', () => {
  it('run after the ones of the package, with numbers and a history of their own', async () => {
    await expect(runner().migrate()).resolves.toEqual(['0001-one', '0002-two', 'application:0001-mine']);
    const { rows } = await client.query('SELECT source, name FROM phi.migration ORDER BY id');
    expect(rows).toEqual([
      { source: 'package', name: '0001-one' },
      { source: 'package', name: '0002-two' },
      { source: 'application', name: '0001-mine' },
    ]);
    await expect(runner().status()).resolves.toMatchObject([
      { source: 'package', name: '0001-one', state: 'applied' },
      { source: 'package', name: '0002-two', state: 'applied' },
      { source: 'application', name: '0001-mine', state: 'applied' },
    ]);
  });

  it('do not make a later update of the package out of order, and go back in the order of application', async () => {
    await runner().migrate();
    own.sql('0003-three', 'CREATE TABLE three (id int);', 'DROP TABLE three;');
    await expect(runner().migrate()).resolves.toEqual(['0003-three']);
    await expect(runner().rollback({ step: 3 })).resolves.toEqual(['0003-three', 'application:0001-mine', '0002-two']);
  });

  it('may bear the name of one of the package', async () => {
    application.sql('0002-two', 'CREATE TABLE other (id int);', 'DROP TABLE other;');
    await expect(runner().migrate()).resolves.toContain('application:0002-two');
    await expect(runner().rollback()).resolves.toEqual(['application:0002-two']);
    await expect(runner().migrate()).resolves.toEqual(['application:0002-two']);
  });

  it('want --to to say whose number it is where both have it', async () => {
    await expect(runner().migrate({ to: '1', plan: true })).rejects.toMatchObject({
      code: 'MIGRATION_FILE',
      hint: expect.stringContaining('application:1'),
    });
    await expect(runner().migrate({ to: 'package:0001' })).resolves.toEqual(['0001-one']);
    await expect(runner().migrate({ to: 'application:0001' })).resolves.toEqual(['0002-two', 'application:0001-mine']);
    await expect(runner().rollback({ to: '0002' })).resolves.toEqual(['application:0001-mine']);
  });

  it('are missing where their folder was not named, and the hint names the variable', async () => {
    await runner().migrate();
    await expect(runnerFor(database, [own]).migrate()).rejects.toMatchObject({
      code: 'MIGRATION_HISTORY',
      message: expect.stringContaining('application:0001-mine was applied, and its file is gone'),
      hint: expect.stringContaining('DB_MIGRATIONS_DIR'),
    });
  });

  it('are applied when the application starts', async () => {
    const migrated = await createTestDatabase();
    application.sql('0001-mine', 'CREATE TABLE mine (id int);');
    const options = readOptions({ ...migrated.env, DB_MIGRATIONS_DIR: application.path });
    await expect(migrateOnStart(options)).resolves.toEqual(['application:0001-mine']);
    await migrated.drop();
  });

  it('are never written into an installed package', () => {
    expect(() => newMigrationFolder(undefined, '/app/node_modules/nestjs-phi-database')).toThrow(
      expect.objectContaining({ code: 'DATABASE_CONFIGURATION', hint: expect.stringContaining('DB_MIGRATIONS_DIR') }),
    );
    expect(newMigrationFolder('mine', '/app/node_modules/nestjs-phi-database')).toBe('mine');
    expect(newMigrationFolder(undefined, '/home/me/nestjs-phi-database')).toMatch(/migrations$/);
  });
});

describe('a history without sources', () => {
  it('is read as the one of the package, and gets the column with the next run only', async () => {
    await runnerFor(database, [own]).migrate({ step: 1 });
    await client.query('ALTER TABLE phi.migration DROP COLUMN source');
    await expect(runner().status()).resolves.toMatchObject([
      { source: 'package', name: '0001-one', state: 'applied' },
      { state: 'pending' },
      { state: 'pending' },
    ]);
    await expect(runner().migrate()).resolves.toEqual(['0002-two', 'application:0001-mine']);
    await expect(runner().migrate()).resolves.toEqual([]);
  });
});

describe('the lock', () => {
  it('is taken again when a migration released all locks', async () => {
    own.sql('0001-one', 'CREATE TABLE one (id int); SELECT pg_advisory_unlock_all();');
    own.sql(
      '0002-two',
      `CREATE TABLE two AS
         SELECT count(*)::int AS locks FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();`,
    );
    await runnerFor(database, [own]).migrate();
    await expect(client.query('SELECT locks FROM two')).resolves.toMatchObject({ rows: [{ locks: 1 }] });
  });
});

describe('a server that is stopped during a migration', () => {
  it('is not taken for a mistake in the file', async () => {
    own.sql('0001-one', 'RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid());');
    await expect(runnerFor(database, [own]).migrate()).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      sqlState: '57P01',
      hint: expect.stringContaining('The server ended the connection'),
    });
  });
});
