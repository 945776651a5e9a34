import type { ExecutionContext } from '../context/execution-context';
import type { PaginatedResult, QueryCriteria, QueryOptions, RowCriteria, WhereClause } from './criteria';
import type { KeysetCriteria, KeysetPage } from './read/find-page';
import type { StreamOptions } from './read/stream-rows';
import type {
  BulkWriteOptions,
  BulkWriteResult,
  Modify,
  NaturalKey,
  UpdateOptions,
  UpsertInput,
  UpsertResult,
  WriteOptions,
} from './write/write-options';

/** What every repository offers (003-16). Entities are plain and frozen; deleted rows are not seen unless asked for. */
export interface IRepository<T extends object, CreateDTO = Partial<T>, UpdateDTO = Partial<T>> {
  findById(id: string, options?: QueryOptions): Promise<T | null>;
  findByIdOrFail(id: string, options?: QueryOptions): Promise<T>;
  findByIds(ids: readonly string[], options?: QueryOptions): Promise<readonly T[]>;
  findOne(criteria: RowCriteria<T>, options?: QueryOptions): Promise<T | null>;
  findMany(criteria?: QueryCriteria<T>, options?: QueryOptions): Promise<PaginatedResult<T>>;
  findAll(criteria?: RowCriteria<T>, options?: QueryOptions): Promise<readonly T[]>;
  findPage(criteria?: KeysetCriteria<T>, options?: QueryOptions): Promise<KeysetPage<T>>;
  stream(criteria?: RowCriteria<T>, options?: StreamOptions): AsyncIterable<T>;
  exists(which: string | WhereClause<T>, options?: QueryOptions): Promise<boolean>;
  count(where?: WhereClause<T>, options?: QueryOptions): Promise<number>;
  create(data: CreateDTO, context?: ExecutionContext, options?: WriteOptions): Promise<T>;
  bulkCreate(data: readonly CreateDTO[], context?: ExecutionContext, options?: WriteOptions): Promise<readonly T[]>;
  /** `change`: attributes to set, or a function that makes them of the row under a lock; null changes nothing. */
  update(
    id: string,
    change: UpdateDTO | Modify<T, UpdateDTO>,
    context?: ExecutionContext,
    options?: UpdateOptions,
  ): Promise<T>;
  /** All rows that match or none, at most 10,000. A filter that every row passes needs `allowAll`. */
  updateMany(
    where: WhereClause<T>,
    patch: UpdateDTO,
    context?: ExecutionContext,
    options?: BulkWriteOptions,
  ): Promise<BulkWriteResult>;
  /** Changes the row with this key or creates it; calls that meet make one row. */
  upsert<K extends keyof CreateDTO>(
    where: NaturalKey<CreateDTO, K>,
    data: UpsertInput<CreateDTO, NoInfer<K>>,
    context?: ExecutionContext,
    options?: WriteOptions,
  ): Promise<UpsertResult<T>>;
  delete(id: string, context?: ExecutionContext, options?: UpdateOptions): Promise<void>;
  softDelete(id: string, context?: ExecutionContext, options?: UpdateOptions): Promise<void>;
  /** Deletes softly; otherwise as updateMany. */
  deleteMany(where: WhereClause<T>, context?: ExecutionContext, options?: BulkWriteOptions): Promise<BulkWriteResult>;
  restore(id: string, context?: ExecutionContext, options?: UpdateOptions): Promise<T>;
}
