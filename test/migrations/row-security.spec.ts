import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { asClinic, CLINIC_A, CLINIC_B, codeOf } from './as-clinic';

let db: TestDatabase;
let app: Client;
let migrator: Client;

beforeAll(async () => {
  db = await createTestDatabase();
  app = await db.appClient();
  migrator = await db.migratorClient();
  for (const clinic of [CLINIC_A, CLINIC_B]) {
    await as(clinic, async () => {
      await app.query(`INSERT INTO clinics (id, name) VALUES ($1, 'Clinic')`, [clinic]);
      await app.query(`INSERT INTO districts (id, name, code) VALUES ($1, 'District', 'D-1')`, [clinic]);
    });
  }
});
afterAll(() => db?.drop());

const as = <T>(clinic: string | undefined, work: () => Promise<T>): Promise<T> => asClinic(app, clinic, work);

describe('Row security', () => {
  it('binds the login of the application, which owns nothing [000-02]', async () => {
    const { rows } =
      await app.query(`SELECT current_user AS name, rolsuper, rolbypassrls, pg_has_role('phi_owner', 'MEMBER') AS owner
      FROM pg_roles WHERE rolname = current_user`);
    expect(rows).toEqual([{ name: 'phi_app', rolsuper: false, rolbypassrls: false, owner: false }]);
  });

  it('shows each clinic its own rows, and its own row of clinics [000-28]', async () => {
    for (const clinic of [CLINIC_A, CLINIC_B]) {
      const seen = await as(clinic, () =>
        app.query('SELECT clinic_id AS id FROM districts UNION ALL SELECT id FROM clinics'),
      );
      expect(seen.rows).toEqual([{ id: clinic }, { id: clinic }]);
    }
  });

  it('shows and changes nothing without a clinic, also after a transaction that had one [000-28]', async () => {
    await as(CLINIC_A, () => app.query('SELECT 1'));
    await as(undefined, async () => {
      expect((await app.query('SELECT FROM districts')).rowCount).toBe(0);
      expect((await app.query(`UPDATE districts SET name = 'x'`)).rowCount).toBe(0);
      expect((await app.query('DELETE FROM districts')).rowCount).toBe(0);
    });
    const insert = as(undefined, () =>
      app.query(`INSERT INTO districts (id, name, code) VALUES ($1, 'x', 'x')`, [randomUUID()]),
    );
    expect(await codeOf(insert)).toBe('42501');
  });

  it('refuses rows written for, or moved to, another clinic', async () => {
    const insert = as(CLINIC_A, () =>
      app.query(`INSERT INTO districts (clinic_id, id, name, code) VALUES ($1, $2, 'x', 'x')`, [
        CLINIC_B,
        randomUUID(),
      ]),
    );
    expect(await codeOf(insert)).toBe('42501');
    expect(await codeOf(as(CLINIC_A, () => app.query('UPDATE districts SET clinic_id = $1', [CLINIC_B])))).toMatch(
      /42501|23000/,
    );
    expect(await codeOf(as(CLINIC_A, () => app.query('UPDATE districts SET id = $1', [randomUUID()])))).toBe('23000');
  });

  it('tells one clinic nothing of another through keys: same id, same code, foreign key', async () => {
    await as(CLINIC_B, () =>
      app.query(`INSERT INTO districts (id, name, code) VALUES ($1, 'Same id', 'D-2')`, [CLINIC_A]),
    );
    const school = as(CLINIC_A, () =>
      app.query(`INSERT INTO schools (id, district_id, name, code) VALUES ($1, $2, 'School', 'S-1')`, [
        randomUUID(),
        CLINIC_B,
      ]),
    );
    expect(await codeOf(school)).toBe('23503');
  });

  it('refuses TRUNCATE, which row security does not bind', async () => {
    expect(await codeOf(app.query('TRUNCATE districts CASCADE'))).toBe('42501');
  });
});

describe('The migrator', () => {
  it('backfills rows of every clinic, although row security is forced on the owner', async () => {
    await migrator.query('SET ROLE phi_owner');
    const { rowCount } = await migrator.query(`UPDATE districts SET state = 'MA' WHERE code = 'D-1'`);
    expect(rowCount).toBe(2);
  });

  it('is refused a foreign key over an orphan, instead of not seeing it', async () => {
    await migrator.query('SET ROLE phi_owner');
    await migrator.query(
      'CREATE TABLE orphans (clinic_id uuid, id uuid, district_id uuid, version int, PRIMARY KEY (clinic_id, id))',
    );
    await migrator.query(`CALL phi.protect_table('orphans')`);
    await migrator.query('INSERT INTO orphans VALUES ($1, $2, $3, 1)', [CLINIC_A, randomUUID(), CLINIC_B]);
    const constraint = migrator.query(
      'ALTER TABLE orphans ADD FOREIGN KEY (clinic_id, district_id) REFERENCES districts (clinic_id, id)',
    );
    expect(await codeOf(constraint)).toBe('23503');
  });
});

describe('A row', () => {
  it('counts its versions and keeps its creation on every path [004-16]', async () => {
    await as(CLINIC_B, async () => {
      const before = await app.query(`SELECT version, created_at, updated_at FROM districts WHERE id = $1`, [CLINIC_B]);
      const after = await app.query(
        `UPDATE districts SET version = 90, created_at = '2000-01-01', updated_at = '2000-01-01' WHERE id = $1
         RETURNING version, created_at, updated_at >= now() - interval '1 ms' AS now`,
        [CLINIC_B],
      );
      const { version, created_at } = before.rows[0];
      expect(after.rows[0]).toMatchObject({ version: version + 1, created_at, now: true });
    });
  });
});
