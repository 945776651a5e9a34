import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Client } from 'pg';
import { SYNTHEA_CLINIC_ID } from '../../seeders/synthea/synthea-clinic';
import { type Child, startChild } from '../support/child';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { describeWithExport, readExportRows, syntheaExport } from '../support/synthea-export';

const root = resolve(__dirname, '../..');
const tables = {
  'encounters.csv': 'clinic_visits',
  'conditions.csv': 'chronic_conditions',
  'medications.csv': 'student_medications',
  'immunizations.csv': 'vaccinations',
  'allergies.csv': 'allergies',
  'careplans.csv': 'treatment_plans',
} as const;

let db: TestDatabase;
let client: Client;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phi-test-synthea-'));
  db = await createTestDatabase();
  client = await db.superClient();
});
afterAll(async () => {
  await db?.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** `npm run db:seed -- --set synthea --from …`, in a folder of the test's own. */
const startImport = (): Child =>
  startChild('src/cli.ts', ['seed', '--set', 'synthea', '--from', syntheaExport], {
    cwd: folder,
    env: {
      ...db.env,
      NODE_PATH: join(root, 'node_modules'),
      TS_NODE_PROJECT: join(root, 'tsconfig.json'),
      TMPDIR: folder,
    },
  });

async function waitUntilBlocked(): Promise<void> {
  const waiting = `SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND usename = 'phi_app' AND wait_event_type = 'Lock'`;
  while ((await client.query(waiting)).rowCount === 0) await new Promise((done) => setTimeout(done, 20));
}

/** For each student the rows of each table, and the rows that the export has for it. */
async function rowsOfStudents(): Promise<{ stored: unknown[]; expected: unknown[] }> {
  const columns = Object.values(tables).map(
    (table) => `(SELECT count(*)::int FROM ${table} WHERE student_id = students.id) AS ${table}`,
  );
  const { rows } = await client.query<{ number: string; records: number; others: number }>(
    `SELECT student_number AS number, ${columns.join(', ')},
       (SELECT count(*)::int FROM vital_signs WHERE student_id = students.id) AS vital_signs,
       (SELECT count(*)::int FROM health_records WHERE student_id = students.id)
         + (SELECT count(*)::int FROM lab_results WHERE student_id = students.id) AS others
     FROM students ORDER BY 1`,
  );
  const files = [...Object.keys(tables), 'observations.csv', 'procedures.csv'] as const;
  const data = new Map(files.map((file) => [file as string, readExportRows(file)]));
  const expected = rows.map(({ number }) => {
    const of = (file: string) => data.get(file)!.filter(({ PATIENT }) => PATIENT === number);
    const vitals = of('observations.csv').filter(({ CATEGORY }) => CATEGORY === 'vital-signs');
    return {
      number,
      ...Object.fromEntries(Object.entries(tables).map(([file, table]) => [table, of(file).length])),
      vital_signs: new Set(vitals.map(({ ENCOUNTER, DATE }) => `${ENCOUNTER} ${DATE}`)).size,
      others: of('procedures.csv').length + of('observations.csv').length - vitals.length,
    };
  });
  return { stored: rows, expected };
}

describeWithExport('An import that is killed', () => {
  it('leaves whole patients only, and the same command completes it without a duplicate', async () => {
    // A row that the import will come to: it has to wait for this transaction, in the midst of a patient.
    const rows = readExportRows('careplans.csv');
    const blocker = await db.superClient();
    await blocker.query(`BEGIN; SET LOCAL session_replication_role = replica`);
    await blocker.query(
      `INSERT INTO treatment_plans (clinic_id, id, student_id, title, started_on, source_hash)
       VALUES ($1, $2, $3, 'x', '2024-01-01', $4)`,
      [SYNTHEA_CLINIC_ID, randomUUID(), randomUUID(), rows[Math.floor(rows.length / 2)]!.hash],
    );
    const killed = startImport();
    await waitUntilBlocked();
    killed.process.kill('SIGKILL');
    expect(await killed.ended()).toMatchObject({ signal: 'SIGKILL' });
    await blocker.query('ROLLBACK');

    const half = await rowsOfStudents();
    expect(half.stored.length).toBeGreaterThan(0);
    expect(half.stored.length).toBeLessThan(27);
    expect(half.stored).toEqual(half.expected);
    // What it had spilled of the patients is gone with it.
    expect(readdirSync(folder).filter((name) => name.startsWith('phi-synthea-'))).toEqual([]);

    const second = await startImport().ended();
    expect(second).toMatchObject({ code: 0 });
    expect(second.stderr).toContain(
      `patients.csv: 27 rows = 27 stored (${half.stored.length} by a former run) + 0 merged + 0 rejected`,
    );
    const whole = await rowsOfStudents();
    expect(whole.stored).toHaveLength(27);
    expect(whole.stored).toEqual(whole.expected);
    const { rows: drugs } = await client.query('SELECT count(*)::int AS drugs FROM medications');
    expect(drugs).toEqual([{ drugs: 32 }]);
  });
});
