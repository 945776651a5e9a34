import type { Row } from '../../connection/statement';
import { encodeInsert, insertedColumns } from './input';
import type { WriteCall } from './write-call';

/** Rows of one INSERT. */
const CHUNK = 1_000;

/**
 * Stores all rows or none. All input is judged before the first row is written.
 * @param judge The hook; absent where it is not overridden.
 * @returns The entities in the order of the input.
 */
export async function insertRows<T, D extends object>(
  call: WriteCall<T>,
  data: readonly D[],
  judge?: (input: D) => Promise<void> | void,
): Promise<T[]> {
  const { entity, statements } = call.parts;
  const columns = insertedColumns(entity);
  // Array.from: a hole in the list is refused, not skipped.
  const rows = Array.from(data, (input) => encodeInsert(entity, columns, input, call.actor));
  const write = async (): Promise<T[]> => {
    const created = new Map<unknown, T>();
    for (let from = 0; from < rows.length; from += CHUNK) {
      const chunk = rows.slice(from, from + CHUNK);
      const statement =
        chunk.length === 1
          ? statements.insert(call.operation, chunk[0]!)
          : statements.insertMany(call.operation, chunk);
      const stored = await call.store(statement);
      stored.rows.forEach((row: Row, i) => created.set(row.id, stored.entities[i]!));
    }
    // RETURNING promises no order.
    const idAt = columns.findIndex((column) => column.attribute === 'id');
    return rows.map((row) => created.get(row[idAt])!);
  };
  if (!judge && rows.length <= CHUNK) return write();
  return call.together(async () => {
    for (const input of judge ? data : []) await judge!(input);
    return write();
  });
}
