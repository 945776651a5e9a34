import { deepStrictEqual } from 'node:assert';
import type { Peer } from './peers/peer';
import { GRADES, NEW_GRADE, recordInput } from './record';

/**
 * Checks once that all peers on one table do the same: reads answer the same rows, and what a write answers is what
 * the reference then reads.
 * @param reference The driver alone.
 * @param ids Records of the table, one for each peer's update.
 * @throws AssertionError with both rows.
 */
export async function expectSameResults(
  reference: Peer,
  peers: readonly Peer[],
  ids: readonly string[],
): Promise<void> {
  for (const [n, peer] of peers.entries()) {
    const say = (what: string): string => `${peer.name}, protections ${peer.protections}: ${what} differs`;
    const expectStored = async (row: object, what: string): Promise<void> => {
      const answered = plain(row);
      deepStrictEqual(answered, plain((await reference.findById(String(answered.id)))!), say(what));
    };
    deepStrictEqual(
      plain((await peer.findById(ids[0]!))!),
      plain((await reference.findById(ids[0]!))!),
      say('findById'),
    );
    // As the measurement calls it: many at once, some for the same record.
    const many = [...ids.slice(0, 31), ids[0]!];
    deepStrictEqual(
      (await Promise.all(many.map((id) => peer.findById(id)))).map((row) => plain(row!)),
      (await Promise.all(many.map((id) => reference.findById(id)))).map((row) => plain(row!)),
      say('findById of many'),
    );
    for (const counted of [true, false]) {
      const expected = await reference.page(GRADES[3], counted);
      const page = await peer.page(GRADES[3], counted);
      deepStrictEqual(page.rows.map(plain), expected.rows.map(plain), say('page'));
      deepStrictEqual(page.total, expected.total, say('total'));
    }
    await expectStored(await peer.create(recordInput(n, NEW_GRADE)), 'create');

    const before = plain((await reference.findById(ids[n]!))!);
    const after = plain(await peer.addVisit(ids[n]!));
    await expectStored(after, 'update');
    deepStrictEqual(
      [after.visits, after.version],
      [Number(before.visits) + 1, Number(before.version) + 1],
      say('update'),
    );

    const unit = await peer.unit(recordInput(n, NEW_GRADE), ids[n]!, recordInput(n + 1, NEW_GRADE));
    deepStrictEqual(unit.length, 3, say('unit'));
    for (const row of unit) await expectStored(row, 'unit');
  }
}

/** A row or a Sequelize instance as plain data, keys in order. */
function plain(row: object): Record<string, unknown> {
  const { get } = row as { get?: unknown };
  const data = typeof get === 'function' ? (get.call(row, { plain: true }) as object) : row;
  return Object.fromEntries(Object.entries(data).sort(([a], [b]) => a.localeCompare(b)));
}
