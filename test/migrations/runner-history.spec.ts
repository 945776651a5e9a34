import type { Client } from 'pg';
import { startChild } from '../support/child';
import { createEmptyDatabase, type TestDatabase } from '../support/database';
import { MigrationFolder, runnerFor } from '../support/migration-folder';
import { waitUntil } from '../support/wait-until';

let database: TestDatabase;
let folder: MigrationFolder;
let client: Client;

beforeEach(async () => {
  database = await createEmptyDatabase();
  folder = new MigrationFolder()
    .sql('0001-one', 'CREATE TABLE one (id int);', 'DROP TABLE one;')
    .sql('0003-three', 'CREATE TABLE three (id int);', 'DROP TABLE three;');
  client = await database.superClient();
});

afterEach(async () => {
  folder.remove();
  await database.drop();
});

const runner = (): ReturnType<typeof runnerFor> => runnerFor(database, [folder]);

describe('files and history', () => {
  it('refuses a file that is older than what was applied, unless it is allowed', async () => {
    await runner().migrate();
    folder.sql('0002-late', 'CREATE TABLE late (id int);');
    await expect(runner().status()).resolves.toContainEqual({
      source: 'package',
      name: '0002-late',
      state: 'out-of-order',
    });
    await expect(runner().migrate()).rejects.toMatchObject({
      code: 'MIGRATION_HISTORY',
      message: expect.stringContaining('0002-late'),
    });
    await expect(runner().migrate({ allowOutOfOrder: true })).resolves.toEqual(['0002-late']);
  });

  it('refuses to go on when an applied file is gone', async () => {
    await runner().migrate();
    folder.delete('0001-one.sql').sql('0004-four', 'CREATE TABLE four (id int);');
    await expect(runner().status()).resolves.toContainEqual(
      expect.objectContaining({ name: '0001-one', state: 'missing' }),
    );
    await expect(runner().migrate()).rejects.toMatchObject({
      code: 'MIGRATION_HISTORY',
      message: expect.stringContaining('0001-one was applied, and its file is gone'),
    });
    await expect(runner().rollback()).rejects.toMatchObject({ code: 'MIGRATION_HISTORY' });
  });

  it('refuses an applied file whose statements were edited', async () => {
    await runner().migrate();
    folder.sql('0001-one', 'CREATE TABLE one (id bigint);', 'DROP TABLE one;');
    await expect(runner().status()).resolves.toContainEqual(
      expect.objectContaining({ name: '0001-one', state: 'edited' }),
    );
    await expect(runner().migrate()).rejects.toMatchObject({
      code: 'MIGRATION_HISTORY',
      message: expect.stringContaining('0001-one was edited'),
    });
  });

  it('tolerates other comments, white space and line ends', async () => {
    await runner().migrate();
    folder.write(
      '0001-one.sql',
      '-- why\r\n-- migrate:up\r\n  CREATE TABLE one /* first */\r\n  (id int);\r\n-- migrate:down\r\nDROP TABLE one;\r\n',
    );
    await expect(runner().migrate()).resolves.toEqual([]);
  });

  it('takes only numbered files for migrations, whatever else lies there [D24]', async () => {
    folder
      .write('helper.ts', 'throw new Error("not a migration");')
      .write('0004-four.spec.ts', 'throw new Error("not a migration");')
      .write('0005-types.d.ts', 'export {};')
      .write('4-short.sql', 'broken')
      .write('README.md', '# notes');
    await expect(runner().migrate()).resolves.toEqual(['0001-one', '0003-three']);
  });

  it('refuses two files of one number', async () => {
    folder.sql('0003-other', 'SELECT 1;');
    await expect(runner().status()).rejects.toMatchObject({
      code: 'MIGRATION_FILE',
      message: expect.stringMatching(/0003-other.*0003-three|0003-three.*0003-other/),
    });
  });

  it.each([
    ['has no up part', 'CREATE TABLE x (id int);'],
    ['has statements before its up part', 'SELECT 1;\n-- migrate:up\nSELECT 1;'],
    ['has an unknown directive', '-- migrate:upp\nSELECT 1;'],
    ['has a string without an end', "-- migrate:up\nSELECT 'x;"],
    [
      'has a down part and calls itself irreversible',
      '-- migrate:irreversible no\n-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1;',
    ],
  ])('refuses a file that %s, before anything runs', async (_what, text) => {
    folder.write('0004-bad.sql', text);
    await expect(runner().migrate()).rejects.toMatchObject({
      code: 'MIGRATION_FILE',
      message: expect.stringContaining('0004-bad.sql'),
    });
    await expect(client.query('SELECT 1 FROM one')).rejects.toMatchObject({ code: '42P01' });
  });

  it('refuses TypeScript without up and down', async () => {
    folder.code('0004-bad', '{ up: async () => undefined }');
    await expect(runner().migrate()).rejects.toMatchObject({
      code: 'MIGRATION_FILE',
      message: expect.stringContaining('0004-bad.ts'),
    });
  });

  it('lets nobody change or remove a line of the history, not even its owner', async () => {
    await runner().migrate();
    const migrator = await database.migratorClient();
    await migrator.query('SET ROLE phi_owner');
    for (const statement of [
      'UPDATE phi.migration SET name = name',
      'DELETE FROM phi.migration',
      'TRUNCATE phi.migration',
    ]) {
      await expect(migrator.query(statement)).rejects.toMatchObject({ code: '42501' });
    }
    const application = await database.appClient();
    await expect(application.query('INSERT INTO phi.migration (name) VALUES ($1)', ['x'])).rejects.toMatchObject({
      code: '42501',
    });
  });

  it('says that a database without the bootstrap is not prepared', async () => {
    await client.query('DROP SCHEMA phi CASCADE');
    for (const plan of [false, true]) {
      await expect(runner().migrate({ plan })).rejects.toMatchObject({
        code: 'DATABASE_CONFIGURATION',
        hint: expect.stringContaining('roles-and-extensions.sql'),
      });
    }
  });
});

