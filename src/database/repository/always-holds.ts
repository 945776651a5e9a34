import type { ColumnDescription } from '../model/entity-description';
import type { Comparison, Filter, Predicate } from './filter';

/** What is known of a condition without looking at a row. */
type Truth = 'always' | 'never' | 'depends';

const OPPOSITE: Partial<Record<Comparison['operator'], Comparison['operator']>> = {
  eq: 'ne',
  ne: 'eq',
  lt: 'gte',
  gte: 'lt',
  gt: 'lte',
  lte: 'gt',
  any: 'none',
  none: 'any',
  null: 'notNull',
  notNull: 'null',
};

/** A comparison with its value. */
interface Leaf {
  readonly column: ColumnDescription;
  /** Also where the column is not: a parent may be missing. */
  readonly nullable: boolean;
  /** What is compared, as text: the column, and whose it is. */
  readonly subject: string;
  readonly operator: Comparison['operator'];
  readonly value: unknown;
}

/**
 * True when a filter lets every row through: no condition at all, however it is written (`{}`, `{ OR: [{}] }`,
 * `{ NOT: { OR: [] } }`), a list that excludes nothing, a pattern of wildcards, or branches that complete each other.
 * It knows constants, not arithmetic: `version: { gt: -5 }` passes for a condition.
 */
export function alwaysHolds({ predicate, binds }: Pick<Filter, 'predicate' | 'binds'>): boolean {
  return truthOf(predicate, binds) === 'always';
}

function truthOf(predicate: Predicate, binds: readonly unknown[]): Truth {
  switch (predicate.kind) {
    case 'compare':
      return truthOfLeaf(leafOf(predicate.comparison, binds));
    case 'not':
      return opposite(truthOf(predicate.part, binds));
    case 'and': {
      const truths = predicate.parts.map((part) => truthOf(part, binds));
      if (truths.includes('never')) return 'never';
      return truths.every((truth) => truth === 'always') ? 'always' : 'depends';
    }
    case 'or': {
      const truths = predicate.parts.map((part) => truthOf(part, binds));
      if (truths.includes('always') || completeEachOther(predicate.parts, binds)) return 'always';
      return truths.every((truth) => truth === 'never') ? 'never' : 'depends';
    }
    default:
      return 'depends';
  }
}

const opposite = (truth: Truth): Truth => (truth === 'always' ? 'never' : truth === 'never' ? 'always' : 'depends');

/** Of a comparison that is null for null, only the half that null does not touch is known. */
function truthOfLeaf(leaf: Leaf): Truth {
  const { column, nullable, operator, value } = leaf;
  switch (operator) {
    case 'notNull':
      return nullable ? 'depends' : 'always';
    case 'null':
      return nullable ? 'depends' : 'never';
    // Also for null: nothing is compared.
    case 'none':
      return isEmptyList(value) ? 'always' : 'depends';
    case 'any':
      return isEmptyList(value) ? 'never' : !nullable && coversAll(column, value) ? 'always' : 'depends';
    case 'like':
    case 'ilike':
      return !nullable && /^%+$/.test(value as string) ? 'always' : 'depends';
    default:
      return 'depends';
  }
}

/** `{ OR: [{ grade: null }, { grade: { ne: null } }] }`, and what else leaves no value of one column out. */
function completeEachOther(parts: readonly Predicate[], binds: readonly unknown[]): boolean {
  const all = parts.flatMap((part) => branchesOf(part, binds));
  return [...new Set(all.map(({ subject }) => subject))].some((subject) => {
    const leaves = all.filter((leaf) => leaf.subject === subject);
    const has = (operator: Comparison['operator']): boolean => leaves.some((leaf) => leaf.operator === operator);
    if (has('notNull')) return has('null');
    const conditions = new Set(leaves.map(({ operator, value }) => describe(operator, value)));
    const everyValue = leaves.some(({ column, operator, value }) => {
      const other = OPPOSITE[operator];
      return (other && conditions.has(describe(other, value))) || (operator === 'any' && coversAll(column, value));
    });
    return everyValue && (!leaves[0]!.nullable || has('null'));
  });
}

/** The comparisons of which one is enough. */
function branchesOf(predicate: Predicate, binds: readonly unknown[]): Leaf[] {
  const bare = unwrapped(predicate);
  if (bare.kind === 'or') return bare.parts.flatMap((part) => branchesOf(part, binds));
  if (bare.kind === 'compare') return [leafOf(bare.comparison, binds)];
  if (bare.kind !== 'not') return [];
  const denied = unwrapped(bare.part);
  if (denied.kind === 'not') return branchesOf(denied.part, binds);
  if (denied.kind !== 'compare') return [];
  const leaf = leafOf(denied.comparison, binds);
  const operator = OPPOSITE[leaf.operator];
  return operator ? [canonical({ ...leaf, operator })] : [];
}

/** Without the AND or OR around a single condition. */
function unwrapped(predicate: Predicate): Predicate {
  if (predicate.kind === 'compare' || predicate.kind === 'not' || predicate.parts.length !== 1) return predicate;
  return unwrapped(predicate.parts[0]!);
}

function leafOf({ column, operator, bind, join }: Comparison, binds: readonly unknown[]): Leaf {
  return canonical({
    column,
    nullable: column.nullable || join !== undefined,
    subject: join ? `${join.alias}.${column.attribute}` : column.attribute,
    operator,
    value: bind > 0 ? binds[bind - 1] : undefined,
  });
}

/** What is not false is true. */
function canonical(leaf: Leaf): Leaf {
  const { operator, value } = leaf;
  if (value !== false || (operator !== 'eq' && operator !== 'ne')) return leaf;
  return { ...leaf, operator: OPPOSITE[operator]!, value: true };
}

const describe = (operator: string, value: unknown): string => `${operator} ${JSON.stringify(value)}`;

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

/** True for a list of all values that the column may hold. */
function coversAll({ kind, values }: ColumnDescription, list: unknown): boolean {
  const all: readonly unknown[] | undefined = kind === 'boolean' ? [true, false] : values;
  return all !== undefined && all.every((value) => (list as unknown[]).includes(value));
}
