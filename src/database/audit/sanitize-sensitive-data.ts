import { attributeName } from '../model/attribute-name';
import { phiModel } from '../model/phi-registry';

const REDACTED = '[REDACTED]';

/** Whole words of a key that name something sensitive. `tokenCount` holds one of them, hence the list of exceptions. */
const SENSITIVE = new RegExp(
  `(^|_)(${[
    'password|passwd|pwd|passphrase|secret|token|credentials?|authorization|cookie|pin|api_?key|private_?key',
    'ssn|social_?security(_?number)?|mrn|medical_?record_?num(ber)?|date_?of_?birth|birth_?date|dob',
    'first_?name|middle_?name|last_?name|full_?name|maiden_?name|patient_?name',
    'emails?|phones?|phone_?number|address|addresses|diagnosis|allergens?|notes?',
  ].join('|')})($|_)`,
);
const HARMLESS = /_(count|total|ids?|type|at)$/;

/**
 * Redacts what must not be written down in the clear (003-13). With an entity it follows the `@Phi()` columns of that
 * model, by attribute or by column name; without one it judges by the names of keys, for free-form metadata
 * (decision 12).
 * @returns A deep copy: dates and arrays stay dates and arrays, what has a JSON form is copied in it.
 */
export function sanitizeSensitiveData<T>(data: T, entity?: string): T {
  const phi = entity === undefined ? undefined : phiModel(entity);
  const isPhi = (key: string): boolean => phi !== undefined && (phi.has(key) || phi.has(attributeName(key)));
  return copy(data, (key) => isPhi(key) || isSensitiveKey(key), []) as T;
}

/** Reads `apiKey`, `APIKey`, `api_key` and `X-Api-Key` as the same words. */
function isSensitiveKey(key: string): boolean {
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
  return SENSITIVE.test(words) && !HARMLESS.test(words);
}

function copy(value: unknown, isSensitive: (key: string) => boolean, above: readonly object[]): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date || ArrayBuffer.isView(value)) return value;
  if (above.includes(value)) return '[CIRCULAR]';
  const path = [...above, value];
  if (Array.isArray(value) || value instanceof Set)
    return Array.from(value, (item: unknown) => copy(item, isSensitive, path));
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return copy(toJSON.call(value), isSensitive, path);
  const entries =
    value instanceof Map ? [...value].map(([key, part]) => [String(key), part] as const) : Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, part]) => [
      key,
      isSensitive(key) && part !== null && part !== undefined ? REDACTED : copy(part, isSensitive, path),
    ]),
  );
}
