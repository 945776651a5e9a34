import { InvalidInputError } from '../../database.errors';
import { encodeValue } from '../../model/column-value';
import type { ColumnDescription, EntityDescription, RelationDescription } from '../../model/entity-description';
import { type Join, Joins } from './joins';
import { entriesOf } from '../plain-object';

/** Comparison of a column with bound values; `bind` is the place of the first one in the list of binds. */
export interface Comparison {
  readonly column: ColumnDescription;
  readonly operator:
    'eq' | 'ne' | 'any' | 'none' | 'lt' | 'lte' | 'gt' | 'gte' | 'like' | 'ilike' | 'within' | 'null' | 'notNull';
  readonly bind: number;
  /** The parent whose column it is; absent for the entity's own. */
  readonly join?: Join;
}

export type Predicate =
  | { readonly kind: 'compare'; readonly comparison: Comparison }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Predicate[] }
  | { readonly kind: 'not'; readonly part: Predicate };

const MAX_LIST = 10_000;
/** Conditions of one filter: each may bind a value, and the protocol counts those in 16 bits. */
const MAX_CONDITIONS = 1_000;
/** Levels of AND, OR and NOT inside each other. */
const MAX_DEPTH = 50;
const PLACES = { lt: 'lt', lte: 'lte', gt: 'gt', gte: 'gte' } as const;

const ALWAYS: Predicate = { kind: 'and', parts: [] };

/**
 * Reads a filter into a tree of comparisons (its shape) and the values to bind. Everything unknown is refused: an
 * operator that were ignored would widen the filter, and so would `undefined` (unit-of-work §3).
 */
export class Filter {
  /** Values in the order of their placeholders. */
  readonly binds: unknown[] = [];
  readonly predicate: Predicate;
  /** The complete shape as text: two filters share it only when they share the SQL. */
  readonly shape: string;
  /** Parents that are filtered by; undefined when there are none. */
  joins?: Joins;
  private conditions = 0;
  /** Where the clause that is being read stands: the entity itself, or one of its parents. */
  private join?: Join;

  constructor(
    private entity: EntityDescription,
    where: unknown,
  ) {
    this.predicate = where === undefined ? ALWAYS : this.readClause(where, 0);
    this.shape = describe(this.predicate);
  }

  private readClause(clause: unknown, depth: number): Predicate {
    const entries = entriesOf(clause);
    if (!entries) throw this.refuse('where', 'an object whose keys are its own, and are names');
    this.countCondition();
    if (depth > MAX_DEPTH) throw this.refuse('where', `nested at most ${MAX_DEPTH} levels deep`);
    const parts: Predicate[] = [];
    for (const [key, value] of entries) {
      if (key === 'AND' || key === 'OR') {
        if (!Array.isArray(value)) throw this.refuse(key, 'a list of conditions');
        parts.push({
          kind: key === 'AND' ? 'and' : 'or',
          // Array.from, here and below: a hole is refused, not skipped.
          parts: Array.from(value, (part) => this.readClause(part, depth + 1)),
        });
      } else if (key === 'NOT') {
        parts.push({ kind: 'not', part: this.readClause(value, depth + 1) });
      } else {
        const column = this.entity.byAttribute.get(key);
        if (column) parts.push(...this.readAttribute(column, value));
        else parts.push(this.readRelation(this.relation(key), value, depth));
      }
    }
    return { kind: 'and', parts };
  }

  private relation(key: string): RelationDescription {
    const { name, byAttribute, relations } = this.entity;
    const relation = relations.get(key);
    if (relation) return relation;
    throw new InvalidInputError(
      `${name} has no such attribute to filter by`,
      `Use one of ${[...byAttribute.keys(), ...relations.keys()].join(', ')}.`,
      { entity: name },
    );
  }

  /**
   * There is a parent, and the clause holds of it; null: there is none. The first half is said in SQL, so that a row
   * without parent answers false, not null, and NOT finds it.
   */
  private readRelation(relation: RelationDescription, clause: unknown, depth: number): Predicate {
    if (clause === undefined) {
      throw this.refuse(
        relation.name,
        'an object or null: undefined would widen the filter; leave it out, or use null',
      );
    }
    const { entity, join: child } = this;
    this.joins ??= new Joins(entity);
    this.entity = relation.target;
    this.join = this.joins.follow(child, relation);
    const parent = this.leaf(this.entity.byAttribute.get('id')!, clause === null ? 'null' : 'notNull');
    const parts = clause === null ? [parent] : [parent, this.readClause(clause, depth + 1)];
    this.entity = entity;
    this.join = child;
    return { kind: 'and', parts };
  }

