import type { Model, ModelStatic } from 'sequelize';
import { currentOwnTransaction, runInOwnTransaction } from '../connection/own-transaction';
import { placeOf } from '../connection/scope/place';
import { currentScope } from '../connection/scope/current-scope';
import type { Row } from '../connection/statement';
import { currentContext, mustBeFresh, runWithScope } from '../context/ambient';
import { NotFoundError, ResultTooLargeError } from '../database.errors';
import { describeEntity, type EntityDescription } from '../model/entity-description';
import type { Entity } from '../model/base.model';
import { type DatabaseRuntime, runtimeOf } from '../transaction/runtime';
import type { PaginatedResult, QueryCriteria, QueryOptions, RowCriteria, WhereClause } from './criteria';
import { readCallOptions } from './call-options';
import { EntityStatements, type SelectRequest } from './statement/entity-statements';
import { findPage, type KeysetCriteria, type KeysetPage } from './read/find-page';
import type { Found, Include } from './include';
import { BATCH_LIMIT, type BatchKey, IdBatches } from './read/id-batch';
import { readIds } from './read/id-list';
import { requireUuid } from './write/input';
import { nestRows } from './read/nest-row';
import { ownContext } from './read/own-copy';
import { readPage, toPage } from './read/pagination';
import { readCriteria } from './read/read-criteria';
import { RepositoryHooks } from './repository-hooks';
import { type StreamOptions, streamRows } from './read/stream-rows';

/** Rows that findAll returns at most. */
const FIND_ALL_LIMIT = 1_000;

/** The reading half of a repository. Deleted rows are not seen unless asked for. */
export abstract class ReadRepository<
  M extends Model,
  T extends object = Entity<M>,
  CreateDTO = unknown,
  UpdateDTO = unknown,
