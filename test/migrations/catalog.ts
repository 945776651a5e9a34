import type { Client } from 'pg';

/** Tables of the migration and seed runners: they are the runners' own. */
const OWN_TABLES = `c.relname !~ '(migration|seed)'`;
const SCHEMAS = `('public'::regnamespace, 'phi'::regnamespace, 'audit'::regnamespace)`;

/** Everything a migration can make, one sorted line an object, so that two databases can be compared as text. */
export async function readCatalog(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(`
    SELECT format('column %s.%s %s notnull=%s default=%s', c.oid::regclass, a.attname,
                  format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace IN ${SCHEMAS} AND ${OWN_TABLES}
    UNION ALL
    SELECT format('%s %s owner=%s acl=%s rls=%s/%s', c.relkind, c.oid::regclass, c.relowner::regrole, c.relacl,
                  c.relrowsecurity, c.relforcerowsecurity)
    FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE c.relnamespace IN ${SCHEMAS} AND ${OWN_TABLES} AND c.relkind <> 'v'
    UNION ALL
    SELECT format('index %s', pg_get_indexdef(c.oid)) FROM pg_class c
    WHERE c.relkind = 'i' AND c.relnamespace IN ${SCHEMAS} AND ${OWN_TABLES}
    UNION ALL
    SELECT format('constraint %s.%s %s', c.oid::regclass, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE c.relnamespace IN ${SCHEMAS} AND ${OWN_TABLES}
    UNION ALL
    SELECT format('trigger %s %s', g.tgenabled, pg_get_triggerdef(g.oid))
    FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal AND ${OWN_TABLES}
    UNION ALL
    SELECT format('policy %s.%s %s %s %s %s', polrelid::regclass, polname, polpermissive, polroles::regrole[],
                  pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) FROM pg_policy
    UNION ALL
    SELECT format('function %s owner=%s acl=%s %s', p.oid::regprocedure, p.proowner::regrole, p.proacl,
                  md5(pg_get_functiondef(p.oid)))
    FROM pg_proc p WHERE p.pronamespace IN ('phi'::regnamespace, 'audit'::regnamespace)
    UNION ALL
    SELECT format('grant on schema %s: %s %s', n.nspname, a.grantee::regrole, a.privilege_type)
    FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.oid IN ${SCHEMAS} AND a.grantee <> n.nspowner
    UNION ALL
    SELECT format('default of %s: %s %s', defaclrole::regrole, defaclobjtype, defaclacl) FROM pg_default_acl`);
  return rows.map(({ line }) => line).toSorted();
}
