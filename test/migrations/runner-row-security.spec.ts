import type { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { MigrationFolder, runnerFor } from '../support/migration-folder';
import { CLINIC_A, CLINIC_B } from './as-clinic';

const SCHOOL = '0190c000-0000-7000-8000-00000000000c';
const NO_DISTRICT = '0190d000-0000-7000-8000-00000000000d';

let database: TestDatabase;
let folder: MigrationFolder;
let client: Client;

beforeEach(async () => {
  database = await createTestDatabase();
  folder = new MigrationFolder();
  client = await database.superClient();
  for (const clinic of [CLINIC_A, CLINIC_B]) {
    await client.query('INSERT INTO clinics (id, name) VALUES ($1, $2)', [clinic, 'A clinic']);
    await client.query('INSERT INTO schools (clinic_id, id, name, code) VALUES ($1, $2, $3, $4)', [
      clinic,
      SCHOOL,
      'A school',
      'S1',
    ]);
  }
});

afterEach(async () => {
  folder.remove();
  await database.drop();
});

function migrate(): Promise<string[]> {
  return runnerFor(database, [], { sources: { application: folder.path } }).migrate();
}

async function renamed(): Promise<number | null> {
  return (await client.query(`SELECT 1 FROM schools WHERE name = 'A renamed school' AND version = 2`)).rowCount;
}

describe('a migration on tables with forced row security', () => {
  it('backfills the rows of every clinic', async () => {
    folder.sql('9001-backfill', `UPDATE schools SET name = 'A renamed school';`);
    await migrate();
    await expect(renamed()).resolves.toBe(2);
  });

  it('would change nothing without the policy for the owner, which is why that exists', async () => {
    await client.query('DROP POLICY maintenance ON schools');
    folder.sql('9001-backfill', `UPDATE schools SET name = 'A renamed school';`);
    await migrate();
    await expect(renamed()).resolves.toBe(0);
  });

  it('is refused a foreign key over a planted orphan, and leaves nothing [001-05]', async () => {
    await client.query('ALTER TABLE schools DROP CONSTRAINT schools_district_id_fkey');
    await client.query('UPDATE schools SET district_id = $1 WHERE clinic_id = $2', [NO_DISTRICT, CLINIC_A]);
    folder.sql(
      '9001-key',
      `ALTER TABLE schools ADD COLUMN before_key integer;
       ALTER TABLE schools
         ADD CONSTRAINT a FOREIGN KEY (clinic_id, district_id) REFERENCES districts (clinic_id, id);`,
    );
    const error = await migrate().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', sqlState: '23503' });
    expect((error as Error).message).not.toContain(NO_DISTRICT);
    await expect(client.query('SELECT before_key FROM schools')).rejects.toMatchObject({ code: '42703' });
  });
});
