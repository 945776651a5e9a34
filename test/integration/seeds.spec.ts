import development from '../../seeders/development';
import {
  DEMO_CLINIC_ID,
  DEMO_SCHOOL_IDS,
  DEMO_USER_IDS,
  OTHER_DEMO_CLINIC_ID,
} from '../../seeders/development/demo-identity';
import reference from '../../seeders/reference';
import minimal from '../../seeders/test';
import { TEST_CLINIC_ID, TEST_STUDENT_ID } from '../../seeders/test/test-identity';
import { createSystemExecutionContext, runWithContext } from '../../src';
import {
  AllergyRepository,
  MedicationRepository,
  SchoolRepository,
  StudentRepository,
  UserRepository,
  VaccinationRepository,
} from '../../src/domains';
import type { Seed, SeedOptions } from '../../src/database/seeding/define-seed';
import { type SeedApp, startSeedApp } from '../support/seed-context';

let app: SeedApp;
beforeEach(async () => {
  app = await startSeedApp();
});
afterEach(() => app?.close());

const demo = createSystemExecutionContext({ clinicId: DEMO_CLINIC_ID });

async function run(seeds: Seed | readonly Seed[], options: Partial<SeedOptions> = {}): Promise<void> {
  for (const seed of [seeds].flat()) await seed.run({ ...app.seed, options: { seed: 42, ...options } });
}

