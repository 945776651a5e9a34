import { Inject } from '@nestjs/common';
import type { Model, ModelStatic } from 'sequelize';
import { AUDIT_LOGGER, type IAuditLogger } from '../audit/audit-logger.interface';
import { CACHE_MANAGER, type ICacheManager } from '../cache/cache-manager';
import { BaseRepository } from './base.repository';

/** A repository class that names its model. */
export type RepositoryClass<M extends Model = Model> = (abstract new (
  auditLogger: IAuditLogger,
  cacheManager: ICacheManager,
) => BaseRepository<M>) & { readonly model: ModelStatic<M> };

/**
 * The class to extend for a model's repository: `class AllergyRepository extends repositoryFor(Allergy) {}`. Nest reads
 * the constructor's metadata through the prototype chain, so the subclass needs no constructor and no decorator.
 */
export function repositoryFor<M extends Model>(model: ModelStatic<M>): RepositoryClass<M> {
  abstract class ModelRepository extends BaseRepository<M> {
    static readonly model = model;

    constructor(auditLogger: IAuditLogger, cacheManager: ICacheManager) {
      super(model, auditLogger, cacheManager);
    }
  }
  Inject(AUDIT_LOGGER)(ModelRepository, undefined, 0);
  Inject(CACHE_MANAGER)(ModelRepository, undefined, 1);
  return ModelRepository;
}
