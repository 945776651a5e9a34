import type { Row } from '../../connection/statement';
import { InvalidInputError } from '../../database.errors';
import { type ColumnValues, encodeInsert, encodePatch, insertedColumns } from './input';
import { changeRow } from './change-row';
import { readNaturalKey, withKey } from './natural-key';
import type { WriteCall } from './write-call';
import type { UpsertResult } from './write-options';

/** How often a row that somebody else was first to store is looked for again. */
const ATTEMPTS = 3;

/** The hooks, which refuse by a throw. */
export interface UpsertHooks<T> {
  readonly judgeCreate: (input: object) => Promise<void> | void;
  readonly judgeUpdate: (id: string, patch: object, current: T) => Promise<void> | void;
}

/**
 * Changes the row with this natural key, or creates it. The row's id is found before anything is written, under a
 * lock, so that what is bound to the row is made for the right one. A race lost against a create costs no error: the
 * insert steps back from a row that is there (ON CONFLICT DO NOTHING), which leaves the transaction usable and, where the
 * snapshot hides that row (REPEATABLE READ and above), is a serialisation failure of the server, to be retried as a whole.
 * @throws InvalidInputError when several rows match, and for what create refuses.
 * @throws UniqueViolationError when a row with another key stands in the way.
 */
export async function upsertRow<T>(
  call: WriteCall<T>,
  where: unknown,
  data: object,
  hooks: UpsertHooks<T>,
): Promise<UpsertResult<T>> {
  const { operation, actor } = call;
  const { entity, statements } = call.parts;
  const key = readNaturalKey(entity, where);
  const input = withKey(entity, data, key);
  // Judged whether the row is there or not: an input that fits only sometimes would be found out too late.
  const values = encodeInsert(entity, insertedColumns(entity), input, actor);
  const { id: _id, ...patch } = Object.fromEntries(
    Object.entries(input).filter(([attribute, value]) => value !== undefined && !(attribute in key)),
  );
  const set = Object.keys(patch).length > 0 ? encodePatch(entity, patch, actor) : undefined;

  // Upserts of one key take turns: no index may cover it, and then nothing else would keep them from creating two rows.
  const turn = JSON.stringify([entity.name, actor.clinicId, Object.entries(key).toSorted()]);

  return call.together<UpsertResult<T>>(async () => {
    for (let attempt = 1; ; attempt += 1) {
      const [found, another] = await call.readInTurn(turn, { where: key, limit: 2, lock: true });
      if (another && attempt === 1) return severalRows(entity.name);
      // Thrown inside: a hook has run, and what it wrote must not stay.
      if (another) throw severalRows(entity.name);
      if (found) return { entity: await change(call, found, patch, set, hooks), created: false };
      if (attempt === 1) await hooks.judgeCreate(input);
      // The last attempt asks for the error, which names the constraint.
      const [created] = (await call.store(statements.insert(operation, values, attempt < ATTEMPTS))).entities;
      if (created) return { entity: created, created: true };
    }
  });
}

/** With nothing to set beside the key, the row is answered as it is. */
async function change<T>(
  call: WriteCall<T>,
  row: Row,
  patch: object,
  set: ColumnValues | undefined,
  { judgeUpdate }: UpsertHooks<T>,
): Promise<T> {
  const current = call.parts.toEntity(row);
  if (!set) return current;
  const id = row.id as string;
  await judgeUpdate(id, patch, current);
  return changeRow(call, { id, expectedVersion: undefined }, set);
}

function severalRows(entity: string): InvalidInputError {
  return new InvalidInputError(
    `${entity}: several rows match the key of the upsert`,
    'Use attributes that a unique index covers.',
    { entity },
  );
}
