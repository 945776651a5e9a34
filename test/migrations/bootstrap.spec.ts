import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { MIGRATOR_LOGIN } from '../../src/database/embedded/bootstrap';
import { Migrator } from '../../src/database/migration/migrator';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database';
import { superuserConfig, testServer } from '../support/test-server';
import { readCatalog } from './catalog';

const BOOTSTRAP = readFileSync('migrations/bootstrap/roles-and-extensions.sql', 'utf8');

let db: TestDatabase;
let client: Client;

beforeAll(async () => {
  db = await createTestDatabase();
  client = await db.superClient();
});
afterAll(() => db?.drop());

describe('The bootstrap', () => {
  it('installs the extensions and verifies them [000-03] [004-01] [004-20] [004-21]', async () => {
    const { rows } = await client.query<{ extname: string }>('SELECT extname FROM pg_extension');
    const names = rows.map(({ extname }) => extname);
    expect(names).toEqual(
      expect.arrayContaining(['uuid-ossp', 'pgcrypto', 'pg_trgm', 'unaccent', 'pg_stat_statements']),
    );
  });

  it('makes owners that cannot log in, and logins that row security binds [000-02] [004-02]', async () => {
    const { rows } = await client.query(`
      SELECT rolname, rolcanlogin AS login,
             rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication AS power,
             array(SELECT roleid::regrole::text FROM pg_auth_members WHERE member = r.oid ORDER BY 1) AS member_of
      FROM pg_roles r WHERE rolname ~ '^(phi|audit)' ORDER BY rolname`);
    const role = (rolname: string, login = false, member_of: string[] = []) => ({
      rolname,
      login,
      power: false,
      member_of,
    });
    expect(rows).toEqual([
      role('audit_owner'),
      role('audit_sealer'),
      role('auditor'),
      role('phi_app', true),
      role('phi_migrator', true, ['audit_owner', 'phi_owner']),
      role('phi_owner'),
      role('phi_reader'),
    ]);
  });

  it('changes nothing when it runs again, least of all a password', async () => {
    const passwords = 'SELECT rolname, rolpassword FROM pg_authid ORDER BY rolname';
    const before = { catalog: await readCatalog(client), passwords: (await client.query(passwords)).rows };
    await client.query(BOOTSTRAP);
    expect({ catalog: await readCatalog(client), passwords: (await client.query(passwords)).rows }).toEqual(before);
  });

  it('takes passwords from PGOPTIONS, as its head says, so that no list of processes shows them', async () => {
    const hash = `SELECT rolpassword FROM pg_authid WHERE rolname = 'phi_app'`;
    const admin = new Client({
      ...superuserConfig(testServer(), db.name),
      options: '-c bootstrap.app_password=first\\ canary',
    });
    await admin.connect();
    try {
      await admin.query('BEGIN');
      const { rows: before } = await admin.query(hash);
      await admin.query(BOOTSTRAP);
      expect((await admin.query(hash)).rows).not.toEqual(before);
      const { rows } = await admin.query(`SELECT current_setting('bootstrap.app_password') AS password`);
      expect(rows).toEqual([{ password: 'first canary' }]);
    } finally {
      await admin.query('ROLLBACK');
      await admin.end();
    }
  });

  it('leaves nothing to PUBLIC: no object in public, no temporary table, no connection [004-02]', async () => {
    const { rows } = await client.query(`
      SELECT has_schema_privilege('auditor', 'public', 'CREATE') AS create,
             has_schema_privilege('phi_app', 'public', 'CREATE') AS app,
             has_database_privilege('phi_app', current_database(), 'TEMPORARY') AS temporary,
             EXISTS (SELECT FROM pg_database, aclexplode(datacl) a
                     WHERE datname = current_database() AND a.grantee = 0) AS connect`);
    expect(rows).toEqual([{ create: false, app: false, temporary: false, connect: false }]);
  });

  it('keeps times in UTC and values out of the server log and its statistics [000-21]', async () => {
    const app = await db.appClient();
    const { rows } =
      await app.query(`SELECT current_setting('timezone') AS zone, current_setting('log_error_verbosity') AS verbosity,
      current_setting('log_parameter_max_length_on_error') AS parameters,
      current_setting('pg_stat_statements.track_utility') AS utility`);
    expect(rows).toEqual([{ zone: 'UTC', verbosity: 'terse', parameters: '0', utility: 'off' }]);
  });

  it('is what the first migration asks for where something is missing [000-37]', async () => {
    const bare = await createEmptyDatabase();
    try {
      await (await bare.superClient()).query('DROP EXTENSION unaccent');
      const { host, port, name: database, env } = bare;
      const connection = { host, port, database, user: MIGRATOR_LOGIN, password: env.DB_MIGRATOR_PASSWORD };
      await expect(new Migrator({ connection }).migrate()).rejects.toThrow('missing: extension unaccent');
    } finally {
      await bare.drop();
    }
  });
});
