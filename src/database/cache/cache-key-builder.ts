import { createHmac, randomBytes } from 'node:crypto';
import { currentContext } from '../context/ambient';
import { InvalidInputError } from '../database.errors';

/**
 * Makes cache keys that tell nothing: an HMAC over the tenant and everything that decides the answer. The whole
 * digest is kept, and nothing of the question is left out, so that no two questions share a key (D15).
 */
export class CacheKeyBuilder {
  /** @param secret Key of the HMAC; nodes that share a cache share it. Default: random, for this process. */
  constructor(private readonly secret: Buffer = randomBytes(32)) {}

  /** Key of one entity by id. */
  entity(name: string, id: string): string {
    return this.key(name, 'entity', id);
  }

  /**
   * Key of a query.
   * @param criteria Everything that decides the answer. The order of keys does not matter, but for those of `orderBy`.
   */
  query(name: string, criteria: unknown): string {
    return this.key(name, 'query', canonical(criteria));
  }

  private key(name: string, kind: string, question: string): string {
    // As JSON: the parts cannot run into each other, and text that has no UTF-8 form stays distinct.
    const text = JSON.stringify([currentContext()?.clinicId ?? '', name, kind, question]);
    return `${name.toLowerCase()}:${kind}:${createHmac('sha256', this.secret).update(text).digest('base64url')}`;
  }
}

/**
 * Text with sorted keys and typed leaves: `1` and `'1'`, a Date and its text, null and absence stay apart.
 * @throws InvalidInputError for anything but plain values: a Map or a Set has no keys and would look like `{}`.
 */
function canonical(value: unknown, ordered = false): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (value === undefined || typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `bigint(${value})`;
  if (value instanceof Date) return `date(${value.getTime()})`;
  if (Buffer.isBuffer(value)) return `bytes(${value.toString('hex')})`;
  // Not map: it leaves out holes.
  if (Array.isArray(value)) return `[${Array.from(value, (part: unknown) => canonical(part, ordered)).join(',')}]`;
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    throw new InvalidInputError(
      'A cache key is made of plain values only',
      'Pass objects, arrays, dates and simple values.',
    );
  }
  const entries = Object.entries(value);
  if (!ordered) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = entries.map(([key, part]) => `${JSON.stringify(key)}:${canonical(part, ordered || key === 'orderBy')}`);
  return `{${parts.join(',')}}`;
}
