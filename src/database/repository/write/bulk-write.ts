import type { Row } from '../../connection/statement';
import { InvalidInputError, ResultTooLargeError } from '../../database.errors';
import { alwaysHolds } from './always-holds';
import { Filter } from '../statement/filter';
import type { ColumnValues } from './input';
import type { WriteCall } from './write-call';
import type { BulkWriteResult } from './write-options';

/** Rows that updateMany or deleteMany writes at most: all of them are locked, and each is an audit event. */
const MAX_ROWS = 10_000;
/** Rows of one UPDATE. */
const CHUNK = 1_000;

export interface BulkWrite {
  readonly where: unknown;
  readonly set: ColumnValues;
  readonly allowAll: boolean;
  /** Judges a locked row; absent where no hook is overridden. */
  readonly judge?: (row: Row) => Promise<void> | void;
}

/**
 * Writes the same to every living row that matches, or to none. The rows are locked first, in the order of their ids,
 * so that two bulk writes that meet do not deadlock, and what was judged is what is written over.
 * @throws InvalidInputError for a filter that every row passes, unless `allowAll`.
 * @throws ResultTooLargeError when more than 10,000 rows match; nothing is written then.
 */
export async function writeMany<T>(call: WriteCall<T>, write: BulkWrite): Promise<BulkWriteResult> {
  const { where, set, judge } = write;
  const { entityName, statements } = call.parts;
  refuseEverything(call, write);
  return call.together<BulkWriteResult>(async () => {
    const locked = await call.read({
      where,
      ...(judge ? {} : { select: ['id'] }),
      limit: MAX_ROWS + 1,
      lock: true,
    });
    if (locked.length > MAX_ROWS) {
      return new ResultTooLargeError(entityName, MAX_ROWS, 'Narrow the filter, and write in several calls.');
    }
    for (const row of judge ? locked : []) await judge!(row);
    const written = new Set<string>();
    for (let from = 0; from < locked.length; from += CHUNK) {
      const ids = locked.slice(from, from + CHUNK).map(({ id }) => id);
      // Living rows only: a hook may have deleted one.
      const { rows } = await call.store(statements.update(call.operation, set, { where: { id: { in: ids } } }));
      for (const { id } of rows) written.add(id as string);
    }
    const ids = locked.map(({ id }) => id as string).filter((id) => written.has(id));
    return Object.freeze({ count: ids.length, ids: Object.freeze(ids) });
  });
}

/** @throws InvalidInputError for a bulk write that nobody narrowed. */
function refuseEverything<T>({ operation, parts }: WriteCall<T>, { where, allowAll }: BulkWrite): void {
  const { entity } = parts;
  const refuse = (rule: string, hint: string): never => {
    throw new InvalidInputError(`${entity.name}.${operation}: ${rule}`, hint, { entity: entity.name });
  };
  if (where === undefined) refuse('there is no filter', 'Pass one; {} with allowAll means all rows.');
  if (alwaysHolds(new Filter(entity, where)) && !allowAll)
    refuse('every row passes the filter', 'Narrow it, or pass allowAll: true if all rows of the clinic are meant.');
}
