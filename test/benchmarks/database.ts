import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { type EmbeddedServer, startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres';
import { Migrator } from '../../src/database/migration/migrator';
import { temporaryFolder } from '../support/temporary-folder';
import { CLINIC, OTHER_CLINIC } from './peers/peer';
import { newId, recordInput } from './record';

/** A server of the run's own with both tables filled. */
export interface BenchmarkDatabase {
  readonly server: EmbeddedServer;
  /** Version of PostgreSQL. */
  readonly version: string;
  readonly ids: { readonly off: readonly string[]; readonly on: readonly string[] };
  /** Removes dead rows, so that each round begins with the same tables. */
  vacuum(): Promise<void>;
  close(): Promise<void>;
}

const COLUMNS = 'id, number, first_name, last_name, date_of_birth, grade, address, notes, visits, is_active';

/**
 * Starts PostgreSQL in a temporary folder with its usual, durable settings, and migrates and fills it.
 * @param rows Records in each table; the protected one has a quarter more, of another clinic.
 */
export async function openBenchmarkDatabase(rows: number): Promise<BenchmarkDatabase> {
  const folder = temporaryFolder();
  const server = await startEmbeddedPostgres({ dir: folder });
  const { host, port, database } = server;
  await new Migrator({
    connection: { host, port, database, user: server.migratorUser, password: server.migratorPassword },
  }).migrate();
  const admin = new Client({ host, port, database, user: server.superuser, password: server.superuserPassword });
  await admin.connect();
  const close = async (): Promise<void> => {
    await admin.end();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await admin.query('SET ROLE phi_owner');
    await admin.query(readFileSync(join(__dirname, 'tables.sql'), 'utf8'));
    await admin.query('RESET ROLE');
    await plantClinics(admin);
    const off = await fill(admin, 'plain_records', rows);
    const on = await fill(admin, 'protected_records', rows, CLINIC);
    await fill(admin, 'protected_records', rows / 4, OTHER_CLINIC);
    await admin.query('SET ROLE phi_owner');
    await admin.query(
      `CALL phi.protect_table('protected_records');
       CALL audit.watch_table('protected_records', 'ProtectedRecord', ARRAY['id', 'grade', 'visits', 'version'])`,
    );
    await admin.query('RESET ROLE');
    const { rows: settings } = await admin.query<{ server_version: string }>('SHOW server_version');
    const vacuum = async (): Promise<void> => {
      await admin.query('VACUUM (ANALYZE) plain_records');
      await admin.query('VACUUM (ANALYZE) protected_records');
    };
    return { server, version: settings[0]!.server_version, ids: { off, on }, vacuum, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function plantClinics(admin: Client): Promise<void> {
  await admin.query(`INSERT INTO clinics (id, name) VALUES ($1, 'Clinic'), ($2, 'Other clinic')`, [
    CLINIC,
    OTHER_CLINIC,
  ]);
}

/** @returns The ids of the stored records. */
async function fill(admin: Client, table: string, rows: number, clinic?: string): Promise<string[]> {
  const records = Array.from({ length: rows }, (_, n) => ({ id: newId(), ...snakeCase(recordInput(n)) }));
  const [column, value] = clinic ? ['clinic_id, ', `'${clinic}'::uuid, `] : ['', ''];
  await admin.query(
    `INSERT INTO ${table} (${column}${COLUMNS}) SELECT ${value}${COLUMNS} FROM json_populate_recordset(null::${table}, $1)`,
    [JSON.stringify(records)],
  );
  return records.map(({ id }) => id);
}

const snakeCase = (record: object): object =>
  Object.fromEntries(
    Object.entries(record).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
