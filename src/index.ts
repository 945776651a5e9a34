export {
  AUDIT_LOGGER,
  AuditAction,
  type AuditEvent,
  type FieldChange,
  type IAuditLogger,
} from './database/audit/audit-logger.interface';
export { sanitizeSensitiveData } from './database/audit/sanitize-sensitive-data';
export { CacheKeyBuilder } from './database/cache/cache-key-builder';
export { CACHE_MANAGER, type CacheStats, CacheTTL, type ICacheManager } from './database/cache/cache-manager';
export type { CompletionStatus } from './database/connection/scope/scope-hooks';
export type { IsolationLevel } from './database/connection/session-settings';
export type { Row } from './database/connection/statement';
export type { RunOptions } from './database/connection/statement-runner';
export { currentContext, runWithContext } from './database/context/ambient';
export { type AuthenticatedUser, ContextInterceptor } from './database/context/context.interceptor';
export {
  createExecutionContext,
  createSystemExecutionContext,
  type ExecutionContext,
  type ExecutionContextInput,
} from './database/context/execution-context';
export {
  CheckViolationError,
  ConfigurationError,
  ConflictError,
  DatabaseError,
  DeadlockError,
  type ErrorContext,
  ForeignKeyViolationError,
  InvalidCursorError,
  InvalidInputError,
  MissingContextError,
  MissingTenantError,
  NotFoundError,
  NotNullViolationError,
  RepositoryError,
  ResultTooLargeError,
  StatementError,
  TenantDeniedError,
  TimeoutError,
  UnavailableError,
  UnexpectedRowCountError,
  UniqueViolationError,
} from './database/database.errors';
export {
  NestedScopeActiveError,
  PoolSelfDeadlockError,
  PropagationError,
  TransactionAbortedError,
  TransactionError,
  TransactionOptionsError,
  TransactionOutcomeUnknownError,
  TransactionScopeClosedError,
  UnawaitedWorkError,
  UnexpectedRollbackError,
} from './database/transaction.errors';
export { DatabaseModule, type DatabaseModuleAsyncOptions, type Feature } from './database/database.module';
export { type DatabaseModuleOptions, type DatabaseOptions, readOptions } from './database/database.options';
export { type DatabaseHealth, DatabaseHealthIndicator } from './database/health/database-health.indicator';
export {
  defineMigration,
  irreversible,
  type MigrationContext,
  type MigrationDefinition,
} from './database/migration/define-migration';
export { BaseModel, type CreateInput, type Entity, type UpdateInput } from './database/model/base.model';
export { Phi, type PhiOptions } from './database/model/phi.decorator';
export { TenantModel } from './database/model/tenant.model';
export { BaseRepository } from './database/repository/base.repository';
export type {
  Operators,
  OrderBy,
  PageRequest,
  PaginatedResult,
  Pagination,
  QueryCriteria,
  QueryOptions,
  RowCriteria,
  SortDirection,
  WhereClause,
} from './database/repository/criteria';
export type { ExactInclude, Found, Include, Included } from './database/repository/include';
export type { KeysetCriteria, KeysetPage } from './database/repository/read/find-page';
export { InjectRepository } from './database/repository/inject-repository.decorator';
export { type RepositoryClass, repositoryFor } from './database/repository/repository-for';
export type { IRepository } from './database/repository/repository.interface';
export type { StreamOptions } from './database/repository/read/stream-rows';
export type {
  BulkWriteOptions,
  BulkWriteResult,
  Modify,
  NaturalKey,
  UpdateOptions,
  UpsertInput,
  UpsertResult,
  WriteOptions,
} from './database/repository/write/write-options';
export {
  defineSeed,
  type Seed,
  type SeedContext,
  type SeedOptions,
  type SeedProgress,
} from './database/seeding/define-seed';
export { getDataSourceToken } from './database/transaction/data-source-token';
export { type ConnectionStatus, Database, InjectDatabase } from './database/transaction/database';
export { Transactional } from './database/transaction/transactional.decorator';
export {
  InjectUnitOfWork,
  type IUnitOfWork,
  type Propagation,
  type RetryOptions,
  type TransactionOptions,
  type TransactionOutcome,
  UNIT_OF_WORK,
} from './database/transaction/unit-of-work.interface';
