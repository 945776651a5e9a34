import type { Client } from 'pg';
import { createEmptyDatabase, type TestDatabase } from '../support/database';
import { MigrationFolder, migratorOf, runnerFor } from '../support/migration-folder';
import { waitUntil } from '../support/wait-until';

let database: TestDatabase;
let folder: MigrationFolder;
let client: Client;

beforeEach(async () => {
  database = await createEmptyDatabase();
  folder = new MigrationFolder();
  client = await database.superClient();
});

afterEach(async () => {
  folder.remove();
  await database.drop();
});

const noWayBack = `down: { irreversible: 'x' }`;

const runner = (): ReturnType<typeof runnerFor> => runnerFor(database, [folder]);

async function tables(): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

async function history(): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(
    `SELECT concat_ws(' ', name, direction, status, sqlstate) AS line FROM phi.migration ORDER BY id`,
  );
  return rows.map(({ line }) => line);
}

function threeTables(): MigrationFolder {
  return folder
    .sql('0001-one', 'CREATE TABLE one (id int);', 'DROP TABLE one;')
    .sql('0002-two', 'CREATE TABLE two (id int);', 'DROP TABLE two;')
    .sql('0003-three', 'CREATE TABLE three (id int);', 'DROP TABLE three;');
}

describe('applying migrations', () => {
  it('applies the pending ones in order and writes who did what and when [000-32]', async () => {
    threeTables();
    await expect(runner().migrate()).resolves.toEqual(['0001-one', '0002-two', '0003-three']);
    await expect(tables()).resolves.toEqual(['one', 'three', 'two']);
    const { rows } = await client.query('SELECT * FROM phi.migration ORDER BY id LIMIT 1');
    expect(rows[0]).toMatchObject({
      name: '0001-one',
      direction: 'up',
      status: 'done',
      actor: 'phi_migrator',
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      started_at: expect.any(Date),
      finished_at: expect.any(Date),
      ms: expect.any(Number),
      sqlstate: null,
    });
    await expect(runner().migrate()).resolves.toEqual([]);
  });

  it('makes the owner, not the login, own what it creates [000-02]', async () => {
    threeTables();
    await runner().migrate();
    const { rows } = await client.query(
      `SELECT DISTINCT tableowner FROM pg_tables WHERE tablename IN ('one', 'migration')`,
    );
    expect(rows).toEqual([{ tableowner: 'phi_owner' }]);
  });

  it('stops at --to and after --step, and --plan runs nothing', async () => {
    threeTables();
    await expect(runner().migrate({ plan: true })).resolves.toHaveLength(3);
    await expect(tables()).resolves.toEqual([]);
    await expect(runner().migrate({ step: 1 })).resolves.toEqual(['0001-one']);
    await expect(runner().migrate({ to: '0002' })).resolves.toEqual(['0002-two']);
    await expect(runner().migrate({ to: '0002-two' })).resolves.toEqual([]);
    await expect(runner().migrate({ to: '0009' })).rejects.toMatchObject({ code: 'MIGRATION_FILE' });
  });

  it('rolls a failing migration back whole and says where it failed [000-37]', async () => {
    folder
      .sql('0001-one', 'CREATE TABLE one (id int);')
      .sql('0002-bad', 'CREATE TABLE half (id int);\n\nSELECT *\n  FROM nowhere;');
    await expect(runner().migrate()).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      sqlState: '42P01',
      message: expect.stringMatching(
        /0002-bad \(up\) failed and was rolled back: .*"nowhere".*SQLSTATE 42P01.*line 5 of .*0002-bad\.sql/,
      ),
    });
    await expect(tables()).resolves.toEqual(['one']);
    await expect(history()).resolves.toEqual(['0001-one up done', '0002-bad up failed 42P01']);
    folder.sql('0002-bad', 'CREATE TABLE half (id int);');
    await expect(runner().migrate()).resolves.toEqual(['0002-bad']);
  });

  it('does not repeat a value that PostgreSQL quotes in its message', async () => {
    folder.sql('0001-bad', `SELECT 'canary-7f3a'::int;`);
    const error = await runner()
      .migrate()
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', sqlState: '22P02' });
    expect((error as Error).message).not.toContain('canary');
  });

  it('runs TypeScript inside the same transaction, though the author cannot pass it [000-37]', async () => {
    folder.code(
      '0001-bad',
      `{ up: async ({ query }) => { await query('CREATE TABLE a (id int)'); throw new Error('stop'); }, ${noWayBack} }`,
    );
    await expect(runner().migrate()).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('stop'),
    });
    await expect(tables()).resolves.toEqual([]);
  });

  it('fails a migration that does not await its statements', async () => {
    folder.code(
      '0001-loose',
      `{ up: async ({ query }) => { query('SELECT pg_sleep(0.2)').catch(() => undefined); }, ${noWayBack} }`,
    );
    await expect(runner().migrate()).rejects.toMatchObject({ message: expect.stringContaining('still running') });
    await expect(history()).resolves.toEqual(['0001-loose up failed']);
  });

  it.each([
    ['SQL', () => folder.sql('0001-own', 'CREATE TABLE one (id int);\nCOMMIT;')],
    [
      'TypeScript',
      () =>
        folder.code(
          '0001-own',
          `{ up: async ({ query }) => { await query('CREATE TABLE one (id int); COMMIT'); }, ${noWayBack} }`,
        ),
    ],
    [
      'a procedure',
      () => folder.sql('0001-own', `CREATE PROCEDURE settle() LANGUAGE plpgsql AS 'BEGIN COMMIT; END'; CALL settle();`),
    ],
  ])('refuses a COMMIT in %s and leaves nothing', async (_where, write) => {
    write();
    await expect(runner().migrate()).rejects.toMatchObject({ code: expect.stringMatching(/^MIGRATION_F/) });
    await expect(tables()).resolves.toEqual([]);
  });

  it('tries again when a lock is busy, instead of queueing before everybody else', async () => {
    threeTables();
    await runner().migrate();
    folder.code(
      '0004-busy',
      `{ lockTimeout: 50, up: async ({ query }) => { await query('ALTER TABLE one ADD extra int'); }, ${noWayBack} }`,
    );
    const holder = await database.superClient();
    await holder.query('BEGIN; LOCK TABLE one IN ACCESS SHARE MODE');
    const migrated = runner().migrate();
    const watcher = await database.superClient();
    const waiting = `SELECT 1 FROM pg_locks WHERE relation = 'one'::regclass AND NOT granted`;
    await waitUntil('the migration waits for the lock', async () => (await watcher.query(waiting)).rowCount === 1);
    await waitUntil('it has given up waiting', async () => (await watcher.query(waiting)).rowCount === 0);
    await holder.query('COMMIT');
    await expect(migrated).resolves.toEqual(['0004-busy']);
    await expect(history()).resolves.not.toContainEqual(expect.stringContaining('failed'));
  });

  it('keeps a role or search path of one migration from the next', async () => {
    folder
      .sql('0001-role', 'SET ROLE audit_owner; SET search_path = audit;')
      .sql('0002-table', 'CREATE TABLE after (id int);');
    await runner().migrate();
    const { rows } = await client.query(`SELECT schemaname, tableowner FROM pg_tables WHERE tablename = 'after'`);
    expect(rows).toEqual([{ schemaname: 'public', tableowner: 'phi_owner' }]);
  });
});

