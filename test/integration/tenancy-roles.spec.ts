import type { Client } from 'pg';
import { Database, runWithContext } from '../../src';
import { Student, StudentRepository } from '../../src/domains';
import { StatementRunner } from '../../src/database/connection/statement-runner';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { rejectionOf } from '../support/refusal';

let app: DatabaseApp;
let db: Database;
let clinics: TwoClinics;
let superuser: Client;

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository]);
  db = app.database;
  clinics = await plantClinics(app);
  superuser = await app.db.superClient();
});
afterAll(() => app?.close());

const pupil = (studentNumber: string) => ({
  studentNumber,
  firstName: 'A',
  lastName: 'B',
  dateOfBirth: '2014-12-10',
  gender: 'OTHER' as const,
});

const IDENTITY = `SELECT current_user, session_user, r.rolsuper, r.rolbypassrls, r.rolcreaterole,
    r.rolcreatedb, r.rolreplication,
    current_setting('row_security') AS row_security, current_setting('is_superuser') AS is_superuser
  FROM pg_roles r WHERE r.rolname = current_user`;

describe('The application’s login', () => {
  const bound = {
    current_user: 'phi_app',
    session_user: 'phi_app',
    rolsuper: false,
    rolbypassrls: false,
    rolcreaterole: false,
    rolcreatedb: false,
    rolreplication: false,
    row_security: 'on',
    is_superuser: 'off',
  };

  it('is phi_app, whom row security binds, alone and in a unit of work [000-02] [000-28]', async () => {
    expect(await db.one(IDENTITY)).toEqual(bound);
    expect(await app.unitOfWork.executeInTransaction(() => db.one(IDENTITY), clinics.a)).toEqual(bound);
    const [row] = (await runWithContext(clinics.a, () => Student.sequelize!.query(IDENTITY)))[0];
    expect(row).toEqual(bound);
  });

  it('meets forced row security and a restrictive policy on every table with a clinic', async () => {
    const tables = await db.query<{ name: string; enabled: boolean; forced: boolean; policies: string[] }>(
      `SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
         ARRAY(SELECT p.policyname || ' ' || p.permissive FROM pg_policies p
               WHERE p.tablename = c.relname AND 'phi_app' = ANY (p.roles) ORDER BY 1) AS policies
       FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
         AND (c.relname = 'clinics'
              OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'clinic_id'))`,
    );
    expect(tables.length).toBeGreaterThanOrEqual(17);
    for (const table of tables) {
      expect(table).toMatchObject({
        enabled: true,
        forced: true,
        policies: ['app_access PERMISSIVE', 'tenant_isolation RESTRICTIVE'],
      });
    }
  });

  it.each([
    'TRUNCATE students',
    'TRUNCATE students CASCADE',
    'ALTER TABLE students DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE students NO FORCE ROW LEVEL SECURITY',
    'ALTER TABLE students DISABLE TRIGGER ALL',
    'DROP POLICY tenant_isolation ON students',
    'CREATE POLICY mine ON students USING (true)',
    'DROP TABLE students',
    'CREATE TABLE mine ()',
    'CREATE TEMPORARY TABLE mine AS SELECT * FROM students',
    'CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1',
    'CREATE VIEW mine AS SELECT * FROM students',
    'CREATE ROLE mine',
    'ALTER ROLE phi_app BYPASSRLS',
    'GRANT phi_owner TO phi_app',
    'SELECT * FROM audit.event',
    'SELECT count(*) FROM audit.event',
    "INSERT INTO audit.event (origin, action, entity, user_id) VALUES ('trigger', 'READ', 'x', 'x')",
    "UPDATE audit.event SET user_id = 'x'",
    'DELETE FROM audit.event',
    'TRUNCATE audit.event',
    "SELECT nextval('audit.event_seq_seq')",
    'SELECT audit.record_change()',
    'SELECT phi.touch_row()',
    'SELECT rolpassword FROM pg_authid',
    "SELECT pg_read_file('/etc/passwd')",
    "COPY students TO PROGRAM 'cat'",
  ])('is refused: %s [000-02] [004-02] [003-41]', async (sql) => {
    await runWithContext(clinics.a, async () => {
      const error = await rejectionOf(db.query(sql));
      expect(error).toMatchObject({ code: 'TENANT_DENIED', sqlState: '42501' });
    });
  });

  it.each([
    'SET ROLE phi_owner',
    'SET ROLE audit_owner',
    'SET SESSION AUTHORIZATION phi_owner',
    'RESET ROLE',
    'RESET ALL',
    'DISCARD ALL',
    'set  session app.tenant = x',
    "SELECT set_config('role', 'phi_owner', true)",
    "SELECT set_config('app.tenant', $1, false)",
  ])('does not get as far as the server with: %s', async (sql) => {
    expect(await rejectionOf(db.query(sql))).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await db.one(IDENTITY)).toMatchObject({ current_user: 'phi_app' });
  });

  it('becomes no other role on a connection of its own', async () => {
    const client = await app.db.appClient();
    for (const role of ['phi_owner', 'audit_owner', 'phi_migrator', 'auditor', 'phi_reader', 'postgres']) {
      await expect(client.query(`SET ROLE ${role}`)).rejects.toMatchObject({
        code: expect.stringMatching(/42501|22023|42704/),
      });
    }
  });

  it('sees no row where row security is switched off: the server refuses instead of showing all', async () => {
    await runWithContext(clinics.a, () => app.get(StudentRepository).create(pupil('off-1')));
    const client = await app.db.appClient();
    await client.query('SET row_security = off');
    await expect(client.query('SELECT FROM students')).rejects.toMatchObject({ code: '42501' });
  });
});

