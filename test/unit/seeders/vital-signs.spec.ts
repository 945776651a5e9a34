import { PatientVisits } from '../../../seeders/synthea/patient-visits';
import { VitalSignsCollector } from '../../../seeders/synthea/mapping/vital-signs';
import { SourceRow } from '../../../seeders/synthea/source-row';

const columns = ['DATE', 'ENCOUNTER', 'CATEGORY', 'CODE', 'DESCRIPTION', 'VALUE', 'UNITS', 'TYPE'];
const header = new Map(columns.map((column, i) => [column, i]));
const height = (value: string, date = '2023-01-27T16:17:47Z'): SourceRow => vital('8302-2', value, 'cm', date);

function vital(code: string, value: string, unit: string, date = '2023-01-27T16:17:47Z'): SourceRow {
  return new SourceRow('observations.csv', 2, header, [date, 'e1', 'vital-signs', code, '', value, unit, 'numeric']);
}

function collect(...rows: SourceRow[]) {
  const visits = new PatientVisits('student');
  visits.add('e1', { id: 'visit', facilityName: null, providerName: 'Nurse' });
  const collector = new VitalSignsCollector(visits);
  return { taken: rows.map((row) => collector.take(row)), drafts: collector.drafts() };
}

describe('VitalSignsCollector', () => {
  it('makes one row of what was measured at one encounter and time', () => {
    const { taken, drafts } = collect(
      height('127.9'),
      vital('29463-7', '27.8', 'kg'),
      height('128', '2023-01-27T17:00:00Z'),
    );
    expect(taken).toEqual([true, true, true]);
    expect(drafts.map(({ input }) => input)).toMatchObject([
      { visitId: 'visit', heightCm: '127.9', weightKg: '27.8' },
      { heightCm: '128' },
    ]);
    expect(drafts[0]!.rows).toHaveLength(2);
  });

  it.each([
    ['another unit', vital('8302-2', '50.4', '[in_i]')],
    ['a code without a column', vital('99999-9', '1', 'cm')],
    ['more digits than the column keeps', height('127.955')],
    ['a value out of the range of the column', height('301')],
    ['text', height('tall')],
  ])('does not take %s', (_, row) => {
    expect(collect(row).taken).toEqual([false]);
  });

  it('takes one value a column', () => {
    expect(collect(height('127.9'), height('128.0')).taken).toEqual([true, false]);
  });

  it('knows the same rows again in another order, and no others', () => {
    const [a, b, c] = [height('127.9'), vital('29463-7', '27.8', 'kg'), vital('29463-7', '27.9', 'kg')];
    const hashOf = (...rows: SourceRow[]) => collect(...rows).drafts[0]!.hash;
    expect(hashOf(b, a)).toBe(hashOf(a, b));
    expect(new Set([hashOf(a, b), hashOf(a, c), hashOf(a)]).size).toBe(3);
  });

  it('refuses an encounter that is not of this patient', () => {
    const stranger = new SourceRow('observations.csv', 2, header, [
      '2023-01-27T16:17:47Z',
      'e2',
      'vital-signs',
      '8302-2',
      '',
      '120',
      'cm',
      'numeric',
    ]);
    expect(() => collect(stranger)).toThrow(expect.objectContaining({ code: 'UNKNOWN_ENCOUNTER' }));
  });
});
