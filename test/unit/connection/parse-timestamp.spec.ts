import { types } from 'pg';
import { parseTimestamp } from '../../../src/database/connection/parse-timestamp';

const ofDriver = types.getTypeParser(types.builtins.TIMESTAMPTZ) as (text: string) => Date | number;

describe('Timestamps from the server', () => {
  it('are read to the millisecond', () => {
    expect(parseTimestamp('2026-11-21 10:22:58.123+00')).toEqual(new Date('2026-11-21T10:22:58.123Z'));
    expect(parseTimestamp('1969-12-31 23:59:59.9+00')).toEqual(new Date('1969-12-31T23:59:59.900Z'));
  });

  it.each([
    '2026-11-21 10:22:58+00',
    '2026-11-21 10:22:58.1+00',
    '2026-11-21 10:22:58.12+00',
    '2026-11-21 10:22:58.123999+00',
    '2026-11-21 10:22:58.123+05:30',
    '1000-01-01 00:00:00.001+00',
    '0050-01-01 00:00:00+00',
    '0044-03-15 00:00:00+00 BC',
    '10000-01-01 00:00:00.5+00',
    'infinity',
    '-infinity',
  ])('are what the driver reads: %s', (text) => {
    expect(parseTimestamp(text)).toEqual(ofDriver(text));
  });
});
