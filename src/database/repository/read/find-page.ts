import type { Model } from 'sequelize';
import type { Row } from '../../connection/statement';
import { currentContext } from '../../context/ambient';
import { InvalidCursorError, InvalidInputError } from '../../database.errors';
import type { DatabaseRuntime } from '../../transaction/runtime';
import type { QueryOptions, RowCriteria } from '../criteria';
import { cursorKey, openCursor, sealCursor } from './cursor';
import type { EntityStatements } from '../statement/entity-statements';
import { type Boundary, keysOf, withoutKeys } from './keyset';
import { readPage } from './pagination';
import { isPlainObject } from '../plain-object';
import { readCriteria } from './read-criteria';

/** Which page to read: from a cursor on, not by its number. */
export interface KeysetCriteria<
  T,
  K extends keyof T = keyof T,
  M extends Model = Model,
  I = object,
> extends RowCriteria<T, K, M, I> {
  /** Rows a page, 1 to 100, default 20. */
  readonly limit?: number;
  /** The page that follows: `cursors.next` of the page before, for the same filter, order and clinic. */
  readonly after?: string;
  /** The page in front: `cursors.previous`. */
  readonly before?: string;
}

/** A page, and the way to its neighbours. */
export interface KeysetPage<E> {
  readonly data: readonly E[];
  /** Opaque, and safe in a URL; null where the rows end. */
  readonly cursors: { readonly next: string | null; readonly previous: string | null };
}

/** What reading needs of a repository. */
export interface Reader {
  readonly statements: EntityStatements;
  readonly runtime: DatabaseRuntime;
}

/**
 * Reads a page by its place in the order: as cheap at the millionth row as at the first, and rows that are stored
 * meanwhile move no other row from page to page.
 * @throws InvalidInputError for criteria that cannot be read; InvalidCursorError for a cursor of another query, clinic
 * or key; ConfigurationError in production without DB_CURSOR_KEY.
 */
export async function findPage(
  entity: string,
  { statements, runtime }: Reader,
  criteria: KeysetCriteria<object, never>,
  options: QueryOptions,
): Promise<KeysetPage<Row>> {
  const { after, before, limit: size, ...rest } = Object(criteria) as KeysetCriteria<object, never>;
  // Whatever is no object is refused as it came.
  const { where, orderBy, select, include } = readCriteria(entity, isPlainObject(criteria) ? rest : criteria);
  if (after !== undefined && before !== undefined)
    throw new InvalidInputError(`${entity}: a page is after one cursor or before one`, 'Pass one cursor.', { entity });
  const { limit } = readPage(entity, size === undefined ? {} : { limit: size });
  const query = { where, orderBy, select, include, rows: options.withDeleted ? 'all' : 'living' } as const;

  const key = cursorKey(runtime.runner.options);
  const clinic = (options.context ?? currentContext())?.clinicId ?? null;
  const binding = JSON.stringify([clinic, statements.keysetBinding(query)]);
  const backwards = before !== undefined;
  const cursor = backwards ? before : after;
  const from = cursor === undefined ? undefined : openCursor(key, binding, cursor);
  if (cursor !== undefined && !from) throw new InvalidCursorError(entity);

  const statement = statements.select('findPage', { ...query, limit: limit + 1, keyset: { from, backwards } });
  const { rows: found } = await runtime.runner.run(statement, options);
  const rows = found.slice(0, limit);
  if (backwards) rows.reverse();
  // Where the page is empty, the way back begins with the row that the way here left out.
  const at = (row: Row | undefined): Boundary =>
    row ? { values: keysOf(row), inclusive: false } : { values: from!.values, inclusive: !from!.inclusive };
  const seal = (row: Row | undefined): string => sealCursor(key, entity, binding, at(row));
  const more = found.length > limit;
  const { nestRow = (row: Row) => row } = statement;
  return {
    data: rows.map((row) => nestRow(withoutKeys(row))),
    cursors: {
      next: backwards || more ? seal(rows.at(-1)) : null,
      previous: (backwards ? more : from) ? seal(rows[0]) : null,
    },
  };
}
