import type { Peer } from './peers/peer';
import { GRADES, NEW_GRADE, recordInput } from './record';

/** What the peers are measured on. */
export const OPERATIONS = [
  'findById',
  'page of 20 + count',
  'page of 20',
  'create',
  'update',
  'three-write unit',
] as const;

export type Operation = (typeof OPERATIONS)[number];

/** Prime to the number of records: neighbours in time are far apart in the table, and never the same record at once. */
const STRIDE = 7919;

let calls = 0;

/**
 * One call of an operation by a peer, each time with other values.
 * @param ids Records of the peer's table.
 */
export function callOf(operation: Operation, peer: Peer, ids: readonly string[]): () => Promise<unknown> {
  const id = (): string => ids[(calls++ * STRIDE) % ids.length]!;
  const grade = (): string => GRADES[calls++ % GRADES.length]!;
  const input = () => recordInput(calls++, NEW_GRADE);
  switch (operation) {
    case 'findById':
      return () => peer.findById(id());
    case 'page of 20 + count':
      return () => peer.page(grade(), true);
    case 'page of 20':
      return () => peer.page(grade(), false);
    case 'create':
      return () => peer.create(input());
    case 'update':
      return () => peer.addVisit(id());
    case 'three-write unit':
      return () => peer.unit(input(), id(), input());
  }
}
