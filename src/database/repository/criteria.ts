import type { Model, Transaction } from 'sequelize';
import type { ExecutionContext } from '../context/execution-context';
import type { RelatedEntity, RelatedModel, RelationName } from '../model/relation';
import type { ExactInclude } from './include';

/**
 * Operators on one attribute. Several in one object must all hold. As in SQL, a row whose value is null matches none of
 * them but `isNull` and `eq: null`, `ne` and `notIn` included: add `OR: [{ grade: { ne: '5' } }, { grade: null }]`.
 */
export interface Operators<V> {
  readonly eq?: V | null;
  readonly ne?: V | null;
  readonly in?: readonly V[];
  readonly notIn?: readonly V[];
  readonly lt?: V;
  readonly lte?: V;
  readonly gt?: V;
  readonly gte?: V;
  readonly between?: readonly [V, V];
  /** SQL patterns with `%` and `_`. */
  readonly like?: string;
  readonly ilike?: string;
  readonly isNull?: boolean;
  /** Text: the fragment occurs, whatever its case. JSON: the value contains this one. */
  readonly contains?: V extends string ? string : unknown;
}

type Value<V> = Exclude<V, null>;

/**
 * Conditions, all of which must hold. A bare value means `eq`; `null` means `isNull`.
 *
 * A relation of the model M takes conditions on the parent: `{ student: { grade: '5' } }` holds where there is a parent
 * and they hold of it; `{ student: null }` where there is none. So `NOT: { student: { grade: '5' } }` holds where there
 * is no parent, and `{ student: { NOT: { grade: '5' } } }` does not. A deleted parent is none, unless `withDeleted`.
 */
export type WhereClause<T, M extends Model = Model> = {
  readonly [K in keyof T]?: Value<T[K]> | Operators<Value<T[K]>> | null;
} & {
  readonly [R in RelationName<M>]?: WhereClause<RelatedEntity<M, R>, RelatedModel<M, R>> | null;
} & {
  readonly AND?: readonly WhereClause<T, M>[];
  readonly OR?: readonly WhereClause<T, M>[];
  readonly NOT?: WhereClause<T, M>;
};

export type SortDirection = 'ASC' | 'DESC';

/** One sort key: `{ lastName: 'ASC' }`. */
export type OrderBy<T> = { readonly [K in keyof T]?: SortDirection };

export interface PageRequest {
  /** From 1. */
  readonly page?: number;
  /** Rows a page, 1 to 100, default 20. */
  readonly limit?: number;
  /** False: do not count; `total` and `pages` are then null. */
  readonly total?: boolean;
}

/**
 * Which rows to read, and what of them. An unknown key is refused, never ignored. M is the model, whose relations may be
 * filtered by and included; I is what is included, inferred from the call.
 */
export interface RowCriteria<T, K extends keyof T = keyof T, M extends Model = Model, I = object> {
  readonly where?: WhereClause<T, M>;
  /** Sort keys in order of weight; the id decides between equals. */
  readonly orderBy?: readonly OrderBy<T>[];
  /** Attributes to return; default all. */
  readonly select?: readonly K[];
  /**
   * Parents to read along, in the same statement: `{ student: true }`. Rows are neither multiplied nor left out. An
   * override of mapToEntity finds the parents in its row, and has to keep them.
   */
  readonly include?: I & ExactInclude<M, I>;
}

/** The same for reading page by page. */
export interface QueryCriteria<T, K extends keyof T = keyof T, M extends Model = Model, I = object> extends RowCriteria<
  T,
  K,
  M,
  I
> {
  readonly pagination?: PageRequest;
}

/** How one call of a repository runs. */
export interface QueryOptions {
  /** Who acts; wins over the ambient context. */
  readonly context?: ExecutionContext;
  /** An open Sequelize transaction to join; default: the ambient unit of work. */
  readonly transaction?: Transaction;
  /** Also deleted rows. */
  readonly withDeleted?: boolean;
  /** True: read from the primary, never from a replica that may lag behind. */
  readonly fresh?: boolean;
}

export interface Pagination {
  readonly page: number;
  readonly limit: number;
  /** Rows that match, on all pages; null when not counted. */
  readonly total: number | null;
  readonly pages: number | null;
  readonly hasNext: boolean;
  readonly hasPrevious: boolean;
}

export interface PaginatedResult<T> {
  readonly data: readonly T[];
  readonly pagination: Pagination;
}
