import { EmptyResultError, type QueryOptions, UniqueConstraintError } from 'sequelize';

const QUIET = Symbol('insert of findOrCreate');

interface InsertOptions {
  exception?: unknown;
  ignoreDuplicates?: boolean;
  [QUIET]?: true;
}

/** The part of Sequelize's query generator that writes an INSERT. */
export interface InsertGenerator {
  insertQuery(table: unknown, values: unknown, attributes: unknown, options?: InsertOptions): unknown;
}

/**
 * `findOrCreate` wraps its INSERT in a temporary function, so that a duplicate does not end the transaction. The
 * application's role may make no function, temporary or not; ON CONFLICT DO NOTHING gives the same.
 */
export function insertWithoutFunction(generator: InsertGenerator): void {
  const insert = generator.insertQuery.bind(generator);
  generator.insertQuery = (table, values, attributes, options = {}) => {
    if (options.exception) Object.assign(options, { exception: false, ignoreDuplicates: true, [QUIET]: true });
    return insert(table, values, attributes, options);
  };
}

/** What findOrCreate expects to catch where someone else was faster: no row came back of its INSERT. */
export function asDuplicate(error: unknown, options: QueryOptions): unknown {
  const duplicate = error instanceof EmptyResultError && (options as InsertOptions)[QUIET];
  return duplicate ? new UniqueConstraintError({ fields: {} }) : error;
}
