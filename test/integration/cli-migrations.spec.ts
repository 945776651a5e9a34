import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChildResult, runCli } from '../support/child';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { MigrationFolder } from '../support/migration-folder';

let database: TestDatabase;
let folder: MigrationFolder;

beforeEach(async () => {
  database = await createTestDatabase();
  folder = new MigrationFolder()
    .sql('0001-one', 'CREATE TABLE one (id int);', 'DROP TABLE one;')
    .sql('0002-two', 'CREATE TABLE two (id int);', 'DROP TABLE two;');
});

afterEach(async () => {
  folder.remove();
  await database.drop();
});

function phiDb(...args: string[]): Promise<ChildResult> {
  return runCli([...args, '--dir', folder.path], { env: { ...database.env } });
}

function lines({ stdout }: ChildResult): Record<string, unknown>[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('phi-db, for migrations', () => {
  it('migrates, tells the status and rolls back, under its own names and the aliases [000-36]', async () => {
    await expect(phiDb('status', '--check')).resolves.toMatchObject({
      code: 3,
      stdout: expect.stringContaining('pending      application:0001-one'),
    });
    await expect(phiDb('migrate:up', '--plan')).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining('would be applied: application:0001-one'),
    });
    await expect(phiDb('db:migrate')).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining('2 migration(s) applied.'),
    });
    await expect(phiDb('migrate:status', '--check')).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining('applied      application:0002-two'),
    });
    await expect(phiDb('migrate:down', '2')).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/reverted application:0002-two.*reverted application:0001-one/s),
    });
    await expect(phiDb('rollback', '--plan')).resolves.toMatchObject({
      stdout: expect.stringMatching(/^would be rolled back: \d{4}-/),
    });
  });

  it('writes JSON lines to stdout and the text for people to stderr with --json', async () => {
    const result = await phiDb('migrate', '--json');
    expect(lines(result)).toEqual([
      { event: 'migrating', source: 'application', name: '0001-one' },
      { event: 'migrated', source: 'application', name: '0001-one', ms: expect.any(Number) },
      { event: 'migrating', source: 'application', name: '0002-two' },
      { event: 'migrated', source: 'application', name: '0002-two', ms: expect.any(Number) },
      { event: 'done', names: ['application:0001-one', 'application:0002-two'] },
    ]);
    expect(result.stderr).toContain('2 migration(s) applied.');
  });

  it('exits with 7 when a migration failed and was rolled back, and says what to do [000-37]', async () => {
    folder.sql('0003-bad', 'SELECT * FROM nowhere;');
    const result = await phiDb('migrate', '--json');
    expect(result.code).toBe(7);
    expect(result.stderr).toMatch(
      /MIGRATION_FAILED: Migration application:0003-bad .*SQLSTATE 42P01.*line 2 .*\nCorrect the file/,
    );
    expect(lines(result).at(-1)).toMatchObject({
      event: 'error',
      code: 'MIGRATION_FAILED',
      sqlState: '42P01',
      hint: expect.any(String),
    });
  });

  it('exits with 5 on a mismatch, 8 on an interrupted one, 11 on an irreversible one, 75 when locked', async () => {
    folder.sql('0003-final', 'CREATE TABLE final (id int);');
    await phiDb('migrate');
    await expect(phiDb('rollback')).resolves.toMatchObject({ code: 11 });
    folder.write('0004-loose.sql', '-- migrate:no-transaction\n-- migrate:up\nSELECT * FROM nowhere;\n');
    await expect(phiDb('migrate')).resolves.toMatchObject({ code: 8 });
    await expect(phiDb('status', '--check')).resolves.toMatchObject({ code: 8 });
    await expect(phiDb('repair', 'application:0004-loose', '--as', 'pending')).resolves.toMatchObject({ code: 0 });
    folder.delete('0004-loose.sql').sql('0001-one', 'SELECT 1;');
    await expect(phiDb('migrate')).resolves.toMatchObject({ code: 5 });
    await expect(phiDb('status', '--check')).resolves.toMatchObject({ code: 5 });
    const holder = await database.migratorClient();
    await holder.query(`SELECT pg_advisory_lock(${0x70_68_69}, 1)`);
    await expect(phiDb('migrate', '--lock-wait', '0s')).resolves.toMatchObject({ code: 75 });
  });

  it.each([
    [['migrate', '--step', '0'], 'whole number'],
    [['migrate', '--lock-wait', 'soon'], 'duration'],
    [['migrate', '--to', '0099'], 'no such migration'],
    [['migrate', '--to', '0001'], 'application:0001'],
    [['repair', '0001-one', '--as', 'gone'], 'Allowed choices'],
    [['nonsense'], 'unknown'],
  ])('exits with 2 on wrong usage: %j', async (args, message) => {
    const result = await phiDb('--json', ...args);
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
    expect(lines(result)).toEqual([expect.objectContaining({ event: 'error', message: expect.any(String) })]);
  });

  it('exits with 2 when the server cannot be reached or refuses the login, and never shows the password', async () => {
    const unreachable = await runCli(['status'], { env: { ...database.env, DB_PORT: '1' } });
    expect(unreachable).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/UNAVAILABLE: .*127\.0\.0\.1:1.*\n.*DB_HOST/),
    });
    const refused = await runCli(['status'], { env: { ...database.env, DB_MIGRATOR_PASSWORD: 'canary-7f3a' } });
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/phi_migrator.*28P01.*\n.*DB_MIGRATOR_PASSWORD/),
    });
    expect(refused.stderr).not.toContain('canary');
    const powerless = await runCli(['migrate'], { env: { ...database.env, DB_MIGRATOR_USERNAME: '' } });
    expect(powerless).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/phi_app may not.*42501.*\n.*phi_migrator/),
    });
    const silent = await runCli(['status'], { env: { ...database.env, DB_MIGRATOR_PASSWORD: '' } });
    expect(silent).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/asks phi_migrator for a password, and none was given\n.*DB_MIGRATOR_PASSWORD/),
    });
    const plain = await runCli(['status'], { env: { ...database.env, DB_SSL: 'true' } });
    expect(plain).toMatchObject({ code: 2, stderr: expect.stringMatching(/TLS.*\n.*DB_SSL/) });
    const unknown = await runCli(['status'], { env: { ...database.env, DB_HOTS: 'x' } });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('DB_HOTS is not a known variable') });
  });

  it('creates numbered files that run as they are', async () => {
    await expect(phiDb('create-migration', 'Add', 'nickname!')).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining('0003-add-nickname.sql'),
    });
    await expect(phiDb('create-migration', 'backfill', '--ts')).resolves.toMatchObject({ code: 0 });
    expect(readdirSync(folder.path)).toEqual([
      '0001-one.sql',
      '0002-two.sql',
      '0003-add-nickname.sql',
      '0004-backfill.ts',
    ]);
    expect(readFileSync(join(folder.path, '0003-add-nickname.sql'), 'utf8')).toMatch(
      /-- migrate:up\n[^]*-- migrate:down\n/,
    );
    await expect(phiDb('migrate')).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining('4 migration(s) applied.'),
    });
    await expect(phiDb('create-migration', '!!!')).resolves.toMatchObject({ code: 2 });
  });
});

