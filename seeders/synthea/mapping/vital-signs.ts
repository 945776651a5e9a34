import { createHash } from 'node:crypto';
import type { CreateInput } from '../../../src';
import type { VitalSigns } from '../../../src/domains';
import { exactDecimal, requiredTimestamp } from '../column-value';
import type { Draft } from '../draft';
import type { PatientVisits } from '../patient-visits';
import type { SourceRow } from '../source-row';
import { unit } from './observation';

interface VitalColumn {
  readonly attribute: keyof CreateInput<VitalSigns>;
  /** UCUM unit that the column is in. */
  readonly unit: string;
  /** Of the numeric column, and the range of its CHECK. */
  readonly precision: number;
  readonly scale: number;
  readonly range: readonly [number, number];
}

const column = (
  attribute: VitalColumn['attribute'],
  unit: string,
  precision: number,
  scale: number,
  ...range: readonly [number, number]
): VitalColumn => ({ attribute, unit, precision, scale, range });

/** Columns of VitalSigns by LOINC code. */
const COLUMNS: Readonly<Record<string, VitalColumn>> = {
  '8302-2': column('heightCm', 'cm', 6, 2, 10, 300),
  '29463-7': column('weightKg', 'kg', 6, 2, 0.1, 1000),
  '39156-5': column('bmi', 'kg/m2', 5, 2, 1, 300),
  '59576-9': column('bmiPercentile', '%', 5, 2, 0, 100),
  '77606-2': column('weightForLengthPercentile', '%', 5, 2, 0, 100),
  '9843-4': column('headCircumferenceCm', 'cm', 5, 2, 5, 150),
  '8289-1': column('headCircumferencePercentile', '%', 5, 2, 0, 100),
  '8480-6': column('systolicMmhg', 'mm[Hg]', 5, 1, 0, 400),
  '8462-4': column('diastolicMmhg', 'mm[Hg]', 5, 1, 0, 300),
  '8867-4': column('heartRatePerMinute', '/min', 5, 1, 0, 500),
  '9279-1': column('respiratoryRatePerMinute', '/min', 5, 1, 0, 200),
  '8310-5': column('temperatureCelsius', 'Cel', 4, 2, 10, 50),
  '2708-6': column('oxygenSaturationPercent', '%', 5, 2, 0, 100),
  '59408-5': column('oxygenSaturationPercent', '%', 5, 2, 0, 100),
  '72514-3': column('painScore', '{score}', 3, 1, 0, 10),
};

/** The column that holds a row's value in its unit and without rounding; undefined when none does. */
function columnOf(row: SourceRow): VitalColumn | undefined {
  const found = row.text('CATEGORY') === 'vital-signs' ? COLUMNS[row.text('CODE') ?? ''] : undefined;
  const value = row.text('VALUE');
  if (!found || unit(row) !== found.unit || exactDecimal(value, found.precision, found.scale) === null)
    return undefined;
  const [low, high] = found.range;
  return Number(value) >= low && Number(value) <= high ? found : undefined;
}

/**
 * Collects the vital signs of a patient: what was measured at one encounter at one time becomes one VitalSigns, with
 * the first row stored and the others merged into it.
 */
export class VitalSignsCollector {
  private readonly sessions = new Map<string, { input: CreateInput<VitalSigns>; rows: [SourceRow, ...SourceRow[]] }>();

  constructor(private readonly visits: PatientVisits) {}

  /**
   * Takes a row of observations.csv.
   * @returns False when VitalSigns has no column for it, or the column is taken by another row of the session.
   * @throws RowRejection
   */
  take(row: SourceRow): boolean {
    const found = columnOf(row);
    if (!found) return false;
    const visit = this.visits.of(row);
    const measuredAt = requiredTimestamp(row, 'DATE');
    const key = `${measuredAt.toISOString()} ${visit.id}`;
    const value = row.text('VALUE');
    const session = this.sessions.get(key);
    if (!session) {
      const input = { studentId: this.visits.studentId, visitId: visit.id, measuredAt, measuredBy: visit.providerName };
      this.sessions.set(key, { input: { ...input, [found.attribute]: value }, rows: [row] });
      return true;
    }
    if (session.input[found.attribute] !== undefined) return false;
    Object.assign(session.input, { [found.attribute]: value });
    session.rows.push(row);
    return true;
  }

  /** What was collected. Its identity is a hash over the hashes of all its rows, in whatever order they stood. */
  drafts(): Draft<CreateInput<VitalSigns>>[] {
    return [...this.sessions.values()].map(({ input, rows }) => {
      const hashes = rows.map((row) => row.hash).sort();
      const hash = createHash('sha256').update(JSON.stringify(hashes)).digest('hex');
      return { hash, input: { ...input, sourceHash: hash }, rows };
    });
  }
}
