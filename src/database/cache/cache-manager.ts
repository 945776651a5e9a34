/** Token of the cache (003-03). */
export const CACHE_MANAGER = 'ICacheManager';

/** How long values live, in seconds (003-29). */
export const CacheTTL = { SHORT: 60, MEDIUM: 300, LONG: 900, PHI: 60 } as const;

export interface CacheStats {
  readonly enabled: boolean;
  readonly hits: number;
  readonly misses: number;
  readonly size: number;
}

/** The cache's seam. TTLs are seconds. */
export interface ICacheManager {
  get<T>(key: string): Promise<T | undefined>;
  set(key: string, value: unknown, ttlSeconds?: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** @param pattern A glob, for example `student:*`. */
  deletePattern(pattern: string): Promise<void>;
  exists(key: string): Promise<boolean>;
  mget<T>(keys: readonly string[]): Promise<(T | undefined)[]>;
  mset(entries: Readonly<Record<string, unknown>>, ttlSeconds?: number): Promise<void>;
  clear(): Promise<void>;
  /** Answers the cached value, else what `load` gives. */
  getOrSet<T>(key: string, load: () => Promise<T>, ttlSeconds?: number): Promise<T>;
  getStats(): Promise<CacheStats>;
}
