import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { ConfigurationError, InvalidInputError } from '../../database.errors';
import type { DatabaseOptions } from '../../database.options';
import type { Boundary } from './keyset';

const VERSION = 1;
const SALT = 12;
const NONCE = 12;
const TAG = 16;
const HEAD = 1 + SALT + NONCE + TAG;
/** Characters of a cursor: it travels in URLs. */
const MAX_LENGTH = 4_096;
/** The text inside is filled up to a multiple of this, so that a length does not tell a name. */
const BLOCK = 64;

const keyOfProcess = randomBytes(32);

/**
 * The key of cursors: 32 bytes, from the option `cursorKey` (DB_CURSOR_KEY). Without one it is made anew by every process,
 * which serves development; in production the next request may reach another process.
 * @throws ConfigurationError
 */
export function cursorKey({
  cursorKey: text,
  production,
}: Partial<Pick<DatabaseOptions, 'cursorKey' | 'production'>>): Buffer {
  if (text === undefined) {
    if (!production) return keyOfProcess;
    throw new ConfigurationError(
      'findPage needs DB_CURSOR_KEY in production',
      'Set it to the same 32 random bytes in every process: openssl rand -base64 32.',
    );
  }
  const key = Buffer.from(text, 'base64');
  if (key.length === 32) return key;
  throw new ConfigurationError('DB_CURSOR_KEY must be 32 bytes in base64', 'Make one: openssl rand -base64 32.');
}

/**
 * Seals a place in the order of rows. Sort values may be PHI and a cursor ends in the logs of every proxy, so it is
 * encrypted (AES-256-GCM, NIST SP 800-38D). Each has a key of its own, derived by a random salt: random nonces alone
 * would limit one key to 2^32 cursors.
 * @param binding The query that it is for; not part of the cursor, but needed to open it.
 * @throws InvalidInputError when the sort values are too long to travel.
 */
export function sealCursor(key: Buffer, entity: string, binding: string, { values, inclusive }: Boundary): string {
  const text = Buffer.from(JSON.stringify([inclusive, ...values]));
  const padded = Buffer.alloc(Math.ceil(text.length / BLOCK) * BLOCK, ' ');
  text.copy(padded);
  const salt = randomBytes(SALT);
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', keyOfOne(key, salt), nonce).setAAD(boundTo(binding));
  const sealed = Buffer.concat([cipher.update(padded), cipher.final()]);
  const cursor = Buffer.concat([Buffer.of(VERSION), salt, nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  if (cursor.length <= MAX_LENGTH) return cursor;
  throw new InvalidInputError(
    `${entity}: a row's sort values are too long for a cursor`,
    'Sort by shorter attributes, or read with stream.',
    { entity },
  );
}

/**
 * Opens a cursor.
 * @returns Undefined for anything but an unaltered cursor that was sealed with this key for this binding.
 */
export function openCursor(key: Buffer, binding: string, cursor: unknown): Boundary | undefined {
  if (typeof cursor !== 'string' || cursor.length > MAX_LENGTH) return undefined;
  const bytes = Buffer.from(cursor, 'base64url');
  // The decoder skips what is no base64url, and ignores spare bits: an altered text could still be the same bytes.
  if (bytes.length <= HEAD || bytes[0] !== VERSION || bytes.toString('base64url') !== cursor) return undefined;
  const salt = bytes.subarray(1, 1 + SALT);
  const nonce = bytes.subarray(1 + SALT, 1 + SALT + NONCE);
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOfOne(key, salt), nonce, { authTagLength: TAG })
      .setAAD(boundTo(binding))
      .setAuthTag(bytes.subarray(HEAD - TAG, HEAD));
    const text = Buffer.concat([decipher.update(bytes.subarray(HEAD)), decipher.final()]).toString();
    const [inclusive, ...values] = JSON.parse(text) as [boolean, ...(string | null)[]];
    return { inclusive, values };
  } catch {
    return undefined;
  }
}

const keyOfOne = (key: Buffer, salt: Buffer): Buffer =>
  createHmac('sha256', key).update('phi cursor').update(salt).digest();

const boundTo = (binding: string): Buffer => Buffer.concat([Buffer.of(VERSION), Buffer.from(binding)]);
