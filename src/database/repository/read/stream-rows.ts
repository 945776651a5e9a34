import type { Row } from '../../connection/statement';
import { InvalidInputError } from '../../database.errors';
import { CALL_OPTIONS, readCallOptions } from '../call-options';
import type { QueryOptions, RowCriteria } from '../criteria';
import type { Reader } from './find-page';
import { type Boundary, keysOf, withoutKeys } from './keyset';
import { readCriteria } from './read-criteria';

/** How a stream reads. */
export interface StreamOptions extends QueryOptions {
  /** Rows of one statement, 1 to 1,000, default 500. */
  readonly batchSize?: number;
  /** Ends the stream: the next step throws the reason of the signal. */
  readonly signal?: AbortSignal;
}

const DEFAULT_BATCH = 500;
const MAX_BATCH = 1_000;

/**
 * Reads rows chunk by chunk, each from where the last one ended. Between two chunks nothing is open: whoever stops leaves
 * nothing behind, and a slow reader holds no connection outside a unit of work.
 * @param within Runs a step where the stream was asked for.
 * @throws InvalidInputError for criteria or options that cannot be read, the reason of `signal` once it is aborted.
 */
export async function* streamRows<E>(
  entity: string,
  { statements, runtime }: Reader,
  criteria: RowCriteria<object, never>,
  options: StreamOptions,
  within: <R>(step: () => R) => R,
  toEntity: (row: Row) => E,
): AsyncGenerator<E, void, undefined> {
  readCallOptions(`${entity}.stream`, options, [...CALL_OPTIONS, 'batchSize', 'signal']);
  // Who acts is settled already: by the place where the stream was asked for.
  const { batchSize = DEFAULT_BATCH, signal, context: _context, ...call } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > MAX_BATCH)
    throw refuse(entity, `batchSize must be a whole number from 1 to ${MAX_BATCH}`);
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw refuse(entity, 'signal must be an AbortSignal');
  const { where, orderBy, select, include } = readCriteria(entity, criteria);
  const query = { where, orderBy, select, include, rows: call.withDeleted ? 'all' : 'living' } as const;
  const chunk = statements.chunks('stream', { ...query, limit: batchSize, keyset: {} });
  let from: Boundary | undefined;
  do {
    signal?.throwIfAborted();
    const statement = chunk(from);
    const { rows } = await within(() => runtime.runner.run(statement, call));
    const { nestRow = (row: Row) => row } = statement;
    for (const row of rows) {
      signal?.throwIfAborted();
      yield within(() => toEntity(nestRow(withoutKeys(row))));
    }
    from = rows.length < batchSize ? undefined : { values: keysOf(rows.at(-1)!), inclusive: false };
  } while (from);
}

function refuse(entity: string, rule: string): InvalidInputError {
  return new InvalidInputError(`${entity}.stream: ${rule}`, 'Correct the options of the call.', { entity });
}
