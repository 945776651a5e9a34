import type { Pool, QueryResult } from 'pg';
import { newId, type RecordInput } from '../record';
import { ACTOR, CLINIC, PAGE_SIZE, type Peer, type Protections, type RecordPage, SET_TENANT } from './peer';

type Row = Record<string, unknown> & { readonly version: number; readonly visits: number };
type Query = (text: string, values: readonly unknown[]) => Promise<QueryResult<Row>>;

const COLUMNS =
  'id, number, first_name AS "firstName", last_name AS "lastName", date_of_birth::text AS "dateOfBirth", grade, ' +
  'address, notes, visits, is_active AS "isActive", version, created_at AS "createdAt", updated_at AS "updatedAt", ' +
  'deleted_at AS "deletedAt", created_by AS "createdBy", updated_by AS "updatedBy"';
const CONTEXT = JSON.stringify(ACTOR);

/** The driver alone, with text that is parsed on every call; protections by hand. */
export class RawPg implements Peer {
  readonly name = 'raw pg';
  private readonly selectText: string;
  private readonly pageText: string;
  private readonly countText: string;
  private readonly insertText: string;
  private readonly updateText: string;

  constructor(
    private readonly pool: Pool,
    readonly protections: Protections,
  ) {
    const table = protections === 'on' ? 'protected_records' : 'plain_records';
    const columns = protections === 'on' ? `clinic_id AS "clinicId", ${COLUMNS}` : COLUMNS;
    this.selectText = `SELECT ${columns} FROM ${table} WHERE id = $1 AND deleted_at IS NULL`;
    this.pageText =
      `SELECT ${columns} FROM ${table} WHERE grade = $1 AND deleted_at IS NULL ` +
      'ORDER BY last_name, id LIMIT $2 OFFSET $3';
    this.countText = `SELECT count(*) FROM ${table} WHERE grade = $1 AND deleted_at IS NULL`;
    this.insertText =
      `INSERT INTO ${table} (id, number, first_name, last_name, date_of_birth, grade, address, notes, visits, ` +
      `is_active) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ${columns}`;
    this.updateText =
      `UPDATE ${table} SET visits = $3 WHERE id = $1 AND version = coalesce($2, version) AND deleted_at IS NULL ` +
      `RETURNING ${columns}`;
  }

  findById(id: string): Promise<object | null> {
    return this.run((query) => this.select(query, id));
  }

  page(grade: string, counted: boolean): Promise<RecordPage> {
    return this.run(async (query) => {
      const { rows } = await query(this.pageText, [grade, PAGE_SIZE, 0]);
      if (!counted) return { rows, total: null };
      const count = await query(this.countText, [grade]);
      return { rows, total: Number(count.rows[0]!.count) };
    });
  }

  create(input: RecordInput): Promise<object> {
    return this.run((query) => this.insert(query, input));
  }

  addVisit(id: string): Promise<object> {
    return this.run(async (query) => {
      const row = await this.select(query, id);
      return this.update(query, id, row!.version, row!.visits + 1);
    });
  }

  unit(first: RecordInput, id: string, second: RecordInput): Promise<readonly object[]> {
    return this.inTransaction(async (query) => [
      await this.insert(query, first),
      await this.update(query, id, null, first.visits),
      await this.insert(query, second),
    ]);
  }

  private async select(query: Query, id: string): Promise<Row | null> {
    return (await query(this.selectText, [id])).rows[0] ?? null;
  }

  private async insert(query: Query, input: RecordInput): Promise<Row> {
    const { number, firstName, lastName, dateOfBirth, grade, address, notes, visits, isActive } = input;
    const values = [newId(), number, firstName, lastName, dateOfBirth, grade, address, notes, visits, isActive];
    return (await query(this.insertText, values)).rows[0]!;
  }

  private async update(query: Query, id: string, version: number | null, visits: number): Promise<Row> {
    const { rows } = await query(this.updateText, [id, version, visits]);
    if (!rows[0]) throw new Error('Someone else changed the record');
    return rows[0];
  }

  /** Single statements commit by themselves; the tenant needs a transaction. */
  private run<T>(work: (query: Query) => Promise<T>): Promise<T> {
    if (this.protections === 'on') return this.inTransaction(work);
    return work((text, values) => this.pool.query<Row>(text, values as unknown[]));
  }

  private async inTransaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      if (this.protections === 'on') await client.query(SET_TENANT, [CLINIC, CONTEXT]);
      const result = await work((text, values) => client.query<Row>(text, values as unknown[]));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }
}
