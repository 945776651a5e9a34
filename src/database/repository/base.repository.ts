import type { Model, ModelStatic } from 'sequelize';
import type { IAuditLogger } from '../audit/audit-logger.interface';
import { CacheKeyBuilder } from '../cache/cache-key-builder';
import type { ICacheManager } from '../cache/cache-manager';
import { currentOwnTransaction } from '../connection/own-transaction';
import type { Row } from '../connection/statement';
import { currentContext } from '../context/ambient';
import type { ExecutionContext } from '../context/execution-context';
import { InvalidInputError, MissingContextError, MissingTenantError } from '../database.errors';
import type { CreateInput, Entity, UpdateInput } from '../model/base.model';
import { writeMany } from './write/bulk-write';
import { readCallOptions } from './call-options';
import { changeLockedRow, changeRow } from './write/change-row';
import type { WhereClause } from './criteria';
import { type ColumnValues, encodePatch, readVersion, requireUuid, withActor } from './write/input';
import { insertRows } from './write/insert-rows';
import { ownContext } from './read/own-copy';
import { ReadRepository } from './read.repository';
import type { IRepository } from './repository.interface';
import { upsertRow } from './write/upsert';
import { WriteCall, type WriteParts } from './write/write-call';
import {
  BULK_OPTIONS,
  type BulkWriteOptions,
  type BulkWriteResult,
  type Modify,
  type NaturalKey,
  UPDATE_OPTIONS,
  type UpdateOptions,
  type UpsertInput,
  type UpsertResult,
  WRITE_OPTIONS,
  type WriteOptions,
} from './write/write-options';

/**
 * Base of all repositories. Reads and writes go through the statement runner: inside the current unit of work, for the
 * clinic of the context, audited by the database. Every method throws RepositoryErrors only, each with a stable `code`.
 */
export abstract class BaseRepository<
  M extends Model,
  T extends object = Entity<M>,
  CreateDTO extends object = CreateInput<M>,
  UpdateDTO extends object = UpdateInput<M>,
