import type { RecordInput } from '../record';

export type PeerName = 'raw pg' | 'Sequelize' | 'ours';

/** `on`: on the table with row security and write audit, on behalf of a user of one clinic. */
export type Protections = 'off' | 'on';

/** One page of 20 rows, by last name. */
export interface RecordPage {
  readonly rows: readonly object[];
  /** Null where it was not asked for. */
  readonly total: number | null;
}

/** One way of doing the work that all peers do. */
export interface Peer {
  readonly name: PeerName;
  readonly protections: Protections;
  findById(id: string): Promise<object | null>;
  page(grade: string, counted: boolean): Promise<RecordPage>;
  create(input: RecordInput): Promise<object>;
  /** Reads the record, adds a visit, and writes it if its version is still the one read. */
  addVisit(id: string): Promise<object>;
  /** Creates two records and changes a third, all or none. */
  unit(first: RecordInput, id: string, second: RecordInput): Promise<readonly object[]>;
}

export const PAGE_SIZE = 20;

/** Connections of each peer, open for the whole run. */
export const POOL_SIZE = 10;

/** Who acts on the protected table. The peers by hand send the same as the library does. */
export const ACTOR = {
  userId: '0190c000-0000-7000-8000-00000000000c',
  userRole: 'NURSE',
  requestId: 'benchmark',
  ipAddress: '192.0.2.10',
} as const;

export const CLINIC = '0190a000-0000-7000-8000-00000000000a';
export const OTHER_CLINIC = '0190b000-0000-7000-8000-00000000000b';

/** Sets tenant and actor of a transaction by hand. */
export const SET_TENANT = `SELECT set_config('app.tenant', $1, true), set_config('app.context', $2, true)`;
