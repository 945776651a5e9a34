import { createHash } from 'node:crypto';
import { cast, col, fn, literal, Op, type Model, type ModelStatic, type WhereOptions } from 'sequelize';
import type { ColumnDescription, EntityDescription } from '../../model/entity-description';
import type { Comparison, Predicate } from './filter';
import type { Join, Joins } from './joins';
import { keyName, type RowComparison } from '../read/keyset';
import { compileNestRow, type NestRow, parentColumn, parentId } from '../read/nest-row';

/** A compiled shape: text with placeholders, and the name it is prepared under. */
export interface CompiledSql {
  readonly text: string;
  readonly name: string;
  /** Of a statement with parents: what to make of its rows. */
  readonly nestRow?: NestRow;
}

/** Which rows count: the living, the deleted, or all. */
export type RowsSeen = 'living' | 'deleted' | 'all';

export interface SelectShape {
  readonly columns: readonly ColumnDescription[];
  readonly where: Predicate;
  readonly order: readonly (readonly [ColumnDescription, 'ASC' | 'DESC'])[];
  /** Places of limit and offset among the binds. */
  readonly limit?: number;
  readonly offset?: number;
  readonly lock?: boolean;
  readonly joins?: Joins;
  /** Which parents count. */
  readonly rows?: RowsSeen;
  /** True: the sort keys come along, as text. */
  readonly keyed?: boolean;
  /** What a keyset leaves of the rows. */
  readonly beyond?: Predicate | RowComparison;
}

/** The part of Sequelize's query generator that is used here; it is untyped there. */
interface QueryGenerator {
  selectQuery(table: unknown, options: object, model: object): string;
  insertQuery(table: unknown, values: object, attributes: object, options: object): { query: string };
  updateQuery(table: unknown, values: object, where: object, options: object, attributes: object): { query: string };
}

const OPERATORS: Record<Exclude<Comparison['operator'], 'any' | 'none' | 'null' | 'notNull'>, symbol> = {
  eq: Op.eq,
  ne: Op.ne,
  lt: Op.lt,
  lte: Op.lte,
  gt: Op.gt,
  gte: Op.gte,
  like: Op.like,
  ilike: Op.iLike,
  within: Op.contains,
};

/**
 * Makes the SQL of a repository with Sequelize's own query generator, once a shape. Placeholders are handed in as
 * literals, so that values are bound, never quoted into the text.
 */
export class SqlCompiler {
  private readonly generator: QueryGenerator;

  constructor(
    private readonly model: ModelStatic<Model>,
    private readonly entity: EntityDescription,
  ) {
    this.generator = (
      model.sequelize!.getQueryInterface() as unknown as { queryGenerator: QueryGenerator }
    ).queryGenerator;
  }

  select(shape: SelectShape): CompiledSql {
    const { joins } = shape;
    // Only beside other tables does a column need the name of its own.
    const own = joins ? `${this.model.name}.` : '';
    const sql = compiled(
      this.generator.selectQuery(
        this.entity.table,
        {
          attributes: [
            ...shape.columns.map((column) => [column.field, column.attribute]),
            ...(joins ? joins.all.flatMap(parentColumns) : []),
            ...(shape.keyed
              ? shape.order.map(([column], at) => [cast(col(`${own}${column.field}`), 'TEXT'), keyName(at)])
              : []),
          ],
          where: this.limited(shape),
          order: shape.order.map(([column, direction]) => [col(`${own}${column.field}`), direction]),
          ...(shape.limit ? { limit: place(shape.limit) } : {}),
          ...(shape.offset ? { offset: place(shape.offset) } : {}),
          // Parents are not locked, and PostgreSQL would refuse to.
          ...(shape.lock ? { lock: joins ? { level: 'UPDATE', of: this.model } : 'UPDATE' } : {}),
          ...this.joined(joins, shape.rows),
        },
        this.model,
      ),
    );
    return joins?.returned().length ? { ...sql, nestRow: compileNestRow(joins) } : sql;
  }

  count(where: Predicate, joins?: Joins, rows?: RowsSeen): CompiledSql {
    return compiled(
      this.generator.selectQuery(
        this.entity.table,
        {
          attributes: [[fn('count', literal('*')), 'count']],
          where: toWhere(where),
          ...this.joined(joins, rows),
        },
        this.model,
      ),
    );
  }

  /**
   * Every parent as an include of its own, none inside another: Sequelize would name the table of the fifth by all
   * five names. Each has one row at most, so nothing is multiplied or counted twice.
   */
  private joined(joins: Joins | undefined, rows: RowsSeen = 'living'): object {
    if (!joins) return {};
    const parent = { model: this.model };
    const include = joins.all.map((join) => ({
      model: join.relation.association.target,
      association: join.relation.association,
      as: join.alias,
      parent,
      required: false,
      on: joinCondition(join, join.from?.alias ?? this.model.name, rows),
    }));
    return { include, includeIgnoreAttributes: false, subQuery: false, model: this.model };
  }

  /**
   * Inserts one row; the values are bound in the order of `columns`.
   * @param orNothing True: steps back from a row that a unique index holds already, and returns no row.
   */
  insert(columns: readonly ColumnDescription[], orNothing = false): CompiledSql {
    const values = Object.fromEntries(columns.map((column, i) => [column.field, place(i + 1)]));
    const { query } = this.generator.insertQuery(this.entity.table, values, this.model.getAttributes(), {
      bindParam: false,
    });
    return compiled(`${trimmed(query)}${orNothing ? ' ON CONFLICT DO NOTHING' : ''} RETURNING ${this.returning()}`);
  }