describe('rolling back', () => {
  it('goes one step back by default, more by --step and --to, and comes back by --redo [000-45]', async () => {
    threeTables();
    await runner().migrate();
    await expect(runner().rollback()).resolves.toEqual(['0003-three']);
    await runner().migrate();
    await expect(runner().rollback({ step: 2, plan: true })).resolves.toEqual(['0003-three', '0002-two']);
    await expect(runner().rollback({ step: 2, redo: true })).resolves.toEqual(['0003-three', '0002-two']);
    await expect(tables()).resolves.toEqual(['one', 'three', 'two']);
    await expect(runner().rollback({ to: '0001' })).resolves.toEqual(['0003-three', '0002-two']);
    await expect(runner().rollback({ to: '0' })).resolves.toEqual(['0001-one']);
    await expect(tables()).resolves.toEqual([]);
    await expect(runner().rollback()).resolves.toEqual([]);
  });

  it('goes back in the order of application, not of names', async () => {
    threeTables().delete('0002-two.sql');
    await runner().migrate();
    threeTables();
    await runner().migrate({ allowOutOfOrder: true });
    await expect(runner().rollback({ step: 2 })).resolves.toEqual(['0002-two', '0003-three']);
  });

  it('refuses a migration without a way back and still counts it as applied', async () => {
    folder.sql('0001-one', 'CREATE TABLE one (id int);');
    await runner().migrate();
    await expect(runner().rollback()).rejects.toMatchObject({
      code: 'MIGRATION_IRREVERSIBLE',
      message: expect.stringContaining('no down part'),
    });
    await expect(runner().status()).resolves.toMatchObject([{ state: 'applied' }]);
  });

  it('refuses the whole range when one in it is irreversible, and gives the reason', async () => {
    threeTables().write(
      '0002-two.sql',
      '-- migrate:irreversible the old column is gone\n-- migrate:up\nCREATE TABLE two (id int);\n',
    );
    await runner().migrate();
    await expect(runner().rollback({ step: 3 })).rejects.toMatchObject({
      message: expect.stringContaining('the old column is gone'),
    });
    await expect(tables()).resolves.toEqual(['one', 'three', 'two']);
  });

  it('undoes nothing when a down fails', async () => {
    folder.sql('0001-one', 'CREATE TABLE one (id int);', 'DROP TABLE one; DROP TABLE nowhere;');
    await runner().migrate();
    await expect(runner().rollback()).rejects.toMatchObject({ code: 'MIGRATION_FAILED', sqlState: '42P01' });
    await expect(tables()).resolves.toEqual(['one']);
    await expect(runner().status()).resolves.toMatchObject([{ state: 'applied' }]);
  });
});

describe('the status', () => {
  it('creates nothing and writes nothing, on an empty and on a migrated database', async () => {
    threeTables();
    const readOnly = runnerFor(database, [folder], {
      connection: { ...migratorOf(database), options: '-c default_transaction_read_only=on' },
    });
    await expect(readOnly.status()).resolves.toMatchObject([
      { state: 'pending' },
      { state: 'pending' },
      { state: 'pending' },
    ]);
    await expect(readOnly.migrate({ plan: true })).resolves.toHaveLength(3);
    await runner().migrate({ step: 1 });
    await expect(readOnly.status()).resolves.toMatchObject([
      { name: '0001-one', state: 'applied', appliedAt: expect.any(Date), ms: expect.any(Number) },
      { state: 'pending' },
      { state: 'pending' },
    ]);
    await expect(readOnly.migrate()).rejects.toMatchObject({ sqlState: '25006' });
  });
});
