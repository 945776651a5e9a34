import type { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database';

let db: TestDatabase;
let client: Client;

beforeAll(async () => {
  db = await createTestDatabase();
  client = await db.superClient();
});
afterAll(() => db?.drop());

/** Tables whose rows belong to a clinic, by oid; `clinics` itself is told apart where its key differs. */
const TENANT_TABLES = `
  SELECT c.oid, c.relname, c.relname <> 'clinics' AS has_clinic_id, c.relrowsecurity, c.relforcerowsecurity,
         c.relowner, c.relacl
  FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND (c.relname = 'clinics'
      OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'clinic_id'))`;

/** Runs a query that returns what breaks a rule, one text a row. */
async function offenders(sql: string): Promise<string[]> {
  const { rows } = await client.query<{ offender: string }>(`WITH tenant_table AS (${TENANT_TABLES}) ${sql}`);
  return rows.map(({ offender }) => offender);
}

describe('Every table of a clinic', () => {
  it('is found in the catalog: all of the first slice, and no table is without a clinic [000-28]', async () => {
    expect(await offenders('SELECT relname AS offender FROM tenant_table ORDER BY relname')).toEqual([
      'allergies',
      'appointments',
      'chronic_conditions',
      'clinic_visits',
      'clinics',
      'districts',
      'emergency_contacts',
      'health_records',
      'lab_results',
      'medications',
      'schools',
      'student_medications',
      'students',
      'treatment_plans',
      'users',
      'vaccinations',
      'vital_signs',
    ]);
    expect(
      await offenders(`SELECT relname AS offender FROM pg_class WHERE relkind IN ('r', 'p')
        AND relnamespace = 'public'::regnamespace AND oid NOT IN (SELECT oid FROM tenant_table)
        AND relname NOT LIKE '%migration%' AND relname NOT LIKE '%seed%' AND relname <> 'SequelizeMeta'`),
    ).toEqual([]);
  });

  it('has row security enabled and forced, and belongs to phi_owner [000-02]', async () => {
    expect(
      await offenders(`SELECT relname AS offender FROM tenant_table
        WHERE NOT relrowsecurity OR NOT relforcerowsecurity OR relowner <> 'phi_owner'::regrole`),
    ).toEqual([]);
  });

  it('has exactly the three policies, the tenant one restrictive and with the sub-select', async () => {
    const { rows } = await client.query(`
      SELECT t.relname, p.polname, p.polpermissive, p.polcmd, pg_get_expr(p.polqual, p.polrelid) AS qual,
             pg_get_expr(p.polwithcheck, p.polrelid) AS with_check,
             array(SELECT r::regrole::text FROM unnest(p.polroles) r ORDER BY 1) AS roles
      FROM (${TENANT_TABLES}) t LEFT JOIN pg_policy p ON p.polrelid = t.oid ORDER BY t.relname, p.polname`);
    const tables = [...new Set(rows.map((row) => row.relname as string))];
    const expected = tables.flatMap((relname) => {
      const own = `(${relname === 'clinics' ? 'id' : 'clinic_id'} = ( SELECT phi.tenant() AS tenant))`;
      const policy = (polname: string, polpermissive: boolean, qual: string, roles: string[]) => ({
        relname,
        polname,
        polpermissive,
        polcmd: '*',
        qual,
        with_check: qual,
        roles,
      });
      return [
        policy('app_access', true, 'true', ['phi_app', 'phi_reader']),
        policy('maintenance', true, 'true', ['phi_migrator', 'phi_owner']),
        policy('tenant_isolation', false, own, ['phi_app', 'phi_reader']),
      ];
    });
    expect(rows).toEqual(expected);
  });

  it('has the primary key (clinic_id, id), clinics has (id) [000-23]', async () => {
    expect(
      await offenders(`SELECT relname AS offender FROM tenant_table t
        LEFT JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'p'
        WHERE pg_get_constraintdef(k.oid) IS DISTINCT FROM
          CASE WHEN has_clinic_id THEN 'PRIMARY KEY (clinic_id, id)' ELSE 'PRIMARY KEY (id)' END`),
    ).toEqual([]);
  });

  it('has the common columns with their types and defaults [000-22]', async () => {
    expect(
      await offenders(`
        SELECT t.relname || '.' || e.name AS offender
        FROM tenant_table t CROSS JOIN (VALUES
          ('clinic_id', 'uuid', true, 'phi.tenant()'), ('id', 'uuid', true, NULL), ('version', 'integer', true, '1'),
          ('created_at', 'timestamp(3) with time zone', true, 'now()'),
          ('updated_at', 'timestamp(3) with time zone', true, 'now()'),
          ('deleted_at', 'timestamp(3) with time zone', false, NULL),
          ('created_by', 'uuid', false, NULL), ('updated_by', 'uuid', false, NULL)
        ) AS e (name, type, required, fallback)
        LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = e.name
        LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
        WHERE (has_clinic_id OR e.name <> 'clinic_id')
          AND (format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
              IS DISTINCT FROM (e.type, e.required, e.fallback)`),
    ).toEqual([]);
  });

  it('keeps every foreign key inside the clinic and never cascades [001-05] [D27]', async () => {
    expect(
      await offenders(`
        SELECT k.conname AS offender FROM pg_constraint k JOIN tenant_table t ON t.oid = k.conrelid
        JOIN tenant_table parent ON parent.oid = k.confrelid
        WHERE k.contype = 'f' AND NOT (
          k.confdeltype = 'a' AND k.confupdtype = 'a' AND k.convalidated
          AND CASE WHEN parent.has_clinic_id
            THEN pg_get_constraintdef(k.oid) ~ '^FOREIGN KEY \\(clinic_id, .*\\) REFERENCES \\w+\\(clinic_id, .*id\\)'
            ELSE pg_get_constraintdef(k.oid) = 'FOREIGN KEY (clinic_id) REFERENCES clinics(id)' END)`),
    ).toEqual([]);
  });

  it('has a foreign key for every column that names a row', async () => {
    expect(
      await offenders(`
        SELECT t.relname || '.' || a.attname AS offender FROM tenant_table t JOIN pg_attribute a ON a.attrelid = t.oid
        WHERE a.attname LIKE '%\\_id' AND NOT a.attisdropped AND NOT EXISTS (
          SELECT FROM pg_constraint k WHERE k.conrelid = t.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey))`),
    ).toEqual([]);
  });

  it('has an index for every foreign key, led by clinic_id [000-27] [001-06]', async () => {
    expect(
      await offenders(`
        SELECT k.conname AS offender FROM pg_constraint k JOIN tenant_table t ON t.oid = k.conrelid
        WHERE k.contype = 'f' AND NOT EXISTS (
          SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indpred IS NULL
            AND i.indkey[0] = k.conkey[1]
            AND (cardinality(k.conkey) = 1 OR i.indkey[1] = k.conkey[cardinality(k.conkey)]))`),
    ).toEqual([]);
  });

  it('leads every index with clinic_id and makes uniqueness partial: deleted rows do not block [000-24]', async () => {
    expect(
      await offenders(`
        SELECT i.indexrelid::regclass::text AS offender FROM pg_index i JOIN tenant_table t ON t.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
        WHERE has_clinic_id AND (a.attname <> 'clinic_id' OR (
          i.indisunique AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
          AND pg_get_expr(i.indpred, i.indrelid) IS DISTINCT FROM CASE
            WHEN i.indexrelid::regclass::text LIKE '%source\\_hash\\_key' THEN '(source_hash IS NOT NULL)'
            ELSE '(deleted_at IS NULL)' END))`),
    ).toEqual([]);
  });

  it('touches the row and records every change [004-16] [000-30]', async () => {
    const { rows } = await client.query(`
      SELECT t.relname, array(SELECT format('%s %s', g.tgname, g.tgenabled) FROM pg_trigger g
                              WHERE g.tgrelid = t.oid AND NOT g.tgisinternal ORDER BY 1) AS triggers
      FROM (${TENANT_TABLES}) t`);
    for (const { triggers } of rows) {
      expect(triggers).toEqual(['audit_delete O', 'audit_insert O', 'audit_update O', 'touch_row O']);
    }
  });

  it('gives phi_app rows and no more, phi_reader reading, everyone else nothing [004-02]', async () => {
    expect(
      await offenders(`
        SELECT relname || ': ' || coalesce(
            (SELECT string_agg(grantee::regrole || ' ' || privilege_type, ', ' ORDER BY 1)
            FROM aclexplode(relacl) WHERE grantee <> relowner), 'none') AS offender
        FROM tenant_table WHERE array(SELECT grantee::regrole || ' ' || privilege_type FROM aclexplode(relacl)
            WHERE grantee <> relowner ORDER BY 1)
          <> ARRAY['phi_app DELETE', 'phi_app INSERT', 'phi_app SELECT', 'phi_app UPDATE', 'phi_reader SELECT']`),
    ).toEqual([]);
  });

  it('has no array column, no time without zone, no float, no check against the clock [000-21]', async () => {
    expect(
      await offenders(`
        SELECT t.relname || '.' || a.attname AS offender FROM tenant_table t JOIN pg_attribute a ON a.attrelid = t.oid
        WHERE a.attnum > 0 AND NOT a.attisdropped
          AND (a.atttypid::regtype::text LIKE '%[]'
            OR a.atttypid IN ('timestamp'::regtype, 'float8'::regtype, 'float4'::regtype))
        UNION ALL
        SELECT k.conname FROM pg_constraint k JOIN tenant_table t ON t.oid = k.conrelid
        WHERE k.contype = 'c' AND pg_get_constraintdef(k.oid) ~* '(now\\(|current_|clock_)'`),
    ).toEqual([]);
  });
});

describe('The definer functions', () => {
  it('fix their search path and are granted to named roles only', async () => {
    const { rows } = await client.query(`
      SELECT p.oid::regprocedure::text AS name, p.proconfig,
             array(SELECT grantee::regrole::text FROM aclexplode(p.proacl)
                   WHERE grantee <> p.proowner ORDER BY 1) AS granted
      FROM pg_proc p WHERE p.prosecdef AND p.pronamespace IN ('phi'::regnamespace, 'audit'::regnamespace) ORDER BY 1`);
    const proconfig = ['search_path=pg_catalog, pg_temp'];
    expect(rows).toEqual([
      { name: 'audit.record_change()', proconfig, granted: ['phi_owner'] },
      { name: 'audit.trail(text,text,integer)', proconfig, granted: ['phi_app'] },
      { name: 'audit.write(text,text,text,jsonb,uuid)', proconfig, granted: ['phi_app'] },
    ]);
    const open = await client.query(`SELECT p.oid::regprocedure FROM pg_proc p
      WHERE p.pronamespace IN ('phi'::regnamespace, 'audit'::regnamespace)
        AND has_function_privilege('auditor', p.oid, 'EXECUTE')`);
    expect(open.rows).toEqual([]);
  });
});

describe('The table users', () => {
  it('has the indexes that document 004 asks for [004-14] [004-15]', async () => {
    const { rows } = await client.query<{ indexdef: string }>(
      `SELECT indexdef FROM pg_indexes WHERE tablename = 'users'`,
    );
    const definitions = rows.map(({ indexdef }) => indexdef.replace(/^.* ON public\.users USING btree /, ''));
    expect(definitions).toEqual(
      expect.arrayContaining([
        '(clinic_id, email) WHERE (deleted_at IS NULL)',
        '(clinic_id, created_at)',
        '(clinic_id, last_login_at)',
        '(clinic_id, subscription_tier)',
      ]),
    );
  });
});