>
  extends ReadRepository<M, T, CreateDTO, UpdateDTO>
  implements IRepository<T, CreateDTO, UpdateDTO>
{
  protected readonly cacheKeyBuilder = new CacheKeyBuilder();
  private forWrites?: WriteParts<T>;

  constructor(
    protected override readonly model: ModelStatic<M>,
    protected readonly auditLogger: IAuditLogger,
    protected readonly cacheManager: ICacheManager,
    protected override readonly entityName: string = model.name,
  ) {
    super();
  }

  /** Stores a new row. @throws InvalidInputError, NotNullViolationError, UniqueViolationError and their like. */
  async create(data: CreateDTO, context?: ExecutionContext, options: WriteOptions = {}): Promise<T> {
    const [created] = await this.insert(this.writing('create', context, options), [data]);
    return created!;
  }

  /** Stores all rows or none, in the given order; each is an audit event with its id. */
  async bulkCreate(
    data: readonly CreateDTO[],
    context?: ExecutionContext,
    options: WriteOptions = {},
  ): Promise<readonly T[]> {
    const call = this.writing('bulkCreate', context, options);
    if (!Array.isArray(data))
      throw new InvalidInputError(`${this.entityName}: bulkCreate takes a list`, 'Pass the rows as an array.');
    return this.insert(call, data);
  }

  /**
   * Changes the given attributes of one row, and no other.
   * @param change What to set; or a function that makes it of the row, which is locked meanwhile: what it read cannot
   * change before it is written over.
   * @throws NotFoundError, or ConflictError when `expectedVersion` no longer holds.
   */
  async update(
    id: string,
    change: UpdateDTO | Modify<T, UpdateDTO>,
    context?: ExecutionContext,
    options: UpdateOptions = {},
  ): Promise<T> {
    const call = this.writing('update', context, options, UPDATE_OPTIONS);
    const { entity } = call.parts;
    requireUuid(entity, id);
    const expectedVersion = readVersion(entity, options.expectedVersion);
    const set = typeof change === 'function' ? undefined : encodePatch(entity, change as object, call.actor);
    const hooked = this.validateUpdate !== BaseRepository.prototype.validateUpdate;
    const row = { id, expectedVersion };
    if (set && !hooked) return changeRow(call, row, set);
    return changeLockedRow(
      call,
      row,
      (current) => (typeof change === 'function' ? (change as Modify<T, UpdateDTO>)(current) : change),
      (patch, current) => this.validateUpdate(id, patch as UpdateDTO, current),
    );
  }

  /**
   * Sets the given attributes of every living row that matches, all or none, and raises the version of each.
   * @throws InvalidInputError for a filter that every row passes, unless `allowAll`.
   * @throws ResultTooLargeError when more than 10,000 rows match.
   */
  async updateMany(
    where: WhereClause<T, M>,
    patch: UpdateDTO,
    context?: ExecutionContext,
    options: BulkWriteOptions = {},
  ): Promise<BulkWriteResult> {
    const call = this.writing('updateMany', context, options, BULK_OPTIONS);
    const set = encodePatch(call.parts.entity, patch, call.actor);
    const hooked = this.validateUpdate !== BaseRepository.prototype.validateUpdate;
    const judge = (row: Row) => this.validateUpdate(row.id as string, patch, this.mapToEntity(row));
    return writeMany(call, { where, set, allowAll: options.allowAll ?? false, ...(hooked ? { judge } : {}) });
  }

  /** Deletes every row that matches softly, all or none. Refuses what updateMany refuses. */
  async deleteMany(
    where: WhereClause<T, M>,
    context?: ExecutionContext,
    options: BulkWriteOptions = {},
  ): Promise<BulkWriteResult> {
    const call = this.writing('deleteMany', context, options, BULK_OPTIONS);
    const set = this.mark(call, new Date());
    return writeMany(call, { where, set, allowAll: options.allowAll ?? false });
  }

  /**
   * Changes the row with this natural key, or creates it; calls that meet take turns and never make two. A deleted
   * row is not seen: another one takes its place. A create beside it is only seen where a unique index covers the key,
   * and at REPEATABLE READ two callers are only told apart by one.
   * @param where Equality on attributes, for example `{ studentNumber }`.
   * @param data What create takes; an update sets what it names, but neither the key nor the id.
   * @throws InvalidInputError when `where` is no natural key, or several rows match it.
   */
  async upsert<K extends keyof CreateDTO>(
    where: NaturalKey<CreateDTO, K>,
    data: UpsertInput<CreateDTO, NoInfer<K>>,
    context?: ExecutionContext,
    options: WriteOptions = {},
  ): Promise<UpsertResult<T>> {
    const call = this.writing('upsert', context, options);
    return upsertRow(call, where, data, {
      judgeCreate: (input) => this.validateCreate(input as CreateDTO),
      judgeUpdate: (id, patch, current) => this.validateUpdate(id, patch as UpdateDTO, current),
    });
  }

  /** Deletes softly: the row stays, and is no longer seen (000-24). */
  async delete(id: string, context?: ExecutionContext, options: UpdateOptions = {}): Promise<void> {
    await this.markRow('delete', id, new Date(), context, options);
  }

  /** The same as delete. */
  softDelete(id: string, context?: ExecutionContext, options: UpdateOptions = {}): Promise<void> {
    return this.delete(id, context, options);
  }

  /** Brings a deleted row back. @throws UniqueViolationError when its place was taken meanwhile. */
  restore(id: string, context?: ExecutionContext, options: UpdateOptions = {}): Promise<T> {
    return this.markRow('restore', id, null, context, options);
  }

  private async markRow(
    operation: string,
    id: string,
    deletedAt: Date | null,
    context: ExecutionContext | undefined,
    options: UpdateOptions,
  ): Promise<T> {
    const call = this.writing(operation, context, options, UPDATE_OPTIONS);
    requireUuid(call.parts.entity, id);
    const expectedVersion = readVersion(call.parts.entity, options.expectedVersion);
    const rows = deletedAt ? 'living' : 'deleted';
    return changeRow(call, { id, expectedVersion, rows }, this.mark(call, deletedAt));
  }

  private mark({ actor, parts: { entity } }: WriteCall<T>, deletedAt: Date | null): ColumnValues {
    return withActor(entity, [entity.byAttribute.get('deletedAt')!], [deletedAt], actor);
  }

  private insert(call: WriteCall<T>, data: readonly CreateDTO[]): Promise<T[]> {
    const hooked = this.validateCreate !== BaseRepository.prototype.validateCreate;
    return insertRows(call, data, hooked ? (input) => this.validateCreate(input) : undefined);
  }

  /** Every writing method begins here: it needs options that are understood, somebody who acts, and a clinic. */
  private writing(
    operation: string,
    explicit: ExecutionContext | undefined,
    options: WriteOptions,
    keys: readonly string[] = WRITE_OPTIONS,
  ): WriteCall<T> {
    readCallOptions(`${this.entityName}.${operation}`, options, keys);
    const parts = this.writeParts();
    const actor = ownContext(explicit ?? options.context ?? currentContext());
    if (!actor?.userId) throw new MissingContextError(`${this.entityName}.${operation}`);
    if (parts.entity.tenantScoped && !actor.clinicId) throw new MissingTenantError(this.entityName);
    const transaction = options.transaction ?? currentOwnTransaction(parts.runtime.runner.sequelize);
    return new WriteCall(operation, actor, transaction, parts);
  }

  private writeParts(): WriteParts<T> {
    const cached = this.invalidateCaches !== BaseRepository.prototype.invalidateCaches;
    this.forWrites ??= {
      ...this.ready(),
      entityName: this.entityName,
      toEntity: (row) => this.mapToEntity(row),
      ...(cached ? { invalidate: (entity) => this.invalidateCaches(entity) } : {}),
    };
    return this.forWrites;
  }
}
