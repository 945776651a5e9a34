import type { QueryOptions } from '../criteria';

/** How one writing call runs: who acts, and in which transaction. */
export type WriteOptions = Pick<QueryOptions, 'context' | 'transaction'>;

/** Options of a write to one row. */
export interface UpdateOptions extends WriteOptions {
  /** Version that the caller read; another one in the database is a ConflictError. */
  readonly expectedVersion?: number;
}

/** Options of updateMany and deleteMany. */
export interface BulkWriteOptions extends WriteOptions {
  /** True: the filter may be one that every row passes. */
  readonly allowAll?: boolean;
}

/** What updateMany and deleteMany did. Frozen. */
export interface BulkWriteResult {
  readonly count: number;
  /** Of the rows that were written, in ascending order. */
  readonly ids: readonly string[];
}

/** What upsert did. */
export interface UpsertResult<T> {
  readonly entity: T;
  /** False: the row was there. */
  readonly created: boolean;
}

/** Which row an upsert means: equality on attributes that are set, of which no two living rows share the values. */
export type NaturalKey<CreateDTO, K extends keyof CreateDTO> = { readonly [P in K]: NonNullable<CreateDTO[P]> };

/** What upsert stores: all that create takes; the attributes of the key may be left out. */
export type UpsertInput<CreateDTO, K extends keyof CreateDTO> = Omit<CreateDTO, K> & Partial<Pick<CreateDTO, K>>;

/**
 * Makes the patch of a row from the row as it is, which is locked meanwhile; null leaves the row as it is. May run
 * again when the transaction is retried, so it does nothing that a rollback would not undo.
 */
export type Modify<T, UpdateDTO> = (current: T) => UpdateDTO | null | Promise<UpdateDTO | null>;

/** Option keys of create, bulkCreate and upsert. */
export const WRITE_OPTIONS = ['context', 'transaction'] as const;
/** Option keys of update, delete, softDelete and restore. */
export const UPDATE_OPTIONS = [...WRITE_OPTIONS, 'expectedVersion'] as const;
/** Option keys of updateMany and deleteMany. */
export const BULK_OPTIONS = [...WRITE_OPTIONS, 'allowAll'] as const;