/** Everything stored, without what the moment of the run decides; and the number of audit events. */
async function contents(): Promise<{ tables: Record<string, unknown[]>; events: string }> {
  const client = await app.db.superClient();
  const { rows: names } = await client.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name = 'version' ORDER BY 1`,
  );
  const tables: Record<string, unknown[]> = {};
  for (const { name } of names) {
    const { rows } = await client.query(
      `SELECT to_jsonb(t) - 'created_at' - 'updated_at' AS row FROM ${name} t ORDER BY id`,
    );
    tables[name] = rows.map(({ row }: { row: unknown }) => row);
  }
  const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM audit.event');
  await client.end();
  return { tables, events: rows[0]!.count };
}

describe('Seed set development', () => {
  it('makes a clinic with a user of each role, three schools and 50 students with histories [000-35] [D24]', async () => {
    await run(development);
    await runWithContext(demo, async () => {
      const users = await app.get(UserRepository).findAll();
      expect(users.map(({ id, role }) => [role, id]).sort()).toEqual(Object.entries(DEMO_USER_IDS).sort());
      expect((await app.get(SchoolRepository).findAll()).map(({ id }) => id).sort()).toEqual([...DEMO_SCHOOL_IDS]);
      expect(await app.get(StudentRepository).count()).toBe(50);
      expect(await app.get(AllergyRepository).count({ epinephrineRequired: true })).toBeGreaterThan(0);
    });
    const { tables } = await contents();
    const empty = Object.entries(tables).filter(([, rows]) => rows.length === 0);
    expect(empty.map(([table]) => table)).toEqual([]);
    expect(tables.emergency_contacts!.length).toBeGreaterThanOrEqual(50);
  });

  it('gives students what fits their age on the reference date', async () => {
    await run(development);
    await runWithContext(demo, async () => {
      const students = await app.get(StudentRepository).findAll();
      for (const { dateOfBirth, grade } of students) {
        const birthday = new Date(`2026${dateOfBirth.slice(4)}T00:00:00Z`);
        const age = 2026 - Number(dateOfBirth.slice(0, 4)) - (birthday > new Date('2026-01-15') ? 1 : 0);
        expect(Number(grade)).toBe(age - 5);
      }
      const born = new Map(students.map(({ id, dateOfBirth }) => [id, new Date(dateOfBirth)]));
      const doses = await app.get(VaccinationRepository).findAll();
      expect(doses.filter(({ studentId, administeredAt }) => administeredAt < born.get(studentId)!)).toEqual([]);
    });
  });

  it('makes the same rows on every machine, and other people for another number', async () => {
    const made = async (seed: number): Promise<string> => {
      await app.close();
      app = await startSeedApp();
      await run(development, { seed });
      const { medications: _, ...tables } = (await contents()).tables;
      // Drugs are found by their RxNorm code; their ids are new in each database.
      return JSON.stringify(tables).replaceAll(/"medication_id":"[^"]+"/g, '');
    };
    const first = await made(42);
    expect(await made(42)).toBe(first);
    expect(await made(43)).not.toBe(first);
  });

  it('changes nothing when it runs again, and keeps what was changed or deleted since', async () => {
    await run(development);
    const students = app.get(StudentRepository);
    const [first, second] = (await students.findMany({}, { context: demo })).data;
    await students.update(first!.id, { schoolId: DEMO_SCHOOL_IDS[2], grade: '12' }, demo);
    await students.delete(second!.id, demo);
    const before = await contents();
    await run(development);
    expect(await contents()).toEqual(before);
  });

  it('completes what is missing', async () => {
    await run(development);
    const before = await contents();
    const client = await app.db.superClient();
    await client.query('DELETE FROM vaccinations; DELETE FROM allergies');
    await run(development);
    expect((await contents()).tables).toEqual(before.tables);
  });

  it('leaves nothing of a clinic when it fails half-way', async () => {
    const client = await app.db.superClient();
    await client.query('REVOKE INSERT ON vaccinations FROM phi_app');
    await expect(run(development)).rejects.toMatchObject({ code: 'TENANT_DENIED' });
    const { rows } = await client.query(`SELECT count(*)::int AS rows FROM clinics WHERE id = '${DEMO_CLINIC_ID}'
      UNION ALL SELECT count(*)::int FROM audit.event
        WHERE clinic_id = '${DEMO_CLINIC_ID}' AND action <> 'TRANSACTION'`);
    expect(rows).toEqual([{ rows: 0 }, { rows: 0 }]);
  });

  it('has a second clinic that the first cannot see, with a student of the same number', async () => {
    await run(development);
    const other = createSystemExecutionContext({ clinicId: OTHER_DEMO_CLINIC_ID });
    const students = app.get(StudentRepository);
    const inOther = await students.findOne({ where: { studentNumber: 'S-1001' } }, { context: other });
    const inDemo = await students.findOne({ where: { studentNumber: 'S-1001' } }, { context: demo });
    expect(inOther!.id).not.toBe(inDemo!.id);
    expect(await students.findById(inOther!.id, { context: demo })).toBeNull();
    expect(await students.count({}, { context: other })).toBe(1);
  });
});

describe('Seed set reference', () => {
  it('corrects the catalogue of a clinic by RxNorm code, and changes nothing when it runs again', async () => {
    await run(minimal);
    const context = createSystemExecutionContext({ clinicId: TEST_CLINIC_ID });
    const medications = app.get(MedicationRepository);
    const own = await medications.create({ name: 'House tea' }, context);
    const wrong = await medications.create({ name: 'Loratadin', rxnormCode: '665078' }, context);
    await run(reference, { clinic: TEST_CLINIC_ID });
    expect(await medications.findById(wrong.id, { context })).toMatchObject({
      name: 'Loratadine 5 MG Chewable Tablet',
      version: 2,
    });
    expect(await medications.findById(own.id, { context })).toEqual(own);
    const before = await contents();
    expect(before.tables.medications).toHaveLength(13);
    await run(reference, { clinic: TEST_CLINIC_ID });
    expect(await contents()).toEqual(before);
  });

  it('asks for the clinic', async () => {
    await expect(run(reference)).rejects.toMatchObject({
      code: 'DATABASE_CONFIGURATION',
      message: expect.stringContaining('--clinic'),
    });
  });
});

describe('Seed set test', () => {
  it('makes one of each with fixed ids, once [000-35]', async () => {
    await run(minimal);
    const before = await contents();
    expect(before.tables.students).toMatchObject([{ id: TEST_STUDENT_ID, clinic_id: TEST_CLINIC_ID }]);
    await run(minimal);
    expect(await contents()).toEqual(before);
  });
});
