import { InvalidInputError } from '../../database.errors';
import type { EntityDescription } from '../../model/entity-description';
import { requireUuid } from '../write/input';

/** Ids of one findByIds. */
const MAX_IDS = 10_000;

/**
 * Reads a list of ids.
 * @returns Each id once, in lower case, in the order of first mention.
 * @throws InvalidInputError unless it is a list of at most 10,000 UUIDs.
 */
export function readIds(entity: EntityDescription, ids: unknown): string[] {
  if (!Array.isArray(ids) || ids.length > MAX_IDS) {
    throw new InvalidInputError(
      `${entity.name}: findByIds takes a list of at most ${MAX_IDS} ids`,
      'Pass the ids as an array, in several calls if they are more.',
      { entity: entity.name, attribute: 'id' },
    );
  }
  const distinct = new Set<string>();
  // By index: a hole in the list must be refused, not skipped.
  for (let at = 0; at < ids.length; at += 1) {
    const id: unknown = ids[at];
    requireUuid(entity, id);
    distinct.add(id.toLowerCase());
  }
  return [...distinct];
}
