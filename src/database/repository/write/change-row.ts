import { ConflictError, InvalidInputError, NotFoundError } from '../../database.errors';
import type { SelectRequest } from '../statement/entity-statements';
import { encodePatch, type ColumnValues } from './input';
import type { WriteCall } from './write-call';

/** Which row to change. */
export interface RowToChange {
  readonly id: string;
  readonly expectedVersion: number | undefined;
  /** Which rows count; default the living. */
  readonly rows?: SelectRequest['rows'];
}

/**
 * Changes one row in one statement.
 * @throws NotFoundError, or ConflictError when `expectedVersion` no longer holds.
 */
export async function changeRow<T>(
  call: WriteCall<T>,
  { id, expectedVersion, rows }: RowToChange,
  set: ColumnValues,
): Promise<T> {
  const { entityName, statements } = call.parts;
  const where = expectedVersion === undefined ? { id } : { id, version: expectedVersion };
  const [entity] = (await call.store(statements.update(call.operation, set, { where, rows }))).entities;
  if (entity) return entity;
  if (expectedVersion === undefined) throw new NotFoundError(entityName, id);
  const [current] = await call.read({ where: { id }, rows, select: ['id'] });
  throw current ? new ConflictError(entityName) : new NotFoundError(entityName, id);
}

/**
 * Reads a row under a lock and changes it: nobody else can change it in between, so nothing is lost, with or without
 * a version (D21).
 * @param patchOf Makes the patch of the locked row; null leaves it as it is.
 * @param judge Refuses the patch by a throw.
 * @throws NotFoundError, or ConflictError when `expectedVersion` no longer holds; neither function was run then.
 */
export async function changeLockedRow<T>(
  call: WriteCall<T>,
  { id, expectedVersion }: RowToChange,
  patchOf: (current: T) => object | null | Promise<object | null>,
  judge: (patch: object, current: T) => Promise<void> | void,
): Promise<T> {
  const { entity, entityName, toEntity } = call.parts;
  return call.together<T>(async () => {
    const [row] = await call.read({ where: { id }, lock: true });
    if (!row) return new NotFoundError(entityName, id);
    if (expectedVersion !== undefined && row.version !== expectedVersion) return new ConflictError(entityName);
    const current = toEntity(row);
    const patch: unknown = await patchOf(current);
    if (patch === null) return current;
    if (typeof patch !== 'object') {
      throw new InvalidInputError(
        `${entity.name}: the function of the update made no patch`,
        'Return the attributes to set, or null to leave the row as it is.',
        { entity: entity.name },
      );
    }
    const set = encodePatch(entity, patch, call.actor);
    await judge(patch, current);
    // Without the version: the row is locked, and what ran meanwhile in this unit may have written to it.
    return changeRow(call, { id, expectedVersion: undefined }, set);
  });
}
