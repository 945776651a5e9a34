import type { Comparison, Filter, Predicate } from '../statement/filter';

/** What is known of a condition without looking at a row. */
type Truth = 'always' | 'never' | 'depends';

/**
 * True when a filter lets every row through: no condition at all, however it is written (`{}`, `{ OR: [{}] }`,
 * `{ NOT: { OR: [] } }`), a list that excludes nothing, a required value that is not null, or a pattern of wildcards.
 * These are what is left of a filter whose values got lost; it knows no arithmetic.
 */
export function alwaysHolds({ predicate, binds }: Pick<Filter, 'predicate' | 'binds'>): boolean {
  return truthOf(predicate, binds) === 'always';
}

function truthOf(predicate: Predicate, binds: readonly unknown[]): Truth {
  switch (predicate.kind) {
    case 'compare':
      return truthOfComparison(predicate.comparison, binds);
    case 'not':
      return opposite(truthOf(predicate.part, binds));
    case 'and':
      return folded(predicate.parts, binds, 'never', 'always');
    case 'or':
      return folded(predicate.parts, binds, 'always', 'never');
    default:
      return 'depends';
  }
}

const opposite = (truth: Truth): Truth => (truth === 'always' ? 'never' : truth === 'never' ? 'always' : 'depends');

/** @param decides The truth of one part that settles the whole. @param neutral The truth of no part at all. */
function folded(parts: readonly Predicate[], binds: readonly unknown[], decides: Truth, neutral: Truth): Truth {
  const truths = parts.map((part) => truthOf(part, binds));
  if (truths.includes(decides)) return decides;
  return truths.every((truth) => truth === neutral) ? neutral : 'depends';
}

function truthOfComparison({ column, operator, bind, join }: Comparison, binds: readonly unknown[]): Truth {
  // A parent may be missing, whatever its column says.
  const required = !column.nullable && join === undefined;
  const value = bind > 0 ? binds[bind - 1] : undefined;
  switch (operator) {
    case 'notNull':
      return required ? 'always' : 'depends';
    case 'null':
      return required ? 'never' : 'depends';
    case 'none':
      return isEmptyList(value) ? 'always' : 'depends';
    case 'any':
      return isEmptyList(value) ? 'never' : 'depends';
    case 'like':
    case 'ilike':
      return required && /^%+$/.test(value as string) ? 'always' : 'depends';
    default:
      return 'depends';
  }
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
