import type { Client } from 'pg';

/** Everything that belongs to one clinic, its trail included, as text: equal texts mean that nothing was touched. */
export async function snapshotOf(superuser: Client, clinicId: string): Promise<string> {
  const { rows: tables } = await superuser.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name = 'clinic_id' ORDER BY 1`,
  );
  const lines: string[] = [];
  for (const { name } of tables)
    lines.push(
      ...(await texts(superuser, `SELECT to_jsonb(t)::text AS line FROM ${name} AS t WHERE clinic_id = $1`, clinicId)),
    );
  lines.push(...(await texts(superuser, 'SELECT to_jsonb(t)::text AS line FROM clinics AS t WHERE id = $1', clinicId)));
  lines.push(
    ...(await texts(
      superuser,
      'SELECT to_jsonb(t)::text AS line FROM audit.event AS t WHERE clinic_id = $1',
      clinicId,
    )),
  );
  return lines.toSorted().join('\n');
}

/** How many rows there are in all tables and in the trail, of all clinics. */
export async function countEverything(superuser: Client): Promise<Record<string, number>> {
  const { rows: tables } = await superuser.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name = 'deleted_at' ORDER BY 1`,
  );
  const counts: Record<string, number> = {};
  for (const name of [...tables.map((table) => table.name), 'audit.event']) {
    const { rows } = await superuser.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${name}`);
    counts[name] = rows[0]!.rows;
  }
  return counts;
}

async function texts(superuser: Client, sql: string, clinicId: string): Promise<string[]> {
  const { rows } = await superuser.query<{ line: string }>(sql, [clinicId]);
  return rows.map(({ line }) => line);
}