describe('phi-db rollback on a database that is marked as production', () => {
  it('is refused with what it would drop, until --yes-production is given', async () => {
    await phiDb('migrate');
    await runCli(['mark-production', '--yes'], { env: { ...database.env } });
    await expect(phiDb('rollback')).resolves.toMatchObject({
      code: 11,
      stderr: expect.stringMatching(/MIGRATION_REFUSED.*application:0002-two: drops table two.*--yes-production/s),
    });
    await expect(phiDb('rollback', '--plan')).resolves.toMatchObject({ code: 0 });
    await expect(phiDb('rollback', '--yes-production')).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining('reverted application:0002-two'),
    });
  });
});

describe('the migrations of the application', () => {
  it('are named by DB_MIGRATIONS_DIR as well as by --dir', async () => {
    const env = { ...database.env, DB_MIGRATIONS_DIR: folder.path };
    await expect(runCli(['create-migration', 'more'], { env })).resolves.toMatchObject({
      stdout: expect.stringContaining(join(folder.path, '0003-more.sql')),
    });
    await expect(runCli(['migrate'], { env })).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining('3 migration(s) applied.'),
    });
    await expect(runCli(['status', '--check'], { env: { ...database.env } })).resolves.toMatchObject({ code: 5 });
    await expect(runCli(['migrate'], { env: { ...database.env } })).resolves.toMatchObject({
      code: 5,
      stderr: expect.stringContaining('DB_MIGRATIONS_DIR'),
    });
  });
});

describe('the program that the package installs', () => {
  it('is started by its own first line', () => {
    const root = join(__dirname, '..', '..');
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> };
    const source = (bin['phi-db'] ?? '').replace('./dist/', '').replace(/\.js$/, '.ts');
    expect(existsSync(join(root, source))).toBe(true);
    expect(readFileSync(join(root, source), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
