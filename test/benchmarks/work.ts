import { deepStrictEqual } from 'node:assert';
import type { BenchmarkDatabase } from './database';

export interface BenchRow {
  readonly id: string;
  readonly name: string;
  readonly grade: string;
  readonly notes: string | null;
  readonly version: number;
}

export interface BenchPage {
  readonly rows: readonly BenchRow[];
  readonly total: number;
}

/** `off`: one table without protection. `on`: tenant isolation by row security and write audit in the transaction. */
export type Protection = 'off' | 'on';

/** One way to do the work. */
export interface Peer {
  readonly name: 'raw pg' | 'Sequelize' | 'ours';
  readonly protection: Protection;
  findById(id: string): Promise<BenchRow | null>;
  /** 20 rows of a grade by name, and how many there are. */
  page(grade: string): Promise<BenchPage>;
  create(row: NewRow): Promise<BenchRow>;
  /** Creates a row, changes it, and creates another, in one transaction. */
  threeWrites(first: NewRow, second: NewRow): Promise<void>;
  readonly close: () => Promise<void>;
}

export interface NewRow {
  readonly id: string;
  readonly name: string;
  readonly grade: string;
  readonly notes: string;
}

/** What a peer says of a row, whatever else it carries. */
const essence = (row: BenchRow | null): unknown =>
  row && { id: row.id, name: row.name, grade: row.grade, notes: row.notes, version: row.version };

/** Every peer must do the same work: their answers are compared before anything is measured. */
export async function expectEqualResults(peers: readonly Peer[], database: BenchmarkDatabase): Promise<void> {
  const [model, ...others] = peers as [Peer, ...Peer[]];
  const id = database.ids[7]!;
  const row = essence(await model.findById(id));
  const page = await model.page('3');
  for (const peer of others) {
    deepStrictEqual(essence(await peer.findById(id)), row, `${peer.name} (${peer.protection}) findById`);
    const answer = await peer.page('3');
    deepStrictEqual(answer.rows.map(essence), page.rows.map(essence), `${peer.name} (${peer.protection}) page`);
    deepStrictEqual(answer.total, page.total, `${peer.name} (${peer.protection}) total`);
  }
}
