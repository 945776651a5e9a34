import type { Client } from 'pg';
import type { MigrationSource } from './migration-files';

/** One line of the history. Nothing in it is ever changed or removed. */
export interface HistoryEntry {
  readonly source: MigrationSource;
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

/** Creates the table, or brings an older one up to date. Even its owner may only add lines. */
export async function ensureHistory(client: Client): Promise<void> {
  if (!(await hasHistory(client))) return createHistory(client);
  const { rows } = await client.query(
    `SELECT FROM pg_attribute WHERE attrelid = 'phi.migration'::regclass AND attname = 'source' AND NOT attisdropped`,
  );
  if (rows.length === 0) await client.query(`ALTER TABLE phi.migration ADD COLUMN ${SOURCE_COLUMN}`);
}

const SOURCE_COLUMN = `source text NOT NULL DEFAULT 'package' CHECK (source IN ('package', 'application'))`;

async function createHistory(client: Client): Promise<void> {
  await client.query(`
    CREATE TABLE phi.migration (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      ${SOURCE_COLUMN},
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
    COMMENT ON TABLE phi.migration IS 'Migrations, append-only. The last line of a source and name is its state.';
  `);
}

/** Adds a line. Inside the migration's own transaction it stands or falls with it. */
export async function addHistory(client: Client, entry: HistoryEntry): Promise<void> {
  await client.query(
    `INSERT INTO phi.migration (source, name, direction, checksum, status, started_at, finished_at, ms, sqlstate)
     VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $5 = 'started' THEN NULL ELSE clock_timestamp() END, $7, $8)`,
    [
      entry.source,
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
 * Reads a table without the column `source` as well: the status must not add it.
 * @returns In order of application.
 */
export async function readHistory(client: Client): Promise<MigrationRecord[]> {
  if (!(await hasHistory(client))) return [];
  const { rows } = await client.query<MigrationRecord>(`
    SELECT * FROM (
      SELECT DISTINCT ON (source, name) id, source, name, direction, checksum, status, started_at AS "startedAt",
             finished_at AS "finishedAt", ms, actor, sqlstate AS "sqlState"
      FROM (SELECT id, name, direction, checksum, status, started_at, finished_at, ms, actor, sqlstate,
                   coalesce(to_jsonb(line) ->> 'source', 'package') AS source
            FROM phi.migration AS line) AS history
      WHERE status <> 'failed' ORDER BY source, name, id DESC) AS latest
    ORDER BY id`);
  return rows;
}

/** Migrations that are in the database, in order of application. */
export function appliedOf(records: readonly MigrationRecord[]): MigrationRecord[] {
  return records.filter(({ status, direction }) => (status === 'done' ? direction === 'up' : direction === 'down'));
}
