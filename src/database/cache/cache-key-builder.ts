import { createHmac, randomBytes } from 'node:crypto';
import { currentContext } from '../context/ambient';

/**
 * Makes cache keys that tell nothing: an HMAC over the tenant and everything that decides the answer. The whole
 * digest is kept, and every part is written with its length, so that no two questions share a key (D15).
 */
export class CacheKeyBuilder {
  /** @param secret Key of the HMAC; nodes that share a cache share it. Default: random, for this process. */
  constructor(private readonly secret: Buffer = randomBytes(32)) {}

  /** Key of one entity by id. */
  entity(name: string, id: string): string {
    return this.key(name, 'entity', id);
  }

  /** Key of a query. @param criteria Everything that decides the answer; the order of keys does not matter. */
  query(name: string, criteria: unknown): string {
    return this.key(name, 'query', canonical(criteria));
  }

  private key(name: string, kind: string, question: string): string {
    const hmac = createHmac('sha256', this.secret);
    for (const part of [currentContext()?.clinicId ?? '', name, kind, question]) hmac.update(`${part.length}:${part}`);
    return `${name.toLowerCase()}:${kind}:${hmac.digest('base64url')}`;
  }
}

/** JSON with sorted keys and typed leaves: `1` and `'1'`, a Date and its text, null and absence stay apart. */
function canonical(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (value instanceof Date) return `date(${value.toISOString()})`;
  if (typeof value === 'bigint') return `bigint(${value})`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonical(part)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}
