import { ConfigurationError } from '../database.errors';

/** Name of the data source that `forRoot` without a name makes. */
export const DEFAULT_DATA_SOURCE = 'default';

const NAME = /^[A-Za-z][\w-]{0,62}$/;

/**
 * The name under which a data source is known.
 * @throws ConfigurationError unless it is a letter and up to 62 letters, digits, `_` or `-`.
 */
export function dataSourceName(name: string = DEFAULT_DATA_SOURCE): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new ConfigurationError(
    'The name of a data source is not valid',
    'Take a letter and up to 62 letters, digits, _ or -.',
  );
}

/**
 * Token under which a data source provides something. The default one provides it under its own token; another one as
 * text, as @nestjs/sequelize names connections: `getDataSourceToken(UNIT_OF_WORK, 'reporting')` is
 * `reportingIUnitOfWork`.
 * @param token What the default data source provides: UNIT_OF_WORK, AUDIT_LOGGER, Database, DatabaseHealthIndicator.
 * @throws ConfigurationError for a name that is not valid.
 */
export function getDataSourceToken<T extends string | symbol | { readonly name: string }>(
  token: T,
  name?: string,
): T | string {
  const source = dataSourceName(name);
  if (source === DEFAULT_DATA_SOURCE) return token;
  return `${source}${typeof token === 'string' ? token : typeof token === 'symbol' ? token.description : token.name}`;
}
