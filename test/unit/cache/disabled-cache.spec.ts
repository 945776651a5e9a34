import type { ICacheManager } from '../../../src';
import { DisabledCache } from '../../../src/database/cache/disabled-cache';

describe('The cache until there is a coherent one', () => {
  let cache: ICacheManager;
  beforeEach(() => {
    cache = new DisabledCache();
  });

  it('stores nothing: no answer can be stale [D14]', async () => {
    await cache.set('key', 'value', 60);
    await cache.mset({ key: 'value' });
    expect(await cache.get('key')).toBeUndefined();
    expect(await cache.exists('key')).toBe(false);
    expect(await cache.mget(['key', 'other'])).toEqual([undefined, undefined]);
    await Promise.all([cache.delete('key'), cache.deletePattern('student:*'), cache.clear()]);
  });

  it('asks for the value every time, and passes a failure on once [003-28] [002-18]', async () => {
    const load = jest.fn(() => Promise.resolve(7));
    expect([await cache.getOrSet('key', load), await cache.getOrSet('key', load)]).toEqual([7, 7]);
    expect(load).toHaveBeenCalledTimes(2);
    const failing = jest.fn(() => Promise.reject(new Error('fault')));
    await expect(cache.getOrSet('key', failing)).rejects.toThrow('fault');
    expect(failing).toHaveBeenCalledTimes(1);
  });

  it('counts what it was asked [003-32]', async () => {
    await cache.get('a');
    await cache.mget(['b', 'c']);
    await cache.getOrSet('d', () => Promise.resolve(1));
    expect(await cache.getStats()).toEqual({ enabled: false, hits: 0, misses: 4, size: 0 });
  });
});
