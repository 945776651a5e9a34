import type { CacheStats, ICacheManager } from './cache-manager';

/** A cache that stores nothing: every read goes to the database, so no answer can be stale. */
export class DisabledCache implements ICacheManager {
  private misses = 0;

  get<T>(): Promise<T | undefined> {
    this.misses += 1;
    return Promise.resolve(undefined);
  }

  set(): Promise<void> {
    return Promise.resolve();
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }

  deletePattern(): Promise<void> {
    return Promise.resolve();
  }

  exists(): Promise<boolean> {
    return Promise.resolve(false);
  }

  mget<T>(keys: readonly string[]): Promise<(T | undefined)[]> {
    this.misses += keys.length;
    return Promise.resolve(keys.map(() => undefined));
  }

  mset(): Promise<void> {
    return Promise.resolve();
  }

  clear(): Promise<void> {
    return Promise.resolve();
  }

  getOrSet<T>(_key: string, load: () => Promise<T>): Promise<T> {
    this.misses += 1;
    return load();
  }

  getStats(): Promise<CacheStats> {
    return Promise.resolve({ enabled: false, hits: 0, misses: this.misses, size: 0 });
  }
}
