import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { asClinic, CLINIC_A, CLINIC_B, codeOf } from './as-clinic';

const CONTEXT = {
  userId: 'nurse-1',
  userRole: 'NURSE',
  requestId: 'request-1',
  ipAddress: '192.0.2.1',
  userAgent: 'jest',
  purposeOfUse: 'TREATMENT',
  reason: 'test',
};
const SECRET = 'Canary-Lovelace';

let db: TestDatabase;
let app: Client;

beforeAll(async () => {
  db = await createTestDatabase();
  app = await db.appClient();
  for (const clinic of [CLINIC_A, CLINIC_B]) {
    await as(clinic, () => app.query(`INSERT INTO clinics (id, name) VALUES ($1, 'Clinic')`, [clinic]));
  }
});
afterAll(() => db?.drop());

const as = <T>(clinic: string, work: () => Promise<T>, context: object = CONTEXT): Promise<T> =>
  asClinic(app, clinic, work, context);

async function trail(entity: string, id: string, clinic = CLINIC_A) {
  const { rows } = await as(clinic, () => app.query('SELECT * FROM audit.trail($1, $2, 100)', [entity, id]));
  return rows.toReversed();
}

async function plantStudent(context?: object): Promise<string> {
  const id = randomUUID();
  const insert = `INSERT INTO students (id, student_number, first_name, last_name, date_of_birth, gender, grade)
    VALUES ($1, $2, 'Ada', '${SECRET}', '2014-12-10', 'FEMALE', '5')`;
  await as(CLINIC_A, () => app.query(insert, [id, id]), context);
  return id;
}