  /** Inserts any number of rows in one statement: each column is bound as one array. */
  insertMany(columns: readonly ColumnDescription[]): CompiledSql {
    const fields = columns.map((column) => `"${column.field}"`).join(', ');
    const arrays = columns.map((column, i) => `$${i + 1}::${arrayType(column)}`).join(', ');
    return compiled(
      `INSERT INTO "${this.entity.table}" (${fields}) SELECT * FROM unnest(${arrays}) RETURNING ${this.returning()}`,
    );
  }

  /** Updates the rows that match: values are bound after the `binds` of the filter. */
  update(columns: readonly ColumnDescription[], where: Predicate, binds: number): CompiledSql {
    const values = Object.fromEntries(columns.map((column, i) => [column.field, place(binds + i + 1)]));
    const { query } = this.generator.updateQuery(
      this.entity.table,
      values,
      toWhere(where),
      { bindParam: false },
      this.model.getAttributes(),
    );
    return compiled(`${trimmed(query)} RETURNING ${this.returning()}`);
  }

  /** The filter, and of its rows what lies beyond a place. */
  private limited({ where, beyond, joins }: SelectShape): WhereOptions {
    if (!beyond) return toWhere(where);
    const own = joins ? `"${this.model.name}".` : '';
    const rest = beyond.kind === 'row' ? compareRows(beyond, own) : toWhere(beyond);
    return { [Op.and]: isEmpty(where) ? [rest] : [toWhere(where), rest] } as WhereOptions;
  }

  private returning(): string {
    return this.entity.columns.map((column) => `"${column.field}" AS "${column.attribute}"`).join(', ');
  }
}

function parentColumns(join: Join): [object, string][] {
  if (!join.columns) return [];
  const column = (field: string, name: string): [object, string] => [col(`${join.alias}.${field}`), name];
  const id = join.relation.target.byAttribute.get('id')!;
  return [
    column(id.field, parentId(join)),
    ...join.columns.map(({ field }, i) => column(field, parentColumn(join, i))),
  ];
}

/** By clinic and id, as the foreign keys are; by id alone where either row belongs to no clinic. */
function joinCondition({ relation }: Join, child: string, rows: RowsSeen): WhereOptions {
  const { target, field, withinClinic } = relation;
  const clinic = target.byAttribute.get('clinicId')?.field;
  const deletedAt = target.byAttribute.get('deletedAt')?.field;
  return {
    ...(withinClinic ? { [clinic!]: { [Op.eq]: col(`${child}.${clinic}`) } } : {}),
    [target.byAttribute.get('id')!.field]: { [Op.eq]: col(`${child}.${field}`) },
    ...(deletedAt && rows === 'living' ? { [deletedAt]: { [Op.is]: null } } : {}),
  } as WhereOptions;
}

const place = (bind: number) => literal(`$${bind}`);

/** Without length and scale: a cast to VARCHAR(5) or DECIMAL(4,1) would cut or round, silently. */
const arrayType = ({ sqlType }: ColumnDescription): string =>
  `${sqlType.replace(/^(VARCHAR|DECIMAL|NUMERIC)\(.*\)$/, '$1')}[]`;

const trimmed = (sql: string): string => sql.replace(/;\s*$/, '');

function compiled(sql: string): CompiledSql {
  const text = trimmed(sql);
  // Named after the whole text: equal names mean equal statements.
  return { text, name: `phi_${createHash('sha256').update(text).digest('hex').slice(0, 32)}` };
}

function toWhere(predicate: Predicate): WhereOptions {
  switch (predicate.kind) {
    case 'compare': {
      const { column, join } = predicate.comparison;
      // `$alias.field$` is Sequelize's way to name a column of another table.
      const name = join ? `$${join.alias}.${column.field}$` : column.field;
      return { [name]: toOperator(predicate.comparison) } as WhereOptions;
    }
    case 'not':
      return { [Op.not]: isEmpty(predicate.part) ? truth(true) : toWhere(predicate.part) } as WhereOptions;
    case 'and':
      return { [Op.and]: predicate.parts.filter((part) => !isEmpty(part)).map(toWhere) } as WhereOptions;
    case 'or':
      // Nothing is folded away: every bound value must stay in the text, or the server cannot tell its type.
      if (predicate.parts.length === 0) return truth(false);
      return { [Op.or]: predicate.parts.map((part) => (isEmpty(part) ? truth(true) : toWhere(part))) } as WhereOptions;
  }
}

function compareRows({ columns, operator, binds }: RowComparison, own: string): WhereOptions {
  const row = columns.map(({ field }) => `${own}"${field}"`).join(', ');
  return literal(`(${row}) ${operator} (${binds.map((bind) => `$${bind}`).join(', ')})`) as unknown as WhereOptions;
}

/** Sequelize drops an empty condition, wherever it stands: an OR without branches must be false, not absent. */
const truth = (value: boolean): WhereOptions => ({ [Op.and]: [literal(value ? 'TRUE' : 'FALSE')] }) as WhereOptions;

/** True when the predicate has no condition, and so always holds. */
function isEmpty(predicate: Predicate): boolean {
  return predicate.kind === 'and' && predicate.parts.every(isEmpty);
}

function toOperator({ column, operator, bind }: Comparison): object | null {
  switch (operator) {
    case 'null':
      return { [Op.is]: null };
    case 'notNull':
      return { [Op.not]: null };
    case 'any':
      return { [Op.eq]: literal(`ANY($${bind}::${arrayType(column)})`) };
    case 'none':
      return { [Op.ne]: literal(`ALL($${bind}::${arrayType(column)})`) };
    default:
      return { [OPERATORS[operator]]: place(bind) };
  }
}
