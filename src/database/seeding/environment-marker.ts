import type { Client } from 'pg';

/**
 * Says in the database itself that it is production, so that a forgotten NODE_ENV or a wrong DB_HOST on a laptop cannot
 * fill it with test data. The mark cannot be taken away by a command.
 * @param client Connected as the migrator.
 */
export async function markProduction(client: Client): Promise<void> {
  await client.query(`
    CREATE TABLE IF NOT EXISTS phi.environment (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      name text NOT NULL CHECK (name = 'production'),
      marked_at timestamptz(3) NOT NULL DEFAULT now(),
      marked_by name NOT NULL DEFAULT session_user
    );
    COMMENT ON TABLE phi.environment IS 'One row: this database is production and takes no test data.';
    INSERT INTO phi.environment (name) VALUES ('production') ON CONFLICT DO NOTHING`);
}

/** Whether the database carries the mark. */
export async function isMarkedProduction(client: Client): Promise<boolean> {
  const { rows: tables } = await client.query<{ found: boolean }>(
    `SELECT to_regclass('phi.environment') IS NOT NULL AS found`,
  );
  if (!tables[0]?.found) return false;
  const { rows } = await client.query('SELECT 1 FROM phi.environment');
  return rows.length > 0;
}