> extends RepositoryHooks<T, CreateDTO, UpdateDTO> {
  protected abstract readonly model: ModelStatic<M>;
  private readonly batches = new IdBatches((ids, key) => this.readBatch(ids, key));
  private parts?: { entity: EntityDescription; statements: EntityStatements; runtime: DatabaseRuntime };

  /**
   * The row with this id, or null. Calls of one tick, for one clinic and in one unit of work, share a statement.
   * @throws InvalidInputError unless `id` is a UUID.
   */
  async findById(id: string, options: QueryOptions = {}): Promise<T | null> {
    const { entity, runtime } = this.ready();
    this.readOptions('findById', options);
    requireUuid(entity, id);
    const { withDeleted = false } = options;
    const { sequelize } = runtime.runner;
    if (options.transaction ?? currentOwnTransaction(sequelize))
      return (await this.select('findById', { where: { id } }, options))[0] ?? null;
    const scope = currentScope(sequelize);
    const context = ownContext(options.context ?? currentContext());
    const fresh = !scope && (options.fresh === true || mustBeFresh(sequelize));
    const place = placeOf(sequelize);
    const row = await this.batches.find(id.toLowerCase(), { scope, context, withDeleted, fresh, place });
    return row ? this.mapToEntity(row) : null;
  }

  /**
   * The rows with these ids, in the order in which the ids are first mentioned; ids without a row are left out.
   * @param ids At most 10,000.
   * @throws InvalidInputError unless all are UUIDs.
   */
  async findByIds(ids: readonly string[], options: QueryOptions = {}): Promise<readonly T[]> {
    const { entity, statements, runtime } = this.ready();
    this.readOptions('findByIds', options);
    const wanted = readIds(entity, ids);
    const rows = options.withDeleted ? 'all' : 'living';
    const flight = [];
    for (let from = 0; from < wanted.length; from += BATCH_LIMIT) {
      const where = { id: { in: wanted.slice(from, from + BATCH_LIMIT) } };
      flight.push(statements.select('findByIds', { where, rows }));
    }
    if (flight.length === 0) return [];
    const results = await runtime.runner.runAll(flight, options);
    const byId = new Map(results.flatMap(({ rows: found }) => found).map((row) => [row.id, row]));
    return this.toEntities(wanted.map((id) => byId.get(id)).filter((row) => row !== undefined));
  }

  /** The row with this id. @throws NotFoundError */
  async findByIdOrFail(id: string, options: QueryOptions = {}): Promise<T> {
    const found = await this.findById(id, options);
    if (!found) throw new NotFoundError(this.entityName, id);
    return found;
  }

  /** The first row that matches, or null. */
  async findOne<K extends keyof T = keyof T, const I extends Include<M> = object>(
    criteria: RowCriteria<T, K, M, I>,
    options: QueryOptions = {},
  ): Promise<Found<T, K, M, I> | null> {
    this.readOptions('findOne', options);
    const { where, orderBy, select, include } = readCriteria(this.entityName, criteria);
    const [found] = await this.select<Found<T, K, M, I>>(
      'findOne',
      { where, orderBy, select, include, limit: 1 },
      options,
    );
    return found ?? null;
  }

  /** One page of the rows that match: 20 unless asked otherwise, at most 100. */
  async findMany<K extends keyof T = keyof T, const I extends Include<M> = object>(
    criteria: QueryCriteria<T, K, M, I> = {},
    options: QueryOptions = {},
  ): Promise<PaginatedResult<Found<T, K, M, I>>> {
    const { statements } = this.ready();
    this.readOptions('findMany', options);
    const { where, orderBy, select, include, pagination } = readCriteria(this.entityName, criteria, true);
    const page = readPage(this.entityName, pagination);
    const rows = options.withDeleted ? 'all' : 'living';
    // One row more than asked tells whether there is a next page, also without counting.
    const request: SelectRequest = {
      where,
      orderBy,
      select,
      include,
      limit: page.limit + 1,
      offset: page.offset,
      rows,
    };
    const flight = [statements.select('findMany', request)];
    if (page.counted) flight.push(statements.count('findMany', where, rows));
    const [found, counted] = await this.ready().runtime.runner.runAll(flight, options);
    return toPage(
      this.toEntities(nestRows(found!.rows, flight[0]!.nestRow)),
      page,
      counted ? Number(counted.rows[0]!.count) : null,
    );
  }

  /** Every row that matches. @throws ResultTooLargeError beyond 1,000: half of a patient's allergies is worse than none. */
  async findAll<K extends keyof T = keyof T, const I extends Include<M> = object>(
    criteria: RowCriteria<T, K, M, I> = {},
    options: QueryOptions = {},
  ): Promise<readonly Found<T, K, M, I>[]> {
    this.readOptions('findAll', options);
    const { where, orderBy, select, include } = readCriteria(this.entityName, criteria);
    const found = await this.select<Found<T, K, M, I>>(
      'findAll',
      { where, orderBy, select, include, limit: FIND_ALL_LIMIT + 1 },
      options,
    );
    if (found.length > FIND_ALL_LIMIT) throw new ResultTooLargeError(this.entityName, FIND_ALL_LIMIT);
    return found;
  }

  /**
   * One page of the rows that match, from a cursor on: for pages deep in a table, and for lists that grow meanwhile.
   * Sorted by `orderBy`, then by id in the direction of the last key; JSON cannot be sorted by.
   * @throws InvalidCursorError for a cursor of another query, clinic or key.
   */
  async findPage<K extends keyof T = keyof T, const I extends Include<M> = object>(
    criteria: KeysetCriteria<T, K, M, I> = {},
    options: QueryOptions = {},
  ): Promise<KeysetPage<Found<T, K, M, I>>> {
    this.readOptions('findPage', options);
    const { data, cursors } = await findPage(this.entityName, this.ready(), criteria as object, options);
    return { data: this.toEntities(data), cursors };
  }

  /**
   * All rows that match, chunk by chunk, in the order of findPage: `for await (const row of repository.stream())`. It
   * reads where it was asked for: in the unit of work of that moment, for the clinic of that moment. Rows that change
   * meanwhile are seen as they are when their chunk is read; a REPEATABLE READ unit shows one moment. Errors come with the
   * step that meets them.
   */
  stream<K extends keyof T = keyof T, const I extends Include<M> = object>(
    criteria: RowCriteria<T, K, M, I> = {},
    options: StreamOptions = {},
  ): AsyncIterable<Found<T, K, M, I>> {
    const reader = this.ready();
    const { sequelize } = reader.runtime.runner;
    const scope = currentScope(sequelize);
    const context = ownContext(options?.context ?? currentContext());
    const transaction = currentOwnTransaction(sequelize);
    const within = <R>(step: () => R): R =>
      scope
        ? runWithScope(sequelize, scope, context, step)
        : runInOwnTransaction(sequelize, transaction, context, step);
    const toEntity = (row: Row) => this.toEntities<Found<T, K, M, I>>([row])[0]!;
    return {
      [Symbol.asyncIterator]: () => streamRows(this.entityName, reader, criteria as object, options, within, toEntity),
    };
  }

  /** True when the row exists. A database error is thrown, never answered with false (D19). */
  async exists(which: string | WhereClause<T, M>, options: QueryOptions = {}): Promise<boolean> {
    const { entity } = this.ready();
    this.readOptions('exists', options);
    if (typeof which === 'string') requireUuid(entity, which);
    // An id that is missing must not ask whether there is any row at all.
    const where = typeof which === 'string' ? { id: which } : (which ?? null);
    const found = await this.rows('exists', { where, select: ['id'], limit: 1 }, options);
    return found.length > 0;
  }

  /** How many rows match. */
  async count(...call: [where?: WhereClause<T, M>, options?: QueryOptions]): Promise<number> {
    const [where, options = {}] = call;
    const { statements, runtime } = this.ready();
    this.readOptions('count', options);
    // An undefined that was passed is a filter that got lost: null is refused, where nothing at all counts every row.
    const given = call.length > 0 ? (where ?? null) : {};
    const statement = statements.count('count', given, options.withDeleted ? 'all' : 'living');
    const { rows } = await runtime.runner.run(statement, options);
    return Number(rows[0]!.count);
  }

  private async readBatch(ids: readonly string[], { scope, context, withDeleted, fresh }: BatchKey): Promise<Row[]> {
    const { statements, runtime } = this.ready();
    // A lone id keeps the cheaper statement.
    const where = ids.length === 1 ? { id: ids[0] } : { id: { in: ids } };
    const statement = statements.select('findById', withDeleted ? { where, rows: 'all' } : { where });
    const options: QueryOptions = { fresh };
    const send = () => runtime.runner.run(statement, options);
    // Whoever sends the batch may be in another unit, or act for another clinic, than those who wait for it.
    const here = currentContext() === context && currentScope(runtime.runner.sequelize) === scope;
    return (await (here ? send() : runWithScope(runtime.runner.sequelize, scope, context, send))).rows;
  }

  private readOptions(operation: string, options: QueryOptions): void {
    readCallOptions(`${this.entityName}.${operation}`, options);
  }

  protected ready() {
    this.parts ??= this.prepare();
    return this.parts;
  }

  private prepare() {
    const entity = describeEntity(this.model);
    return { entity, statements: new EntityStatements(this.model, entity), runtime: runtimeOf(this.model) };
  }

  protected async rows(operation: string, request: SelectRequest, options: QueryOptions): Promise<Row[]> {
    const { statements, runtime } = this.ready();
    const statement = statements.select(operation, options.withDeleted ? { ...request, rows: 'all' } : request);
    return nestRows((await runtime.runner.run(statement, options)).rows, statement.nestRow);
  }

  protected async select<R = T>(operation: string, request: SelectRequest, options: QueryOptions): Promise<R[]> {
    return this.toEntities<R>(await this.rows(operation, request, options));
  }

  /** R is what the criteria made of T: some of its attributes, and the parents that were included. */
  protected toEntities<R = T>(rows: readonly Row[]): R[] {
    return rows.map((row) => this.mapToEntity(row) as unknown as R);
  }
}
