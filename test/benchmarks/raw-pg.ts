import { Pool, type PoolClient } from 'pg';
import { type BenchmarkDatabase, CLINIC, POOL } from './database';
import type { BenchRow, NewRow, Peer, Protection } from './work';

const CONTEXT = JSON.stringify({ userId: 'bench', requestId: 'bench' });

type Run = (sql: string, values: unknown[]) => Promise<{ rows: unknown[] }>;

/** The driver itself, unprepared: what everything is measured against. Protection is written out by hand. */
export function rawPeers({ options }: BenchmarkDatabase): Peer[] {
  const { host, port, database, username: user, password } = options;
  const pool = new Pool({ host, port, database, user, password, max: POOL });
  return [peer(pool, 'off'), peer(pool, 'on')];
}

function peer(pool: Pool, protection: Protection): Peer {
  const table = protection === 'on' ? 'bench_protected' : 'bench_plain';
  const columns = `id, name, grade, notes, version, created_at AS "createdAt", updated_at AS "updatedAt",
    deleted_at AS "deletedAt", created_by AS "createdBy", updated_by AS "updatedBy"`;
  const alone = <T>(work: (run: Run) => Promise<T>): Promise<T> =>
    protection === 'on' ? transaction(pool, protection, work) : work((sql, values) => pool.query(sql, values));
  const insert = async (run: Run, row: NewRow): Promise<BenchRow> => {
    const { rows } = await run(`INSERT INTO ${table} (id, name, grade, notes) VALUES ($1, $2, $3, $4) RETURNING ${columns}`, [
      row.id,
      row.name,
      row.grade,
      row.notes,
    ]);
    return rows[0] as BenchRow;
  };
  return {
    name: 'raw pg',
    protection,
    findById: (id) =>
      alone(async (run) => {
        const { rows } = await run(`SELECT ${columns} FROM ${table} WHERE id = $1 AND deleted_at IS NULL`, [id]);
        return (rows[0] as BenchRow | undefined) ?? null;
      }),
    page: (grade) =>
      alone(async (run) => {
        const where = 'WHERE grade = $1 AND deleted_at IS NULL';
        const { rows } = await run(`SELECT ${columns} FROM ${table} ${where} ORDER BY name, id LIMIT 20`, [grade]);
        const counted = await run(`SELECT count(*) AS count FROM ${table} ${where}`, [grade]);
        return { rows: rows as BenchRow[], total: Number((counted.rows[0] as { count: string }).count) };
      }),
    create: (row) => alone((run) => insert(run, row)),
    threeWrites: (first, second) =>
      transaction(pool, protection, async (run) => {
        await insert(run, first);
        await run(`UPDATE ${table} SET grade = $2 WHERE id = $1 RETURNING ${columns}`, [first.id, '12']);
        await insert(run, second);
      }),
    close: () => (pool.ended ? Promise.resolve() : pool.end()),
  };
}

async function transaction<T>(pool: Pool, protection: Protection, work: (run: Run) => Promise<T>): Promise<T> {
  const client: PoolClient = await pool.connect();
  try {
    await client.query('BEGIN');
    if (protection === 'on') {
      await client.query("SELECT set_config('app.tenant', $1, true), set_config('app.context', $2, true)", [CLINIC, CONTEXT]);
    }
    const result = await work((sql, values) => client.query(sql, values));
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}