  private readAttribute(column: ColumnDescription, value: unknown): Predicate[] {
    const isOperators =
      typeof value === 'object' &&
      value !== null &&
      !(value instanceof Date) &&
      !Array.isArray(value) &&
      !Buffer.isBuffer(value);
    if (!isOperators) return [this.compare(column, 'eq', value)];
    const operators = entriesOf(value);
    if (!operators?.length) throw this.refuse(column.attribute, 'compared by an operator');
    return operators.map(([operator, operand]) => this.compare(column, operator, operand));
  }

  private compare(column: ColumnDescription, operator: string, operand: unknown): Predicate {
    if (operand === undefined) {
      throw this.refuse(
        column.attribute,
        'compared with a value: undefined would widen the filter; leave it out, or use null',
      );
    }
    switch (operator) {
      case 'eq':
      case 'ne':
        if (operand === null) return this.leaf(column, operator === 'eq' ? 'null' : 'notNull');
        return this.leaf(column, operator, this.bound(column, operand));
      case 'in':
      case 'notIn':
        return this.leaf(column, operator === 'in' ? 'any' : 'none', this.list(column, operand));
      case 'lt':
      case 'lte':
      case 'gt':
      case 'gte':
        return this.leaf(column, PLACES[operator], this.bound(column, operand));
      case 'between': {
        if (!Array.isArray(operand) || operand.length !== 2) throw this.refuse(column.attribute, 'between two values');
        const [low, high] = Array.from(operand, (bound) => this.bound(column, bound));
        return { kind: 'and', parts: [this.leaf(column, 'gte', low), this.leaf(column, 'lte', high)] };
      }
      case 'like':
      case 'ilike':
        return this.leaf(column, operator, this.wholePattern(column, operand));
      case 'isNull':
        if (typeof operand !== 'boolean') throw this.refuse(column.attribute, 'isNull: true or false');
        return this.leaf(column, operand ? 'null' : 'notNull');
      case 'contains':
        if (column.kind === 'json') return this.leaf(column, 'within', this.bound(column, operand));
        return this.leaf(column, 'ilike', `%${this.pattern(column, operand).replace(/[\\%_]/g, '\\$&')}%`);
      default:
        throw this.refuse(
          column.attribute,
          'compared by eq, ne, in, notIn, lt, lte, gt, gte, between, like, ilike, isNull or contains',
        );
    }
  }

  private list(column: ColumnDescription, operand: unknown): unknown[] {
    if (!Array.isArray(operand) || operand.length > MAX_LIST)
      throw this.refuse(column.attribute, `in a list of at most ${MAX_LIST} values`);
    return Array.from(operand, (item) => this.bound(column, item));
  }

  private bound(column: ColumnDescription, operand: unknown): unknown {
    if (operand === null || operand === undefined)
      throw this.refuse(column.attribute, 'compared with values; use isNull for null');
    // A decimal may be compared with a finer one than its column holds.
    return encodeValue(this.entity.name, column.digits ? { ...column, digits: undefined } : column, operand);
  }

  private pattern(column: ColumnDescription, operand: unknown): string {
    if (column.kind !== 'text' || operand === null)
      throw this.refuse(column.attribute, 'text to be matched by a pattern');
    // A pattern may be longer than the column: wildcards take room.
    return encodeValue(this.entity.name, { ...column, maxLength: undefined }, operand) as string;
  }

  /** A pattern that ends in its escape: the server refuses it only once a row gets so far, and so by the data. */
  private wholePattern(column: ColumnDescription, operand: unknown): string {
    const pattern = this.pattern(column, operand);
    if (/(?<!\\)(\\\\)*\\$/.test(pattern))
      throw this.refuse(column.attribute, 'matched by a pattern whose last \\ escapes something');
    return pattern;
  }

  private leaf(column: ColumnDescription, operator: Comparison['operator'], value?: unknown): Predicate {
    this.countCondition();
    const bind = value === undefined ? 0 : this.binds.push(value);
    return { kind: 'compare', comparison: { column, operator, bind, join: this.join } };
  }

  private countCondition(): void {
    this.conditions += 1;
    if (this.conditions > MAX_CONDITIONS)
      throw this.refuse('where', `made of at most ${MAX_CONDITIONS} conditions; use in for a list`);
  }

  private refuse(attribute: string, allowed: string): InvalidInputError {
    return new InvalidInputError(`${this.entity.name}.${attribute} must be ${allowed}`, 'Correct the filter.', {
      entity: this.entity.name,
      attribute,
    });
  }
}

function describe(predicate: Predicate): string {
  switch (predicate.kind) {
    case 'compare': {
      const { column, operator, join } = predicate.comparison;
      const own = `${column.attribute} ${operator}`;
      return join ? `${join.path}.${own}` : own;
    }
    case 'not':
      return `not(${describe(predicate.part)})`;
    default:
      return `${predicate.kind}(${predicate.parts.map(describe).join(',')})`;
  }
}
