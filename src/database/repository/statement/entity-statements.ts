import type { Model, ModelStatic } from 'sequelize';
import type { Statement } from '../../connection/statement';
import { InvalidInputError } from '../../database.errors';
import type { ColumnDescription, EntityDescription } from '../../model/entity-description';
import { Filter, type Predicate } from './filter';
import { insertedColumns } from '../write/input';
import { beyond, type Boundary, keysetOrder, type KeysetRequest, keysetShape, type SortKey } from '../read/keyset';
import type { NestRow } from '../read/nest-row';
import { entriesOf } from '../plain-object';
import { knownColumn, projection, readInclude } from '../read/read-include';
import { ShapeCache } from './shape-cache';
import { type RowsSeen, SqlCompiler } from './sql-compiler';

export interface SelectRequest {
  readonly where?: unknown;
  readonly orderBy?: unknown;
  readonly select?: readonly unknown[];
  /** Parents to read along; see Include. */
  readonly include?: unknown;
  readonly limit?: number;
  readonly offset?: number;
  /** Rows from a place on; they come with their sort keys (see keyset). */
  readonly keyset?: KeysetRequest;
  /** `SELECT … FOR UPDATE`. */
  readonly lock?: boolean;
  /** Which rows count, and which parents: the living (default), the deleted (all parents), or all. */
  readonly rows?: RowsSeen;
}

/** A statement that returns rows of the entity. */
export interface SelectStatement extends Statement {
  /** To be applied to every row of the answer: puts the included parents into it. Absent without an include. */
  readonly nestRow?: NestRow;
}

/** Makes the statements of one entity: parses the call into a shape and binds, and compiles each shape once. */
export class EntityStatements {
  private readonly shapes = new ShapeCache();
  private readonly compiler: SqlCompiler;
  private readonly inserted: readonly ColumnDescription[];

  constructor(
    model: ModelStatic<Model>,
    private readonly entity: EntityDescription,
  ) {
    this.compiler = new SqlCompiler(model, entity);
    this.inserted = insertedColumns(entity);
  }

  select(operation: string, request: SelectRequest): SelectStatement {
    return this.chunks(operation, request)(request.keyset?.from);
  }

  /**
   * The same for one chunk of rows after the other: the criteria are read now, and what becomes of the caller's objects
   * between two chunks changes nothing.
   */
  chunks(operation: string, request: SelectRequest): (from?: Boundary) => SelectStatement {
    const filter = new Filter(this.entity, request.where);
    const columns = projection(this.entity, request.select);
    const joins = readInclude(this.entity, request.include, filter.joins);
    const { keyset } = request;
    const order = this.order(request.orderBy, keyset);
    const where = this.visible(filter.predicate, request.rows);
    return (from) => {
      const binds = [...filter.binds];
      const rest = from && beyond(order, from, (value) => binds.push(value));
      const limit = request.limit === undefined ? undefined : binds.push(request.limit);
      const offset = request.offset ? binds.push(request.offset) : undefined;
      const shape = [
        'select',
        request.select ? columns.map((column) => column.attribute).join() : '*',
        filter.shape,
        request.rows ?? 'living',
        order.map(([column, direction]) => `${column.attribute} ${direction}`).join(),
        limit,
        offset,
        request.lock,
        joins?.shape,
        keyset && keysetShape({ ...keyset, from }),
      ].join('|');
      const sql = this.shapes.get(shape, () =>
        this.compiler.select({
          columns,
          where,
          order,
          ...(limit ? { limit } : {}),
          ...(offset ? { offset } : {}),
          ...(request.lock ? { lock: true } : {}),
          ...(joins ? { joins, rows: request.rows } : {}),
          ...(keyset ? { keyed: true, beyond: rest } : {}),
        }),
      );
      return this.statement(operation, sql, binds, request.lock ?? false);
    };
  }

  /** The query that a cursor belongs to, as text: which rows in which order, with the values of the filter. */
  keysetBinding({ where, orderBy, rows }: SelectRequest): string {
    const filter = new Filter(this.entity, where);
    const order = this.order(orderBy, {}).map(([column, direction]) => `${column.attribute} ${direction}`);
    return JSON.stringify([this.entity.name, rows, filter.shape, order, filter.binds]);
  }

  count(operation: string, where: unknown, rows?: RowsSeen): Statement {
    const filter = new Filter(this.entity, where);
    const sql = this.shapes.get(`count|${filter.shape}|${rows ?? 'living'}`, () =>
      this.compiler.count(this.visible(filter.predicate, rows), filter.joins, rows),
    );
    return this.statement(operation, sql, filter.binds, false);
  }