describe('a migration outside a transaction', () => {
  const concurrently = `-- migrate:no-transaction
-- migrate:up
CREATE INDEX CONCURRENTLY one_id ON one (id);
-- migrate:down
DROP INDEX CONCURRENTLY one_id;
`;

  it('runs what PostgreSQL refuses in one, both ways', async () => {
    folder.write('0004-index.sql', concurrently);
    await runner().migrate();
    await expect(runner().rollback()).resolves.toEqual(['0004-index']);
    await expect(runner().migrate()).resolves.toEqual(['0004-index']);
  });

  it.each([
    ['applied', []],
    ['pending', ['0004-index']],
  ] as const)('blocks every run when it failed, until it is repaired as %s', async (as, next) => {
    folder.write('0004-index.sql', `${concurrently.replace('(id);', '(id);\nSELECT * FROM nowhere;')}`);
    await expect(runner().migrate()).rejects.toMatchObject({
      code: 'MIGRATION_INTERRUPTED',
      hint: expect.stringContaining('db:repair 0004-index'),
    });
    await expect(runner().status()).resolves.toContainEqual({
      source: 'package',
      name: '0004-index',
      state: 'interrupted',
    });
    await expect(runner().migrate()).rejects.toMatchObject({ code: 'MIGRATION_INTERRUPTED' });
    await expect(runner().repair('0001-one', as)).rejects.toMatchObject({ code: 'MIGRATION_FILE' });
    folder.write('0004-index.sql', concurrently);
    await runner().repair('0004-index', as);
    // The file as it is now is what counts as applied.
    await expect(runner().migrate({ plan: true })).resolves.toEqual(next);
  });
});

describe('an interrupted migration', () => {
  it('stays interrupted when its file is renamed or deleted: nothing of it runs again by itself', async () => {
    const text = '-- migrate:no-transaction\n-- migrate:up\nCREATE TABLE half (id int);\nSELECT * FROM nowhere;\n';
    folder.write('0004-half.sql', text);
    await expect(runner().migrate()).rejects.toMatchObject({ code: 'MIGRATION_INTERRUPTED' });
    folder.delete('0004-half.sql').write('0005-half.sql', text);
    await expect(runner().status()).resolves.toContainEqual({
      source: 'package',
      name: '0004-half',
      state: 'interrupted',
    });
    await expect(runner().migrate()).rejects.toMatchObject({
      code: 'MIGRATION_INTERRUPTED',
      hint: expect.stringContaining('db:repair 0004-half'),
    });
    await runner().repair('0004-half', 'pending');
    await expect(runner().status()).resolves.toContainEqual({ source: 'package', name: '0005-half', state: 'pending' });
  });
});

describe('a deployer that is killed', () => {
  it('leaves nothing of its migration, and the next run applies it', async () => {
    folder.sql('0004-slow', 'CREATE TABLE slow (id int);\nSELECT pg_sleep(60);');
    const migrator = runnerFor(database, [], { sources: { application: folder.path } });
    const child = startChild('src/cli.ts', ['migrate', '--dir', folder.path], { env: { ...database.env } });
    const sleeping = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    await waitUntil('the migration sleeps', async () => (await client.query(sleeping)).rowCount === 1);
    child.process.kill('SIGKILL');
    await child.ended();
    await client.query(sleeping.replace('1', 'pg_terminate_backend(pid)'));
    folder.sql('0004-slow', 'CREATE TABLE slow (id int);');
    await expect(migrator.migrate()).resolves.toEqual(['application:0004-slow']);
  });
});
