import {
  date,
  exactDecimal,
  requiredTimestamp,
  timestamp,
  translate,
  wholeNumber,
} from '../../../seeders/synthea/column-value';
import { SourceRow } from '../../../seeders/synthea/source-row';

const row = (...fields: string[]): SourceRow =>
  new SourceRow('conditions.csv', 2, new Map(fields.map((_, i) => [String.fromCodePoint(65 + i), i])), fields);

const refusal = (code: string) => expect.objectContaining({ code });

describe('Values of a Synthea column', () => {
  it('reads dates and points in time, either where the other is meant', () => {
    const given = row('2008-02-29', '2023-01-27T16:17:47Z', '');
    expect(date(given, 'A')).toBe('2008-02-29');
    expect(date(given, 'B')).toBe('2023-01-27');
    expect(date(given, 'C')).toBeNull();
    expect(timestamp(given, 'A')).toEqual(new Date('2008-02-29T00:00:00Z'));
    expect(timestamp(given, 'B')).toEqual(new Date('2023-01-27T16:17:47Z'));
    expect(timestamp(given, 'C')).toBeNull();
  });

  it.each([
    '2023-02-29',
    '2023-13-01',
    '23-01-01',
    '01/27/2023',
    '2023-01-27T25:00:00Z',
    '2023-01-27T16:17:47',
    '2023-02-30T00:00:00Z',
    'today',
  ])('refuses %s as a date and as a point in time, and does not repeat it', (text) => {
    expect(() => date(row(text), 'A')).toThrow(refusal('BAD_DATE'));
    expect(() => timestamp(row(text), 'A')).toThrow(refusal('BAD_DATE'));
    expect(() => timestamp(row(text), 'A')).not.toThrow(text);
  });

  it('refuses an empty column where a value is required', () => {
    expect(() => requiredTimestamp(row(''), 'A')).toThrow(refusal('MISSING_VALUE'));
  });

  it('reads whole numbers from 0', () => {
    expect(wholeNumber(row('174'), 'A')).toBe(174);
    expect(wholeNumber(row(''), 'A')).toBeNull();
    for (const text of ['-1', '1.5', '1e3', '99999999999'])
      expect(() => wholeNumber(row(text), 'A')).toThrow(refusal('BAD_NUMBER'));
  });

  it('translates words of a table and no others, not even those that every object has', () => {
    const words = { home: 'HOME', '': null };
    expect(translate(row('home'), 'A', words)).toBe('HOME');
    expect(translate(row(''), 'A', words)).toBeNull();
    for (const text of ['Home', 'constructor', '__proto__'])
      expect(() => translate(row(text), 'A', words)).toThrow(refusal('BAD_VALUE'));
  });

  it.each([
    ['127.9', 6, 2, '127.9'],
    ['-3', 6, 2, '-3'],
    ['0127.900', 6, 2, '0127.900'],
    ['9999.99', 6, 2, '9999.99'],
    ['10000', 6, 2, null],
    ['1.234', 6, 2, null],
    ['1e3', 6, 2, null],
    ['.5', 6, 2, null],
    ['', 6, 2, null],
    [null, 6, 2, null],
  ])('holds %s in numeric(%i, %i) as %s', (text, precision, scale, expected) => {
    expect(exactDecimal(text, precision, scale)).toBe(expected);
  });
});
