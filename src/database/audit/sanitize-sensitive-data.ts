import { phiModel } from '../model/phi-registry';

const REDACTED = '[REDACTED]';

/** Whole words of a key that name something sensitive. `tokenCount` holds one of them, hence the list of exceptions. */
const SENSITIVE =
  /(^|_)(password|passphrase|secret|token|ssn|social_security_number|api_key|private_key|pin|mrn|medical_record_num(ber)?|date_of_birth|birth_?date|dob|first_?name|last_?name|full_name|maiden_name|patient_name|email|phone(_number)?|address|diagnosis|allergen|notes?)($|_)/;
const HARMLESS = /_(count|total|id|type|at)$/;

/**
 * Redacts what must not be written down in the clear (003-13). With an entity it follows the `@Phi()` columns of that
 * model; without one it judges by the names of keys, for free-form metadata (decision 12).
 * @returns A deep copy: dates and arrays stay dates and arrays.
 */
export function sanitizeSensitiveData<T>(data: T, entity?: string): T {
  const phi = entity === undefined ? undefined : phiModel(entity);
  return copy(data, (key) => (phi ? phi.has(key) : false) || isSensitiveKey(key)) as T;
}

function isSensitiveKey(key: string): boolean {
  const snake = key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  return SENSITIVE.test(snake) && !HARMLESS.test(snake);
}

function copy(value: unknown, isSensitive: (key: string) => boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => copy(item, isSensitive));
  if (typeof value !== 'object' || value === null || value instanceof Date || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      isSensitive(key) && part !== null && part !== undefined ? REDACTED : copy(part, isSensitive),
    ]),
  );
}