  /** @param orNothing True: inserts nothing where a unique index holds such a row already. */
  insert(operation: string, values: readonly unknown[], orNothing = false): Statement {
    const shape = orNothing ? 'insert or nothing' : 'insert';
    const sql = this.shapes.get(shape, () => this.compiler.insert(this.inserted, orNothing));
    return this.statement(operation, sql, values, true);
  }

  /** @param rows Values of each row, in the order of the inserted columns. */
  insertMany(operation: string, rows: readonly (readonly unknown[])[]): Statement {
    const sql = this.shapes.get('insert many', () => this.compiler.insertMany(this.inserted));
    const arrays = this.inserted.map((_, i) => rows.map((row) => row[i]));
    return this.statement(operation, sql, arrays, true);
  }

  update(
    operation: string,
    set: { readonly columns: readonly ColumnDescription[]; readonly values: readonly unknown[] },
    request: Pick<SelectRequest, 'where' | 'rows'>,
  ): Statement {
    const filter = new Filter(this.entity, request.where);
    // An UPDATE joins nothing: lock the rows by a select, then write them by their ids.
    if (filter.joins) throw this.refuse('where', 'attributes of its own when it writes');
    const attributes = set.columns.map((column) => column.attribute).join();
    const shape = `update|${attributes}|${filter.shape}|${request.rows ?? 'living'}`;
    const sql = this.shapes.get(shape, () =>
      this.compiler.update(set.columns, this.visible(filter.predicate, request.rows), filter.binds.length),
    );
    return this.statement(operation, sql, [...filter.binds, ...set.values], true);
  }

  private statement(
    operation: string,
    sql: ReturnType<ShapeCache['get']>,
    values: readonly unknown[],
    write: boolean,
  ): SelectStatement {
    // Key by key: a spread would cost as much as all the rest of a statement that is compiled already.
    const { text, name, nestRow } = sql;
    const { name: entity } = this.entity;
    return { text, name, values, operation: `${entity}.${operation}`, entity, write, nestRow };
  }

  private visible(predicate: Predicate, rows: RowsSeen = 'living'): Predicate {
    const deletedAt = this.entity.byAttribute.get('deletedAt');
    if (rows === 'all' || !deletedAt) return predicate;
    const operator = rows === 'living' ? 'null' : 'notNull';
    const condition: Predicate = { kind: 'compare', comparison: { column: deletedAt, operator, bind: 0 } };
    return { kind: 'and', parts: [predicate, condition] };
  }

  private order(orderBy: unknown, keyset?: KeysetRequest): SortKey[] {
    const given: unknown = orderBy === undefined ? [] : orderBy;
    if (!Array.isArray(given)) throw this.refuse('orderBy', 'a list of sort keys');
    // Array.from: a hole is refused, not skipped.
    const keys = Array.from(given, (key: unknown) => entriesOf(key)).flatMap((entries) => {
      if (!entries) throw this.refuse('orderBy', 'a list of sort keys');
      return entries;
    });
    const order = keys.map(([attribute, direction]) => {
      if (direction !== 'ASC' && direction !== 'DESC') throw this.refuse('orderBy', 'ASC or DESC for each key');
      return [this.sortColumn(attribute), direction as 'ASC' | 'DESC'] as const;
    });
    const id = this.entity.byAttribute.get('id');
    // Equal keys have no order of their own, and rows would jump between pages.
    if (id && !order.some(([column]) => column === id))
      // A keyset is compared as one value where all keys have one direction.
      order.push([id, keyset ? (order.at(-1)?.[1] ?? 'ASC') : 'ASC']);
    if (!keyset) return order;
    if (!id || order.some(([column]) => column.kind === 'json'))
      throw this.refuse('orderBy', 'attributes that have an order, no JSON, where rows are read from a place on');
    return keysetOrder(order, keyset.backwards);
  }

  private sortColumn(attribute: string): ColumnDescription {
    if (!this.entity.byAttribute.has(attribute) && this.entity.relations.has(attribute))
      throw this.refuse('orderBy', 'attributes of its own; a parent’s order is asked of the parent’s repository');
    return knownColumn(this.entity, attribute, 'orderBy');
  }

  private refuse(part: string, allowed: string): InvalidInputError {
    return new InvalidInputError(`${this.entity.name}: ${part} takes ${allowed}`, 'Correct the criteria.', {
      entity: this.entity.name,
    });
  }
}
