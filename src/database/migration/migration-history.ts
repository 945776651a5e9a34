import type { Client } from 'pg';

/** One line of the history. Nothing in it is ever changed or removed. */
export interface HistoryEntry {
  readonly name: string;
  readonly direction: 'up' | 'down';
  readonly checksum: string;
  /** `started` and `failed` are written for steps outside a transaction; `failed` also when one was rolled back. */
  readonly status: 'started' | 'done' | 'failed';
  readonly startedAt: Date;
  readonly ms?: number;
  readonly sqlState?: string;
}

/** What the history says about one migration now. */
export interface MigrationRecord extends HistoryEntry {
  /** Rises with every line, so it tells the order of application. */
  readonly id: string;
  readonly finishedAt?: Date;
  readonly actor: string;
}

/** True when the table is there. Reading the status must not create it. */
export async function hasHistory(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(`SELECT to_regclass('phi.migration') IS NOT NULL AS found`);
  return rows[0]?.found === true;
}

/** Creates the table. Even its owner may only add lines. */
export async function createHistory(client: Client): Promise<void> {
  await client.query(`
    CREATE TABLE phi.migration (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      name text NOT NULL,
      direction text NOT NULL CHECK (direction IN ('up', 'down')),
      checksum text NOT NULL,
      status text NOT NULL CHECK (status IN ('started', 'done', 'failed')),
      started_at timestamptz(3) NOT NULL,
      finished_at timestamptz(3),
      ms integer,
      actor name NOT NULL DEFAULT session_user,
      sqlstate text
    );
    REVOKE UPDATE, DELETE, TRUNCATE ON phi.migration FROM CURRENT_USER;
    COMMENT ON TABLE phi.migration IS 'History of migrations; append-only. The last line of a name is its state.';
  `);
}

/** Adds a line. Inside the migration's own transaction it stands or falls with it. */
export async function addHistory(client: Client, entry: HistoryEntry): Promise<void> {
  await client.query(
    `INSERT INTO phi.migration (name, direction, checksum, status, started_at, finished_at, ms, sqlstate)
     VALUES ($1, $2, $3, $4, $5, CASE WHEN $4 = 'started' THEN NULL ELSE clock_timestamp() END, $6, $7)`,
    [
      entry.name,
      entry.direction,
      entry.checksum,
      entry.status,
      entry.startedAt,
      entry.ms ?? null,
      entry.sqlState ?? null,
    ],
  );
}

/**
 * The state of every migration that ever ran: its last line, where a failure that was rolled back does not count.
 * @returns In order of application.
 */
export async function readHistory(client: Client): Promise<MigrationRecord[]> {
  if (!(await hasHistory(client))) return [];
  const { rows } = await client.query<MigrationRecord>(`
    SELECT * FROM (
      SELECT DISTINCT ON (name) id, name, direction, checksum, status, started_at AS "startedAt",
             finished_at AS "finishedAt", ms, actor, sqlstate AS "sqlState"
      FROM phi.migration WHERE status <> 'failed' ORDER BY name, id DESC) AS latest
    ORDER BY id`);
  return rows;
}

/** Migrations that are in the database, in order of application. */
export function appliedOf(records: readonly MigrationRecord[]): MigrationRecord[] {
  return records.filter(({ status, direction }) => (status === 'done' ? direction === 'up' : direction === 'down'));
}
