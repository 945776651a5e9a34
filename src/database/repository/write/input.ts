import type { ExecutionContext } from '../../context/execution-context';
import { isUuid } from '../../context/execution-context';
import { InvalidInputError, NotNullViolationError } from '../../database.errors';
import { encodeValue } from '../../model/column-value';
import type { ColumnDescription, EntityDescription } from '../../model/entity-description';

/** Columns to set, and their values as they are bound, in the same order. */
export interface ColumnValues {
  readonly columns: readonly ColumnDescription[];
  readonly values: readonly unknown[];
}

/** The columns that an insert sets; the rest is filled by the database. */
export function insertedColumns(entity: EntityDescription): readonly ColumnDescription[] {
  return entity.columns.filter((column) => !column.filledByDatabase);
}

/** @throws InvalidInputError unless `id` is a UUID. */
export function requireUuid(entity: EntityDescription, id: unknown): asserts id is string {
  if (!isUuid(id)) {
    throw new InvalidInputError(`${entity.name}.id must be a UUID`, 'Pass the id as it was returned by create.', {
      entity: entity.name,
      attribute: 'id',
    });
  }
}

/**
 * Reads the version that a caller expects. An object would be read as operators, and `{ gte: 0 }` fits every version.
 * @throws InvalidInputError unless it is undefined or a whole number.
 */
export function readVersion(entity: EntityDescription, expectedVersion: unknown): number | undefined {
  if (expectedVersion === undefined || Number.isSafeInteger(expectedVersion)) return expectedVersion as undefined;
  throw new InvalidInputError(
    `${entity.name}: expectedVersion must be a whole number`,
    'Pass the version of the row as it was read.',
    { entity: entity.name, attribute: 'version' },
  );
}

/**
 * Checks the input of a create and gives the values to bind, in the order of `columns`.
 * @throws InvalidInputError for an unknown attribute or a value that does not fit.
 * @throws NotNullViolationError for a missing required attribute.
 */
export function encodeInsert(
  entity: EntityDescription,
  columns: readonly ColumnDescription[],
  input: object,
  context: ExecutionContext,
): unknown[] {
  const given = (input ?? {}) as Record<string, unknown>;
  refuseUnknown(entity, given, (column) => !column.managed);
  return columns.map((column) => {
    const value = isActor(column) ? actorId(context) : givenOrDefault(given[column.attribute], column);
    if (value === null && !column.nullable) {
      throw new NotNullViolationError(`${entity.name}.${column.attribute} is required`, 'Give the attribute a value.', {
        entity: entity.name,
        attribute: column.attribute,
      });
    }
    return encodeValue(entity.name, column, value);
  });
}

/** The default is for what is missing: an explicit null stays null, and a required column refuses it. */
function givenOrDefault(value: unknown, column: ColumnDescription): unknown {
  return value === undefined ? (column.makeDefault?.() ?? null) : value;
}

/**
 * Checks the input of an update. Keys whose value is `undefined` are left out.
 * @returns The columns to set and their values, the actor's included.
 * @throws InvalidInputError for an unknown or managed attribute, a value that does not fit, or nothing to change.
 */
export function encodePatch(entity: EntityDescription, patch: object, context: ExecutionContext): ColumnValues {
  const given = Object.fromEntries(Object.entries(patch ?? {}).filter(([, value]) => value !== undefined));
  refuseUnknown(entity, given, (column) => !column.managed && column.attribute !== 'id');
  const columns = entity.columns.filter((column) => column.attribute in given);
  if (columns.length === 0) {
    throw new InvalidInputError(`${entity.name}: nothing to update`, 'Pass at least one attribute.', {
      entity: entity.name,
    });
  }
  const values = columns.map((column) => {
    if (given[column.attribute] === null && !column.nullable) {
      throw new NotNullViolationError(
        `${entity.name}.${column.attribute} is required`,
        'Leave it out, or give it a value.',
        {
          entity: entity.name,
          attribute: column.attribute,
        },
      );
    }
    return encodeValue(entity.name, column, given[column.attribute]);
  });
  return withActor(entity, columns, values, context);
}

/** Adds who wrote. */
export function withActor(
  entity: EntityDescription,
  columns: ColumnDescription[],
  values: unknown[],
  context: ExecutionContext,
): ColumnValues {
  const updatedBy = entity.byAttribute.get('updatedBy');
  return updatedBy ? { columns: [...columns, updatedBy], values: [...values, actorId(context)] } : { columns, values };
}

function isActor(column: ColumnDescription): boolean {
  return column.attribute === 'createdBy' || column.attribute === 'updatedBy';
}

/** `system` and its like are in the audit trail; the columns hold users' ids. */
function actorId(context: ExecutionContext): string | null {
  return isUuid(context.userId) ? context.userId : null;
}

function refuseUnknown(
  entity: EntityDescription,
  given: Record<string, unknown>,
  allowed: (column: ColumnDescription) => boolean,
): void {
  for (const [attribute, value] of Object.entries(given)) {
    const column = entity.byAttribute.get(attribute);
    if (value === undefined || (column && allowed(column))) continue;
    const names = entity.columns.filter(allowed).map((known) => known.attribute);
    throw new InvalidInputError(
      // A known name may be shown; an unknown one is the caller's text.
      column
        ? `${entity.name}.${attribute} is kept by the database and cannot be set`
        : `${entity.name} has no such attribute`,
      `Pass only ${names.join(', ')}.`,
      { entity: entity.name, ...(column ? { attribute } : {}) },
    );
  }
}
