import { InvalidInputError } from '../../database.errors';
import { entriesOf, isPlainObject } from '../plain-object';

const KEYS = ['where', 'orderBy', 'select', 'include'];
const PAGE_KEYS = ['page', 'limit', 'total'];

/**
 * Refuses what criteria do not know: a key that were ignored would widen the result (D20).
 * @param paged True where the method reads page by page.
 * @throws InvalidInputError
 */
export function readCriteria<C extends object>(entity: string, criteria: C, paged = false): C {
  const keys = paged ? [...KEYS, 'pagination'] : KEYS;
  const refuse = (rule: string): never => {
    throw new InvalidInputError(`${entity}: ${rule}`, 'Correct the criteria; findMany reads page by page.', { entity });
  };
  if (!hasOnly(criteria, keys)) refuse(`criteria take ${keys.join(', ')} only`);
  // As for undefined inside it: it would find every row, and findOne any patient.
  if ('where' in criteria && criteria.where === undefined) refuse('where is undefined; leave it out, or pass a filter');
  const { select, include, pagination } = criteria as { select?: unknown; include?: unknown; pagination?: unknown };
  if (select !== undefined && !Array.isArray(select)) refuse('select takes a list of attributes');
  if (include !== undefined && !isPlainObject(include)) refuse('include takes an object of relations');
  if (pagination !== undefined && !hasOnly(pagination, PAGE_KEYS))
    refuse(`pagination takes ${PAGE_KEYS.join(', ')} only`);
  return criteria;
}

function hasOnly(value: unknown, keys: readonly string[]): boolean {
  return entriesOf(value)?.every(([key]) => keys.includes(key)) ?? false;
}
