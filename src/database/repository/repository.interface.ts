import type { ExecutionContext } from '../context/execution-context';
import type { PaginatedResult, QueryCriteria, QueryOptions, RowCriteria, UpdateOptions, WhereClause } from './criteria';

/** What every repository offers (003-16). Entities are plain and frozen; deleted rows are not seen unless asked for. */
export interface IRepository<T extends object, CreateDTO = Partial<T>, UpdateDTO = Partial<T>> {
  findById(id: string, options?: QueryOptions): Promise<T | null>;
  findByIdOrFail(id: string, options?: QueryOptions): Promise<T>;
  findOne(criteria: RowCriteria<T>, options?: QueryOptions): Promise<T | null>;
  findMany(criteria?: QueryCriteria<T>, options?: QueryOptions): Promise<PaginatedResult<T>>;
  findAll(criteria?: RowCriteria<T>, options?: QueryOptions): Promise<readonly T[]>;
  exists(which: string | WhereClause<T>, options?: QueryOptions): Promise<boolean>;
  count(where?: WhereClause<T>, options?: QueryOptions): Promise<number>;
  create(data: CreateDTO, context?: ExecutionContext, options?: QueryOptions): Promise<T>;
  bulkCreate(data: readonly CreateDTO[], context?: ExecutionContext, options?: QueryOptions): Promise<readonly T[]>;
  update(id: string, data: UpdateDTO, context?: ExecutionContext, options?: UpdateOptions): Promise<T>;
  delete(id: string, context?: ExecutionContext, options?: UpdateOptions): Promise<void>;
  softDelete(id: string, context?: ExecutionContext, options?: UpdateOptions): Promise<void>;
  restore(id: string, context?: ExecutionContext, options?: UpdateOptions): Promise<T>;
}
