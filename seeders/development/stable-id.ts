import { v5 as uuidv5 } from 'uuid';

/** Namespace of the ids that seeds make (RFC 9562, version 5). */
const NAMESPACE = '8f1c0e64-3a0b-5d0e-9a54-6d0d6f5e5eed';

/**
 * The id of a seeded row: made from what the row is, so that every run makes the same one and finds it again.
 * @param parts For example clinic, entity, number of the student, place in the history.
 */
export function stableId(...parts: readonly (string | number)[]): string {
  return uuidv5(JSON.stringify(parts), NAMESPACE);
}
