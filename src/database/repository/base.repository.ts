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
  ResultTooLargeError,
} from '../database.errors';
import type { CreateInput, Entity, UpdateInput } from '../model/base.model';
import { describeEntity, type EntityDescription } from '../model/entity-description';
import { type DatabaseRuntime, runtimeOf } from '../transaction/runtime';
import type { PaginatedResult, QueryCriteria, QueryOptions, RowCriteria, UpdateOptions, WhereClause } from './criteria';
import { EntityStatements, type SelectRequest } from './entity-statements';
import { encodeInsert, encodePatch, insertedColumns, requireUuid, withActor } from './input';
import { readPage, toPage } from './pagination';
import { readCriteria } from './read-criteria';
import { RepositoryHooks } from './repository-hooks';
import type { IRepository } from './repository.interface';

/** Rows that findAll returns at most. */
const FIND_ALL_LIMIT = 1_000;
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
  extends RepositoryHooks<T, CreateDTO, UpdateDTO>
  implements IRepository<T, CreateDTO, UpdateDTO>
{
  protected readonly cacheKeyBuilder = new CacheKeyBuilder();
  private parts?: { entity: EntityDescription; statements: EntityStatements; runtime: DatabaseRuntime };

  constructor(
    protected readonly model: ModelStatic<M>,
    protected readonly auditLogger: IAuditLogger,
    protected readonly cacheManager: ICacheManager,
    protected override readonly entityName: string = model.name,
  ) {
    super();
  }

  /** The row with this id, or null. @throws InvalidInputError unless `id` is a UUID. */
  async findById(id: string, options: QueryOptions = {}): Promise<T | null> {
    const { entity } = this.ready();
    requireUuid(entity, id);
    const [found] = await this.select('findById', { where: { id } }, options);
    return found ?? null;
  }

  /** The row with this id. @throws NotFoundError */
  async findByIdOrFail(id: string, options: QueryOptions = {}): Promise<T> {
    const found = await this.findById(id, options);
    if (!found) throw new NotFoundError(this.entityName, id);
    return found;
  }

  /** The first row that matches, or null. */
  async findOne<K extends keyof T = keyof T>(
    criteria: RowCriteria<T, K>,
    options: QueryOptions = {},
  ): Promise<Pick<T, K> | null> {
    const { where, orderBy, select } = readCriteria(this.entityName, criteria);
    const [found] = await this.select('findOne', { where, orderBy, select, limit: 1 }, options);
    return found ?? null;
  }

  /** One page of the rows that match: 20 unless asked otherwise, at most 100. */
  async findMany<K extends keyof T = keyof T>(
    criteria: QueryCriteria<T, K> = {},
    options: QueryOptions = {},
  ): Promise<PaginatedResult<Pick<T, K>>> {
    const { statements } = this.ready();
    const { where, orderBy, select, pagination } = readCriteria(this.entityName, criteria, true);
    const page = readPage(this.entityName, pagination);
    const rows = options.withDeleted ? 'all' : 'living';
    // One row more than asked tells whether there is a next page, also without counting.
    const request: SelectRequest = { where, orderBy, select, limit: page.limit + 1, offset: page.offset, rows };
    const flight = [statements.select('findMany', request)];
    if (page.counted) flight.push(statements.count('findMany', where, rows));
    const [found, counted] = await this.ready().runtime.runner.runAll(flight, options);
    return toPage(this.toEntities(found!.rows), page, counted ? Number(counted.rows[0]!.count) : null);
  }

  /** Every row that matches. @throws ResultTooLargeError beyond 1,000: half of a patient's allergies is worse than none. */
  async findAll<K extends keyof T = keyof T>(
    criteria: RowCriteria<T, K> = {},
    options: QueryOptions = {},
  ): Promise<readonly Pick<T, K>[]> {
    const { where, orderBy, select } = readCriteria(this.entityName, criteria);
    const found = await this.select('findAll', { where, orderBy, select, limit: FIND_ALL_LIMIT + 1 }, options);
    if (found.length > FIND_ALL_LIMIT) throw new ResultTooLargeError(this.entityName, FIND_ALL_LIMIT);
    return found;
  }

  /** True when the row exists. A database error is thrown, never answered with false (D19). */
  async exists(which: string | WhereClause<T>, options: QueryOptions = {}): Promise<boolean> {
    const { entity } = this.ready();
    if (typeof which === 'string') requireUuid(entity, which);
    // An id that is missing must not ask whether there is any row at all.
    const where = typeof which === 'string' ? { id: which } : (which ?? null);
    const found = await this.rows('exists', { where, select: ['id'], limit: 1 }, options);
    return found.length > 0;
  }

  /** How many rows match. */
  async count(where: WhereClause<T> = {}, options: QueryOptions = {}): Promise<number> {
    const { statements, runtime } = this.ready();
    const statement = statements.count('count', where, options.withDeleted ? 'all' : 'living');
    const { rows } = await runtime.runner.run(statement, options);
    return Number(rows[0]!.count);
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

  private ready() {
    this.parts ??= this.prepare();
    return this.parts;
  }

  private prepare() {
    const entity = describeEntity(this.model);
    return { entity, statements: new EntityStatements(this.model, entity), runtime: runtimeOf(this.model) };
  }

  private async rows(operation: string, request: SelectRequest, options: QueryOptions): Promise<Row[]> {
    const { statements, runtime } = this.ready();
    const statement = statements.select(operation, options.withDeleted ? { ...request, rows: 'all' } : request);
    return (await runtime.runner.run(statement, options)).rows;
  }

  private async select(operation: string, request: SelectRequest, options: QueryOptions): Promise<T[]> {
    return this.toEntities(await this.rows(operation, request, options));
  }

  private toEntities(rows: readonly Row[]): T[] {
    return rows.map((row) => this.mapToEntity(row));
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
