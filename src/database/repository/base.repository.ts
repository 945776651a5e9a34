import type { Model, ModelStatic } from 'sequelize';
import type { IAuditLogger } from '../audit/audit-logger.interface';
import { CacheKeyBuilder } from '../cache/cache-key-builder';
import type { ICacheManager } from '../cache/cache-manager';
import type { Row, Statement } from '../connection/statement';
import { currentContext, runWithContext } from '../context/ambient';
import type { ExecutionContext } from '../context/execution-context';
import {
  ConflictError,
  InvalidInputError,
  MissingContextError,
  MissingTenantError,
  NotFoundError,
} from '../database.errors';
import type { CreateInput, Entity, UpdateInput } from '../model/base.model';
import type { QueryOptions, UpdateOptions } from './criteria';
import type { SelectRequest } from './entity-statements';
import { encodeInsert, encodePatch, insertedColumns, requireUuid, withActor } from './input';
import { ReadRepository } from './read.repository';
import type { IRepository } from './repository.interface';

/** Rows of one INSERT of bulkCreate. */
const CHUNK = 1_000;

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

  constructor(
    protected override readonly model: ModelStatic<M>,
    protected readonly auditLogger: IAuditLogger,
    protected readonly cacheManager: ICacheManager,
    protected override readonly entityName: string = model.name,
  ) {
    super();
  }

  /** Stores a new row. @throws InvalidInputError, NotNullViolationError, UniqueViolationError and their like. */
  async create(data: CreateDTO, context?: ExecutionContext, options: QueryOptions = {}): Promise<T> {
    const [created] = await this.insert('create', [data], context, options);
    return created!;
  }

  /** Stores all rows or none, in the given order. */
  async bulkCreate(
    data: readonly CreateDTO[],
    context?: ExecutionContext,
    options: QueryOptions = {},
  ): Promise<readonly T[]> {
    if (!Array.isArray(data))
      throw new InvalidInputError(`${this.entityName}: bulkCreate takes a list`, 'Pass the rows as an array.');
    return this.insert('bulkCreate', data, context, options);
  }

  /**
   * Changes the given attributes of one row, and no other.
   * @throws NotFoundError, or ConflictError when `expectedVersion` no longer holds.
   */
  async update(id: string, data: UpdateDTO, context?: ExecutionContext, options: UpdateOptions = {}): Promise<T> {
    const actor = this.actor('update', context, options);
    const { entity } = this.ready();
    requireUuid(entity, id);
    const set = encodePatch(entity, data, actor);
    if (this.validateUpdate === BaseRepository.prototype.validateUpdate) {
      return this.change('update', id, set, actor, options, 'living');
    }
    return this.together(actor, options, async () => {
      // Locked, so that what the hook judged is what is written over (D21).
      const living = { ...options, context: actor, withDeleted: false };
      const [current] = await this.select('update', { where: { id }, lock: true }, living);
      if (!current) throw new NotFoundError(this.entityName, id);
      await this.validateUpdate(id, data, current);
      return this.change('update', id, set, actor, options, 'living');
    });
  }

  /** Deletes softly: the row stays, and is no longer seen (000-24). */
  async delete(id: string, context?: ExecutionContext, options: UpdateOptions = {}): Promise<void> {
    await this.mark('delete', id, new Date(), context, options);
  }

  /** The same as delete. */
  softDelete(id: string, context?: ExecutionContext, options: UpdateOptions = {}): Promise<void> {
    return this.delete(id, context, options);
  }

  /** Brings a deleted row back. @throws UniqueViolationError when its place was taken meanwhile. */
  restore(id: string, context?: ExecutionContext, options: UpdateOptions = {}): Promise<T> {
    return this.mark('restore', id, null, context, options);
  }

  private async insert(
    operation: string,
    data: readonly CreateDTO[],
    context: ExecutionContext | undefined,
    options: QueryOptions,
  ): Promise<T[]> {
    const actor = this.actor(operation, context, options);
    const { entity, statements } = this.ready();
    const columns = insertedColumns(entity);
    // All input is judged before the first row is written.
    const rows = data.map((input) => encodeInsert(entity, columns, input, actor));
    const idAt = columns.findIndex((column) => column.attribute === 'id');
    const write = async (): Promise<T[]> => {
      const created = new Map<unknown, T>();
      for (let from = 0; from < rows.length; from += CHUNK) {
        const chunk = rows.slice(from, from + CHUNK);
        const statement =
          chunk.length === 1 ? statements.insert(operation, chunk[0]!) : statements.insertMany(operation, chunk);
        const { rows: stored, entities } = await this.write(statement, actor, options);
        stored.forEach((row, i) => created.set(row.id, entities[i]!));
      }
      // RETURNING promises no order.
      return rows.map((row) => created.get(row[idAt])!);
    };
    if (this.validateCreate === BaseRepository.prototype.validateCreate && rows.length <= CHUNK) return write();
    return this.together(actor, options, async () => {
      for (const input of data) await this.validateCreate(input);
      return write();
    });
  }

  private async mark(
    operation: string,
    id: string,
    deletedAt: Date | null,
    context: ExecutionContext | undefined,
    options: UpdateOptions,
  ): Promise<T> {
    const actor = this.actor(operation, context, options);
    const { entity } = this.ready();
    requireUuid(entity, id);
    const set = withActor(entity, [entity.byAttribute.get('deletedAt')!], [deletedAt], actor);
    return this.change(operation, id, set, actor, options, deletedAt ? 'living' : 'deleted');
  }

  private async change(
    operation: string,
    id: string,
    set: ReturnType<typeof withActor>,
    actor: ExecutionContext,
    options: UpdateOptions,
    rows: SelectRequest['rows'],
  ): Promise<T> {
    const { statements } = this.ready();
    const { expectedVersion } = options;
    const where = expectedVersion === undefined ? { id } : { id, version: expectedVersion };
    const { entities } = await this.write(statements.update(operation, set, { where, rows }), actor, options);
    if (entities[0]) return entities[0];
    if (expectedVersion === undefined) throw new NotFoundError(this.entityName, id);
    const asked = { ...options, context: actor, withDeleted: false };
    const [current] = await this.select(operation, { where: { id }, rows }, asked);
    throw current ? new ConflictError(this.entityName) : new NotFoundError(this.entityName, id);
  }

  private async write(
    statement: Statement,
    actor: ExecutionContext,
    options: QueryOptions,
  ): Promise<{ rows: Row[]; entities: T[] }> {
    const { runtime } = this.ready();
    const { rows } = await runtime.runner.run(statement, { ...options, context: actor });
    const entities = this.toEntities(rows);
    if (this.invalidateCaches !== BaseRepository.prototype.invalidateCaches) {
      await runtime.unitOfWork.whenCommitted(async () => {
        // On behalf of who wrote: keys of a cache hold the clinic.
        for (const entity of entities) await runWithContext(actor, () => this.invalidateCaches(entity));
      }, options.transaction);
    }
    return { rows, entities };
  }

  private together<R>(actor: ExecutionContext, { transaction }: QueryOptions, fn: () => Promise<R>): Promise<R> {
    // A transaction that the caller opened is the unit already; hooks still read for the clinic of who acts.
    return transaction ? runWithContext(actor, fn) : this.ready().runtime.unitOfWork.executeInTransaction(fn, actor);
  }

  private actor(operation: string, explicit: ExecutionContext | undefined, options: QueryOptions): ExecutionContext {
    const context = explicit ?? options.context ?? currentContext();
    if (!context?.userId) throw new MissingContextError(`${this.entityName}.${operation}`);
    if (this.ready().entity.tenantScoped && !context.clinicId) throw new MissingTenantError(this.entityName);
    return context;
  }
}