describe('The audit trail', () => {
  it('names who, where, when and why for a row created by plain SQL [000-30] [003-36]', async () => {
    const id = await plantStudent(CONTEXT);
    const [event] = await trail('Student', id);
    expect(event).toMatchObject({
      origin: 'trigger',
      action: 'CREATE',
      clinic_id: CLINIC_A,
      patient_id: id,
      user_id: 'nurse-1',
      user_role: 'NURSE',
      db_role: 'phi_app',
      request_id: 'request-1',
      ip_address: '192.0.2.1',
      user_agent: 'jest',
      purpose_of_use: 'TREATMENT',
      reason: 'test',
      before: null,
      context_missing: false,
    });
    expect(event.at).toBeInstanceOf(Date);
    expect(event.after).toMatchObject({ id, grade: '5', is_active: true, version: 1 });
    expect(event.changed).toEqual(expect.arrayContaining(['last_name', 'date_of_birth', 'grade']));
    expect(event.changed).not.toContain('middle_name');
  });

  it('records before and after of what changed, PHI by name only, in one event a row [003-35] [D11]', async () => {
    const id = await plantStudent();
    await as(CLINIC_A, () =>
      app.query(`UPDATE students SET grade = '6', last_name = 'Byron', is_active = true WHERE id = $1`, [id]),
    );
    const events = await trail('Student', id);
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({
      action: 'UPDATE',
      before: { grade: '5', version: 1 },
      after: { grade: '6', version: 2 },
      changed: ['grade', 'last_name'],
    });
    expect(JSON.stringify(events)).not.toMatch(/Canary|Byron|2014-12-10/);
  });

  it('tells soft delete, restore and hard delete apart [000-46]', async () => {
    const id = await plantStudent();
    for (const change of ['deleted_at = now()', 'deleted_at = NULL']) {
      await as(CLINIC_A, () => app.query(`UPDATE students SET ${change} WHERE id = $1`, [id]));
    }
    await as(CLINIC_A, () => app.query('DELETE FROM students WHERE id = $1', [id]));
    const events = await trail('Student', id);
    expect(events.map(({ action }) => action)).toEqual(['CREATE', 'DELETE', 'RESTORE', 'DELETE']);
    expect(events[3]).toMatchObject({ after: null, before: { id, grade: '5' } });
    expect(JSON.stringify(events)).not.toContain(SECRET);
  });

  it('writes one event for each row of a bulk statement [003-37]', async () => {
    await as(CLINIC_A, () =>
      app.query(
        `INSERT INTO districts (id, name, code)
         SELECT uuid_generate_v4(), 'Bulk', 'bulk-' || i FROM generate_series(1, 50) AS i`,
      ),
    );
    await as(CLINIC_A, () => app.query(`UPDATE districts SET state = 'MA' WHERE name = 'Bulk'`));
    const client = await db.superClient();
    const { rows } =
      await client.query(`SELECT action, count(*)::int, count(DISTINCT entity_id)::int AS ids FROM audit.event
      WHERE entity = 'District' GROUP BY action ORDER BY action`);
    expect(rows).toEqual([
      { action: 'CREATE', count: 50, ids: 50 },
      { action: 'UPDATE', count: 50, ids: 50 },
    ]);
  });

  it('writes both events of an insert that became an update', async () => {
    const id = await plantStudent();
    await as(CLINIC_A, () =>
      app.query(
        `INSERT INTO students (id, student_number, first_name, last_name, date_of_birth, gender)
         VALUES ($1, 'x', 'A', 'B', '2014-01-01', 'OTHER')
         ON CONFLICT (clinic_id, id) DO UPDATE SET grade = '7'`,
        [id],
      ),
    );
    expect((await trail('Student', id)).map(({ action }) => action)).toEqual(['CREATE', 'UPDATE']);
  });

  it('flags a change that nobody signed, and names the login', async () => {
    const id = randomUUID();
    await as(
      CLINIC_A,
      () => app.query(`INSERT INTO districts (id, name, code) VALUES ($1, 'Unsigned', 'U')`, [id]),
      {},
    );
    expect((await trail('District', id))[0]).toMatchObject({ user_id: 'phi_app', context_missing: true });
  });

  it('disappears with the change that is rolled back [D06]', async () => {
    const id = randomUUID();
    const failed = as(CLINIC_A, async () => {
      await app.query(`INSERT INTO districts (id, name, code) VALUES ($1, 'Gone', 'G')`, [id]);
      throw new Error('fault');
    });
    await expect(failed).rejects.toThrow('fault');
    expect(await trail('District', id)).toEqual([]);
  });

  it('shows a clinic its own events only, at most 1,000, newest first', async () => {
    const id = await plantStudent();
    expect(await trail('Student', id, CLINIC_B)).toEqual([]);
    const { rows } = await as(CLINIC_A, async () => {
      await app.query('UPDATE students SET grade = $2 WHERE id = $1', [id, '8']);
      return app.query(`SELECT action FROM audit.trail('Student', $1, 1)`, [id]);
    });
    expect(rows).toEqual([{ action: 'UPDATE' }]);
  });

  it('can be neither read, forged, changed nor emptied by the application [003-41] [D12]', async () => {
    for (const statement of [
      'SELECT FROM audit.event',
      `INSERT INTO audit.event (origin, action, entity, user_id, context_missing)
       VALUES ('trigger', 'CREATE', 'X', 'x', false)`,
      `UPDATE audit.event SET user_id = 'x'`,
      'DELETE FROM audit.event',
      'TRUNCATE audit.event',
      'DROP TRIGGER audit_update ON students',
      'ALTER TABLE students DISABLE TRIGGER ALL',
      `SET session_replication_role = 'replica'`,
      'SET ROLE audit_owner',
    ]) {
      expect([statement, await codeOf(as(CLINIC_A, () => app.query(statement)))]).toEqual([statement, '42501']);
    }
  });

  it('cannot be changed by the owner of the data either', async () => {
    const migrator = await db.migratorClient();
    await migrator.query('SET ROLE phi_owner');
    for (const statement of ['SELECT FROM audit.event', 'DELETE FROM audit.event', 'TRUNCATE audit.event']) {
      expect(await codeOf(migrator.query(statement))).toBe('42501');
    }
  });

  it('takes what the application claims, marked as such and for its own clinic [003-27] [003-38]', async () => {
    await as(CLINIC_A, () => app.query(`SELECT audit.write('EXPORT', 'HealthRecord', 'student-123', '{"count": 10}')`));
    const [event] = await trail('HealthRecord', 'student-123');
    expect(event).toMatchObject({
      origin: 'application',
      action: 'EXPORT',
      user_id: 'nurse-1',
      clinic_id: CLINIC_A,
      details: { count: 10 },
    });
    expect(await codeOf(as(CLINIC_A, () => app.query(`SELECT audit.write('no action', 'X', 'x')`)))).toBe('23514');
  });

  it('refuses to watch a column that the table does not have', async () => {
    const migrator = await db.migratorClient();
    await migrator.query('SET ROLE phi_owner');
    await expect(
      migrator.query(`CALL audit.watch_table('students', 'Student', ARRAY['id', 'nickname'])`),
    ).rejects.toThrow('has no column nickname');
  });
});
