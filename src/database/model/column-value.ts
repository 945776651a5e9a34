import { isStorableText, isUuid } from '../context/execution-context';
import { InvalidInputError } from '../database.errors';
import type { ColumnDescription } from './entity-description';

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
const INT4 = 2_147_483_647;

/**
 * Checks one value against its column and gives what is bound to the statement: a copy, which the caller cannot change
 * while the call waits for a connection. Runs before anything is sent, so bad input never reaches a transaction; the
 * message names the attribute and what is allowed, never the value.
 * @throws InvalidInputError
 */
export function encodeValue(entity: string, column: ColumnDescription, value: unknown): unknown {
  if (value === null) return null;
  const refuse = (allowed: string): never => {
    throw new InvalidInputError(
      `${entity}.${column.attribute} must be ${allowed}`,
      'Correct the value and try again.',
      {
        entity,
        attribute: column.attribute,
      },
    );
  };
  switch (column.kind) {
    case 'uuid':
      return isUuid(value) ? value.toLowerCase() : refuse('a UUID');
    case 'text':
      if (typeof value !== 'string' || !isStorableText(value)) return refuse('text without NUL or lone surrogates');
      return column.maxLength && [...value].length > column.maxLength
        ? refuse(`at most ${column.maxLength} characters long`)
        : value;
    case 'enum':
      return column.values?.includes(value as string) ? value : refuse(`one of ${column.values?.join(', ')}`);
    case 'integer':
      return Number.isInteger(value) && Math.abs(value as number) <= INT4 ? value : refuse('a whole number of 32 bits');
    case 'decimal':
      return encodeDecimal(value, column) ?? refuse(`a decimal number, as text or number${digitsOf(column)}`);
    case 'float':
      return typeof value === 'number' && Number.isFinite(value) ? value : refuse('a finite number');
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse('true or false');
    case 'timestamp':
      return encodeTimestamp(value) ?? refuse('a Date, or an ISO 8601 date and time with its offset, after Christ');
    case 'date':
      return isDate(value) ? value : refuse('a date as YYYY-MM-DD');
    case 'json':
      return encodeJson(value) ?? refuse('a JSON value without NUL, lone surrogates, NaN or infinity');
    case 'binary':
      return Buffer.isBuffer(value) ? Buffer.from(value) : refuse('a Buffer');
  }
}

/** A decimal stays text: a dose must not pass through binary floating point, nor be rounded by its column. */
function encodeDecimal(value: unknown, { digits }: ColumnDescription): string | undefined {
  const text =
    typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'bigint' ? String(value) : '';
  if (!DECIMAL.test(text)) return undefined;
  const [before = '', after = ''] = text.replace(/^[+-]/, '').split('.');
  const fits =
    !digits || (before.replace(/^0+/, '').length <= digits[0] && after.replace(/0+$/, '').length <= digits[1]);
  return fits ? text : undefined;
}

const digitsOf = ({ digits }: ColumnDescription): string =>
  digits ? ` of at most ${digits[0]} digits before and ${digits[1]} after the point` : '';

/**
 * Without its offset a text would mean another moment on a server in another time zone (000-21). What is bound is text in
 * UTC: a Date can be changed by its owner before it is sent, and the driver would write it in local time, whose offset
 * it rounds to minutes.
 */
function encodeTimestamp(value: unknown): string | undefined {
  const day = typeof value === 'string' ? TIMESTAMP.exec(value)?.[1] : undefined;
  const date = value instanceof Date ? value : day && isDate(day) ? new Date(value as string) : undefined;
  if (!date || Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1) return undefined;
  // PostgreSQL takes no sign before a year of five digits.
  return date.toISOString().replace(/^\+0*/, '');
}

function isDate(value: unknown): value is string {
  if (typeof value !== 'string' || !DATE.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  // February 30th parses as March 2nd.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}

function encodeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (key, part: unknown) => {
      if (!isStorableText(key) || (typeof part === 'string' && !isStorableText(part)))
        throw new TypeError('not storable');
      // JSON.stringify would make null of it.
      if (typeof part === 'number' && !Number.isFinite(part)) throw new TypeError('not storable');
      return part;
    });
  } catch {
    return undefined;
  }
}
