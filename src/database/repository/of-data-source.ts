import { Inject, type Type } from '@nestjs/common';
import { AUDIT_LOGGER } from '../audit/audit-logger.interface';
import { DEFAULT_DATA_SOURCE, getDataSourceToken } from '../transaction/data-source-token';
import { Database } from '../transaction/database';
import { UNIT_OF_WORK } from '../transaction/unit-of-work.interface';

/** What each data source has of its own. */
const OF_A_SOURCE = [AUDIT_LOGGER, UNIT_OF_WORK, Database] as const;
type OwnToken = (typeof OF_A_SOURCE)[number];

/**
 * The repository class as a data source needs it: what it injects under the tokens of the default source (audit logger,
 * unit of work, Database) is that source's. A provider of its own under these tokens would do the same, but would also be
 * what `app.get(UNIT_OF_WORK)` finds.
 * @param dataSource A valid name.
 */
export function ofDataSource(repository: Type<unknown>, dataSource: string): Type<unknown> {
  if (dataSource === DEFAULT_DATA_SOURCE) return repository;
  const heir = { [repository.name]: class extends (repository as new (...args: never[]) => object) {} }[
    repository.name
  ] as Type<unknown>;
  const inject = (token: unknown) =>
    OF_A_SOURCE.includes(token as OwnToken) ? Inject(getDataSourceToken(token as OwnToken, dataSource)) : undefined;

  const read = <T>(key: string) => (Reflect.getMetadata(key, repository) ?? []) as readonly T[];

  // Where the decorators of Nest and the compiler keep what a class injects; a later entry wins over an earlier one.
  const parameters = [...read<unknown>('design:paramtypes')];
  for (const { index, param } of read<{ index: number; param: unknown }>('self:paramtypes')) parameters[index] = param;
  parameters.forEach((token, index) => inject(token)?.(heir, undefined, index));
  for (const { key, type } of read<{ key: string | symbol; type: unknown }>('self:properties_metadata')) {
    inject(type)?.(heir.prototype as object, key);
  }
  return heir;
}
