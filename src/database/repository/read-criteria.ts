import { InvalidInputError } from '../database.errors';

const KEYS = ['where', 'orderBy', 'pagination', 'select'];

/** Refuses what a criteria object does not know: a key that were ignored would widen the result (D20). */
export function readCriteria<C extends object>(entity: string, criteria: C): C {
  const unknown = Object.keys(criteria).filter((key) => !KEYS.includes(key));
  if (unknown.length > 0) {
    throw new InvalidInputError(`${entity}: criteria take ${KEYS.join(', ')} only`, 'Put conditions under where.', { entity });
  }
  return criteria;
}
