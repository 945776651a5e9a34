import { sanitizeSensitiveData } from '../audit/sanitize-sensitive-data';
import { toEntity } from './to-entity';

/** What a repository of its own may override (003-12, 003-13). Every hook is given plain entities. */
export abstract class RepositoryHooks<T extends object, CreateDTO, UpdateDTO> {
  protected abstract readonly entityName: string;

  /** Judges a create before it is written; may read, and throws to refuse. Runs in the write's transaction. */
  protected validateCreate(_data: CreateDTO): Promise<void> | void {}

  /** Judges an update; `current` is locked until the write is done. */
  protected validateUpdate(_id: string, _data: UpdateDTO, _current: T): Promise<void> | void {}

  /** What callers get of a row, or of a Sequelize instance that a subclass read itself. */
  protected mapToEntity(row: object): T {
    return toEntity(row) as T;
  }

  /** Drops what a subclass caches of the entity. Runs after the commit; a throw is reported. */
  protected invalidateCaches(_entity: T): Promise<void> | void {}

  /** What of an entity may be handed to the audit logger. */
  protected sanitizeForAudit(data: object): object {
    return sanitizeSensitiveData(data, this.entityName);
  }
}
