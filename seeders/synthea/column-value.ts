import { RowRejection } from './row-rejection';
import type { SourceRow } from './source-row';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/;
const DECIMAL = /^-?(\d+)(?:\.(\d+))?$/;

/** A column's date as YYYY-MM-DD. A time, where the export has one, is dropped. @throws RowRejection BAD_DATE */
export function date(row: SourceRow, column: string): string | null {
  const text = row.text(column);
  if (text === null) return null;
  if (!DATE.test(text)) return moment(text, column).toISOString().slice(0, 10);
  moment(`${text}T00:00:00Z`, column);
  return text;
}

/** A column's point in time; a date alone is its midnight in UTC. @throws RowRejection BAD_DATE */
export function timestamp(row: SourceRow, column: string): Date | null {
  const text = row.text(column);
  return text === null ? null : moment(DATE.test(text) ? `${text}T00:00:00Z` : text, column);
}

/** @throws RowRejection when the column is empty or no date. */
export function requiredDate(row: SourceRow, column: string): string {
  row.required(column);
  return date(row, column)!;
}

/** @throws RowRejection when the column is empty or no point in time. */
export function requiredTimestamp(row: SourceRow, column: string): Date {
  row.required(column);
  return timestamp(row, column)!;
}

/** @throws RowRejection BAD_PERIOD when the end lies before the start. */
export function refuseEndBeforeStart(start: string | Date | null, end: string | Date | null, columns: string): void {
  if (start !== null && end !== null && end < start)
    throw new RowRejection('BAD_PERIOD', `${columns}: the end lies before the start`);
}

/** A column's whole number from 0. @throws RowRejection BAD_NUMBER */
export function wholeNumber(row: SourceRow, column: string): number | null {
  const text = row.text(column);
  if (text === null) return null;
  if (!/^\d{1,9}$/.test(text)) throw new RowRejection('BAD_NUMBER', `${column} is not a whole number from 0`);
  return Number(text);
}

/** The word that stands for a column's word. @throws RowRejection BAD_VALUE for a word that is not in the table. */
export function translate<T>(row: SourceRow, column: string, words: Readonly<Record<string, T>>): T {
  const word = row.text(column) ?? '';
  if (Object.hasOwn(words, word)) return words[word] as T;
  throw new RowRejection('BAD_VALUE', `${column} is not one of ${Object.keys(words).filter(Boolean).join(', ')}`);
}

/**
 * The text of a decimal number that a `numeric(precision, scale)` column holds without rounding, else null.
 * @param text For example `127.9`.
 */
export function exactDecimal(text: string | null, precision: number, scale: number): string | null {
  const [, whole = '', fraction = ''] = DECIMAL.exec(text ?? '') ?? [];
  if (!whole) return null;
  const digits = whole.replace(/^0+/, '').length;
  return digits <= precision - scale && fraction.replace(/0+$/, '').length <= scale ? text : null;
}

function moment(text: string, column: string): Date {
  const at = new Date(text);
  // The pattern and the way back: Date reads February 30th as March 2nd.
  if (TIMESTAMP.test(text) && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text.slice(0, 19))) return at;
  throw new RowRejection('BAD_DATE', `${column} is neither a date nor a point in time in UTC`);
}
