import { InvalidInputError } from '../../database.errors';
import { encodeValue } from '../../model/column-value';
import type { EntityDescription } from '../../model/entity-description';
import { Filter } from '../statement/filter';

/** Attributes of a natural key and their values, as they are bound. */
export type KeyValues = Readonly<Record<string, unknown>>;

/**
 * Reads the filter of an upsert. Only equality on values can also be written: anything else would find a row by one
 * thing and create it with another.
 * @throws InvalidInputError for no condition, another operator, null, or an attribute that nobody sets.
 */
export function readNaturalKey(entity: EntityDescription, where: unknown): KeyValues {
  const refuse = (rule: string, attribute?: string): never => {
    throw new InvalidInputError(
      `${entity.name}: the key of an upsert ${rule}`,
      'Pass the attributes that name one row, each with its value.',
      { entity: entity.name, ...(attribute ? { attribute } : {}) },
    );
  };
  const { predicate, binds } = new Filter(entity, where);
  const parts = predicate.kind === 'and' ? predicate.parts : [];
  if (parts.length === 0) refuse('is empty');
  const key: Record<string, unknown> = {};
  for (const part of parts) {
    if (part.kind !== 'compare' || part.comparison.operator !== 'eq')
      return refuse('is more than equality with values');
    const { column, bind } = part.comparison;
    if (column.managed) refuse('names an attribute that is kept by the database', column.attribute);
    if (column.kind === 'json' || column.kind === 'binary') refuse('names a document', column.attribute);
    if (column.attribute in key) refuse('names an attribute twice', column.attribute);
    key[column.attribute] = binds[bind - 1];
  }
  return key;
}

/**
 * What an upsert would create: the input, with the key where it leaves it out.
 * @throws InvalidInputError when the input contradicts the key: the row would not be found the next time.
 */
export function withKey(entity: EntityDescription, input: object, key: KeyValues): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...input };
  for (const [attribute, wanted] of Object.entries(key)) {
    const given = merged[attribute];
    const encoded = given === undefined ? wanted : encodeValue(entity.name, entity.byAttribute.get(attribute)!, given);
    if (encoded !== wanted) {
      throw new InvalidInputError(
        `${entity.name}.${attribute} differs between the key and the input of the upsert`,
        'Leave it out of the input.',
        { entity: entity.name, attribute },
      );
    }
    merged[attribute] = wanted;
  }
  return merged;
}
