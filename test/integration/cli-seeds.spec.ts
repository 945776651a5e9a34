import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildResult, runCli } from '../support/child';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database';

const SOURCES = join(__dirname, '..', '..', 'src');
const CLINIC = '0190a000-0000-7000-8000-00000000000a';

let database: TestDatabase;
let folder: string;

/** Seeds are written as JavaScript, with the project's classes taken from its sources. */
function writeSet(set: string, code: string): void {
  mkdirSync(join(folder, set), { recursive: true });
  writeFileSync(
    join(folder, set, 'index.js'),
    `const { ClinicRepository } = require('${SOURCES}/domains/index.ts');
     const { createSystemExecutionContext } = require('${SOURCES}/database/context/execution-context.ts');
     exports.default = ${code};`,
  );
}

const clinicSeed = `[
  { name: 'clinic', description: 'One clinic', run: async ({ get, progress, emit, options }) => {
      const context = createSystemExecutionContext({ clinicId: '${CLINIC}' });
      const bar = progress(1, 'clinics');
      const name = 'Clinic ' + options.seed + ' ' + options.from;
      await get(ClinicRepository).create({ id: '${CLINIC}', name }, context);
      bar.advance(); bar.done();
      emit({ event: 'counts', clinics: 1 });
  } },
  { name: 'broken', description: 'Fails', run: async () => { throw new Error('no more'); } },
]`;

function seed(...args: string[]): Promise<ChildResult> {
  return runCli(['seed', '--dir', folder, ...args], { env: { ...database.env } });
}

async function clinics(): Promise<unknown[]> {
  const client = await database.superClient();
  return (await client.query('SELECT name FROM clinics')).rows;
}

beforeEach(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'phi-spec-seeds-'));
  writeSet('development', clinicSeed);
});

afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

describe('phi-db seed', () => {
  it('runs the chosen seeds of a set through the repositories, with their options [000-35]', async () => {
    const result = await seed('--set', 'dev', '--only', 'clinic', '--from', folder, '--seed', '7', '--json');
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('clinics: 1/1') });
    expect(
      result.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { event: 'counts', clinics: 1 },
      { event: 'seeded', seed: 'development/clinic', ms: expect.any(Number) },
      { event: 'done', names: ['development/clinic'] },
    ]);
    await expect(clinics()).resolves.toEqual([{ name: `Clinic 7 ${folder}` }]);
  });

  it('ends at the first seed that fails, and says what stays', async () => {
    await expect(seed('--set', 'development')).resolves.toMatchObject({
      code: 8,
      stderr: expect.stringMatching(/SEED_FAILED: Seed development\/broken failed: no more\n.*goes on from there/),
    });
    await expect(clinics()).resolves.toHaveLength(1);
  });

  it('lists what there is when the set or the seed is unknown', async () => {
    await expect(seed('--set', 'nonsense')).resolves.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('development'),
    });
    await expect(seed('--only', 'nonsense')).resolves.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('clinic, broken'),
    });
  });

  it('refuses test data in a database that is marked as production, whatever NODE_ENV says [000-35]', async () => {
    const env = { ...database.env };
    await expect(runCli(['mark-production'], { env })).resolves.toMatchObject({ code: 11 });
    await expect(runCli(['mark-production', '--yes'], { env })).resolves.toMatchObject({ code: 0 });
    await expect(runCli(['mark-production', '--yes'], { env })).resolves.toMatchObject({ code: 0 });
    await expect(seed('--only', 'clinic')).resolves.toMatchObject({
      code: 11,
      stderr: expect.stringContaining('marked as production'),
    });
    await expect(clinics()).resolves.toEqual([]);
    writeSet('reference', clinicSeed);
    await expect(seed('--set', 'reference', '--only', 'clinic')).resolves.toMatchObject({ code: 0 });
    const application = await database.appClient();
    await expect(application.query('DELETE FROM phi.environment')).rejects.toMatchObject({ code: '42501' });
  });

  it('marks no database that was not prepared, and says what to do', async () => {
    await (await database.superClient()).query('DROP SCHEMA phi CASCADE');
    await expect(runCli(['mark-production', '--yes'], { env: { ...database.env } })).resolves.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('roles-and-extensions.sql'),
    });
  });

  it.each(['', ',', 'dev,'])('wants the name of a set: "%s" is none', async (set) => {
    await expect(seed('--set', set)).resolves.toMatchObject({ code: 2, stderr: expect.stringContaining('a name') });
  });

  it('refuses test data where NODE_ENV is production', async () => {
    await expect(
      runCli(['seed', '--dir', folder], { env: { ...database.env, NODE_ENV: 'production' } }),
    ).resolves.toMatchObject({ code: 11 });
  });

  it('says what is wrong with its options before it looks at a database', async () => {
    const nowhere = { ...database.env, DB_PORT: '1' };
    for (const [args, message] of [
      [['--set', 'nothing'], 'no seed set nothing'],
      [['--set', 'synthea'], 'needs --from'],
      [['--set', 'synthea', '--from', join(folder, 'gone')], 'There is no folder'],
    ] as const) {
      await expect(runCli(['seed', ...args], { env: nowhere })).resolves.toMatchObject({
        code: 2,
        stderr: expect.stringContaining(message),
      });
    }
  });

  it('calls a folder without an export wrong usage', async () => {
    await expect(
      runCli(['seed', '--set', 'synthea', '--from', folder], { env: { ...database.env } }),
    ).resolves.toMatchObject({ code: 2, stderr: expect.stringContaining('no patients.csv') });
  });

  it('passes on what the error of the database says to do', async () => {
    writeSet(
      'development',
      `{ name: 'again', description: 'Twice the same', run: async ({ get }) => {
          const context = createSystemExecutionContext({ clinicId: '${CLINIC}' });
          await get(ClinicRepository).findByIdOrFail('${CLINIC}', context);
      } }`,
    );
    const { stderr, code } = await seed();
    expect(code).toBe(8);
    expect(stderr).toMatch(/SEED_FAILED: .*\n(?!Units of work).+ Units of work that had committed stay/);
  });

  it('wants an up-to-date schema on a server that is not its own', async () => {
    const empty = await createEmptyDatabase();
    await expect(runCli(['seed', '--dir', folder], { env: { ...empty.env } })).resolves.toMatchObject({
      code: 3,
      stderr: expect.stringContaining('db:migrate'),
    });
    await empty.drop();
  });
});
