import type { Row } from '../../connection/statement';
import type { ColumnDescription } from '../../model/entity-description';
import type { Comparison, Predicate } from '../statement/filter';

export type SortKey = readonly [ColumnDescription, 'ASC' | 'DESC'];

/** A place in the order of rows: the sort keys of a row, as PostgreSQL writes them. */
export interface Boundary {
  readonly values: readonly (string | null)[];
  /** True: the row at this place belongs to what comes. */
  readonly inclusive: boolean;
}

/** Rows from a place on, instead of a number of rows to skip. */
export interface KeysetRequest {
  /** Absent: from the beginning. */
  readonly from?: Boundary;
  /** True: towards the beginning, nearest row first. */
  readonly backwards?: boolean;
}

/** `(a, b) > ($1, $2)`: what an index on both answers without reading a row too many. */
export interface RowComparison {
  readonly kind: 'row';
  readonly columns: readonly ColumnDescription[];
  readonly operator: '>' | '>=' | '<' | '<=';
  readonly binds: readonly number[];
}

/** Name under which a sort key comes with its row. No attribute of a class has a space. */
export const keyName = (at: number): string => `key ${at}`;

/**
 * The order that a keyset walks: what stands after the id decides nothing. Backwards every direction turns round, and
 * with it, as PostgreSQL sorts, the place of the nulls.
 */
export function keysetOrder(order: readonly SortKey[], backwards = false): SortKey[] {
  const id = order.findIndex(([column]) => column.attribute === 'id');
  return order
    .slice(0, id + 1)
    .map(([column, direction]) => [column, (direction === 'ASC') === backwards ? 'DESC' : 'ASC']);
}

/** What decides the statement besides the order: which of the values are null, and the like. */
export function keysetShape({ from, backwards = false }: KeysetRequest): string {
  const place = from ? `${from.inclusive ? 'from' : 'after'} ${from.values.map((value) => value === null)}` : 'start';
  return `${backwards ? 'back' : 'on'} ${place}`;
}

/** The sort keys of a row that was read with them. */
export function keysOf(row: Row): (string | null)[] {
  const values: (string | null)[] = [];
  for (let at = 0; keyName(at) in row; at += 1) values.push(row[keyName(at)] as string | null);
  return values;
}

/** The row without its sort keys. */
export function withoutKeys(row: Row): Row {
  const plain: Row = {};
  for (const name in row) if (!name.startsWith('key ')) plain[name] = row[name];
  return plain;
}

/**
 * The rows that come after a place. PostgreSQL compares, by the type and collation of each column; null sorts as the
 * largest value: last in ASC, first in DESC.
 * @param bind Takes a value into the statement and answers its place there.
 */
export function beyond(
  order: readonly SortKey[],
  from: Boundary,
  bind: (value: string) => number,
): Predicate | RowComparison {
  const keys = order.map(([column, direction], at) => {
    const value = from.values[at] ?? null;
    return { column, ascending: direction === 'ASC', bind: value === null ? 0 : bind(value) };
  });
  const [first] = keys;
  const uniform = keys.every(
    ({ column, ascending, bind: place }) => !column.nullable && place > 0 && ascending === first!.ascending,
  );
  if (uniform) {
    const columns = keys.map(({ column }) => column);
    const operator = `${first!.ascending ? '>' : '<'}${from.inclusive ? '=' : ''}` as const;
    return { kind: 'row', columns, operator, binds: keys.map(({ bind: place }) => place) };
  }
  const branches: Predicate[] = [];
  keys.forEach((key, at) => {
    const after = behind(key, from.inclusive && at === keys.length - 1);
    if (after) branches.push({ kind: 'and', parts: [...keys.slice(0, at).map(equal), after] });
  });
  const limit = range(first!);
  const disjunction: Predicate = { kind: 'or', parts: branches };
  return limit ? { kind: 'and', parts: [limit, disjunction] } : disjunction;
}

interface Key {
  readonly column: ColumnDescription;
  readonly ascending: boolean;
  /** 0 stands for null. */
  readonly bind: number;
}

const leaf = (column: ColumnDescription, operator: Comparison['operator'], bind: number): Predicate => ({
  kind: 'compare',
  comparison: { column, operator, bind },
});

const equal = ({ column, bind }: Key): Predicate => leaf(column, bind ? 'eq' : 'null', bind);

/** Undefined: nothing sorts behind the value. @param orEqual Only asked of the id, which is never null. */
function behind({ column, ascending, bind }: Key, orEqual: boolean): Predicate | undefined {
  if (!bind) return ascending ? undefined : leaf(column, 'notNull', 0);
  if (!ascending) return leaf(column, orEqual ? 'lte' : 'lt', bind);
  const greater = leaf(column, orEqual ? 'gte' : 'gt', bind);
  return column.nullable ? { kind: 'or', parts: [greater, leaf(column, 'null', 0)] } : greater;
}

/** What all branches have in common, said once more: an index on the first key can then begin in the right place. */
function range({ column, ascending, bind }: Key): Predicate | undefined {
  if (!bind) return ascending ? leaf(column, 'null', 0) : undefined;
  if (!ascending) return leaf(column, 'lte', bind);
  return column.nullable ? undefined : leaf(column, 'gte', bind);
}
