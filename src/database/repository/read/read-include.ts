import { InvalidInputError } from '../../database.errors';
import type { ColumnDescription, EntityDescription } from '../../model/entity-description';
import { type Join, Joins } from '../statement/joins';
import { entriesOf } from '../plain-object';

/**
 * Reads what to include into joins.
 * @param joins Those that the filter needs, which are used again.
 * @returns The joins of the statement; undefined when there are none.
 * @throws InvalidInputError for an unknown relation or attribute, an empty projection, or more than five levels.
 */
export function readInclude(entity: EntityDescription, include: unknown, joins: Joins | undefined): Joins | undefined {
  if (include === undefined) return joins;
  const all = joins ?? new Joins(entity);
  readLevel(entity, include, all);
  return all.all.length > 0 ? all : undefined;
}

function readLevel(entity: EntityDescription, include: unknown, joins: Joins, from?: Join): void {
  for (const [name, option] of ownEntries(entity, include)) {
    const relation = entity.relations.get(name);
    if (!relation) {
      const names = [...entity.relations.keys()].join(', ');
      throw refuse(entity, `include takes relations only: ${names || 'this entity has none'}`);
    }
    const join = joins.follow(from, relation);
    const { target } = relation;
    if (option === true) {
      join.columns = target.columns;
      continue;
    }
    const asked: { select?: unknown; include?: unknown } = Object.fromEntries(ownEntries(entity, option));
    if (Object.keys(asked).some((key) => key !== 'select' && key !== 'include'))
      throw refuse(entity, 'an included relation takes select and include only');
    join.columns = projection(target, asked.select);
    if (asked.include !== undefined) readLevel(target, asked.include, joins, join);
  }
}

/**
 * The columns that `select` names; all when it is undefined.
 * @throws InvalidInputError for an unknown attribute, or none.
 */
export function projection(entity: EntityDescription, select: unknown): readonly ColumnDescription[] {
  if (select === undefined) return entity.columns;
  if (!Array.isArray(select) || select.length === 0)
    throw refuse(entity, 'select takes a list of at least one attribute');
  // Array.from: a hole is refused, not skipped.
  return Array.from(select, (attribute) => knownColumn(entity, attribute, 'select'));
}

/** The column of an attribute. @throws InvalidInputError */
export function knownColumn(entity: EntityDescription, attribute: unknown, part: string): ColumnDescription {
  const column = entity.byAttribute.get(attribute as string);
  if (column) return column;
  throw refuse(entity, `${part} takes attributes of ${entity.name}: ${[...entity.byAttribute.keys()].join(', ')}`);
}

function ownEntries(entity: EntityDescription, value: unknown): [string, unknown][] {
  const entries = entriesOf(value);
  if (entries) return entries;
  throw refuse(entity, 'include takes an object whose values are true, or objects with select and include');
}

function refuse(entity: EntityDescription, rule: string): InvalidInputError {
  return new InvalidInputError(`${entity.name}: ${rule}`, 'Correct the criteria.', { entity: entity.name });
}