describe('What keeps clinics apart', () => {
  /** Clinics that clinic A sees in the table, by each way of reading. */
  const seenByA = (): Promise<string[]> =>
    runWithContext(clinics.a, async () => {
      const rows = [
        ...(await app.get(StudentRepository).findAll()).map(({ clinicId }) => clinicId),
        ...(await db.query<{ clinic_id: string }>('SELECT clinic_id FROM students')).map((row) => row.clinic_id),
        ...(await Student.findAll()).map(({ clinicId }) => clinicId),
        ...(await app.unitOfWork.executeInTransaction(() => app.get(StudentRepository).findAll())).map(
          ({ clinicId }) => clinicId,
        ),
      ];
      return [...new Set(rows)].toSorted();
    });
  const own = () => [clinics.a.clinicId];
  const everyones = () => [clinics.a.clinicId, clinics.b.clinicId];

  beforeAll(async () => {
    for (const context of [clinics.a, clinics.b]) await app.get(StudentRepository).create(pupil('apart'), context);
  });

  it('is the restrictive policy: without tenant_isolation the other clinic’s rows would show', async () => {
    expect(await seenByA()).toEqual(own());
    await superuser.query('DROP POLICY tenant_isolation ON students');
    try {
      expect(await seenByA()).toEqual(everyones());
    } finally {
      await superuser.query(`CREATE POLICY tenant_isolation ON students AS RESTRICTIVE FOR ALL TO phi_app, phi_reader
        USING (clinic_id = (SELECT phi.tenant())) WITH CHECK (clinic_id = (SELECT phi.tenant()))`);
    }
    expect(await seenByA()).toEqual(own());
  });

  it('is the tenant that travels with the begin: without it no row would show, of any clinic', async () => {
    const { Client: PgClient } = jest.requireActual<typeof import('pg')>('pg');
    const query = PgClient.prototype.query as (...args: unknown[]) => unknown;
    const spy = jest.spyOn(PgClient.prototype, 'query').mockImplementation(function (this: Client, ...args: unknown[]) {
      if (typeof args[0] === 'string') args[0] = args[0].replace(/SET LOCAL app\.tenant = '[^']*';/g, '');
      return query.apply(this, args);
    } as never);
    try {
      expect(await seenByA()).toEqual([]);
      expect(await rejectionOf(app.get(StudentRepository).create(pupil('unbound'), clinics.a))).toMatchObject({
        code: 'TENANT_DENIED',
      });
    } finally {
      spy.mockRestore();
    }
    expect(await seenByA()).toEqual(own());
  });

  it('is the scope: a unit of work that were not bound to its call would serve the wrong clinic or none', async () => {
    const run = StatementRunner.prototype.runAll;
    const texts: string[] = [];
    const spy = jest.spyOn(StatementRunner.prototype, 'runAll').mockImplementation(function (
      this: StatementRunner,
      statements,
      options,
    ) {
      texts.push(...statements.map(({ text }) => text));
      return run.call(this, statements, options);
    });
    try {
      const [ofA, ofB] = await Promise.all(
        [clinics.a, clinics.b].map((context) =>
          app.unitOfWork.executeInTransaction(async () => {
            const before = await db.one<{ tenant: string; id: string }>(
              'SELECT phi.tenant() AS tenant, pg_current_xact_id()::text AS id',
            );
            await app.get(StudentRepository).findMany();
            return [before, await db.one('SELECT phi.tenant() AS tenant, pg_current_xact_id()::text AS id')];
          }, context),
        ),
      );
      expect(ofA![0]).toEqual(ofA![1]);
      expect(ofB![0]).toEqual(ofB![1]);
      expect([ofA, ofB].map((pair) => (pair![0] as { tenant: string }).tenant)).toEqual(everyones());
      expect(texts.join(' ')).not.toContain(clinics.a.clinicId);
    } finally {
      spy.mockRestore();
    }
  });
});
