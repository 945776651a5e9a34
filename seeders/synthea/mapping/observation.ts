import type { CreateInput } from '../../../src';
import type { HealthRecord, LabResult, RecordCodeSystem, RecordType } from '../../../src/domains';
import { exactDecimal, requiredTimestamp } from '../column-value';
import type { PatientVisits } from '../patient-visits';
import type { SourceRow } from '../source-row';

const LOINC = /^\d{1,7}-\d$/;
const SNOMED = /^\d{6,18}$/;

/** Kind of record for a category; any other is OTHER. Without a category come scores over a life (QALY, DALY, QOLS). */
const RECORD_TYPES: Readonly<Record<string, RecordType>> = {
  'vital-signs': 'MEASUREMENT',
  laboratory: 'MEASUREMENT',
  survey: 'SURVEY',
  exam: 'EXAM',
  procedure: 'PROCEDURE',
  '': 'MEASUREMENT',
};

/** True for a row that LabResult holds: laboratory, with a LOINC code and a value. */
export function isLabResult(row: SourceRow): boolean {
  return row.text('CATEGORY') === 'laboratory' && LOINC.test(row.text('CODE') ?? '') && row.text('VALUE') !== null;
}

/** observations.csv → LabResult. The value stays the text it was; a number is kept as a number beside it. */
export function mapLabResult(row: SourceRow, visits: PatientVisits): CreateInput<LabResult> {
  const visit = visits.of(row);
  return {
    studentId: visits.studentId,
    visitId: visit.id,
    loincCode: row.required('CODE'),
    testName: row.required('DESCRIPTION'),
    value: row.required('VALUE'),
    valueNumeric: numeric(row),
    unit: unit(row),
    observedAt: requiredTimestamp(row, 'DATE'),
    facilityName: visit.facilityName,
    orderedBy: visit.providerName,
  };
}

/** observations.csv → HealthRecord: what is neither a vital sign with a column of its own nor a laboratory result. */
export function mapObservation(row: SourceRow, visits: PatientVisits): CreateInput<HealthRecord> {
  const visit = visits.of(row);
  const code = row.required('CODE');
  return {
    studentId: visits.studentId,
    visitId: visit.id,
    recordType: RECORD_TYPES[row.text('CATEGORY') ?? ''] ?? 'OTHER',
    recordedAt: requiredTimestamp(row, 'DATE'),
    title: row.required('DESCRIPTION'),
    codeSystem: codeSystem(code),
    code,
    value: row.text('VALUE'),
    valueNumeric: numeric(row),
    unit: unit(row),
    facilityName: visit.facilityName,
    providerName: visit.providerName,
  };
}

/** Unit of a value (UCUM). Synthea writes the word null where there is none. */
export function unit(row: SourceRow): string | null {
  const text = row.text('UNITS');
  return text === 'null' ? null : text;
}

function codeSystem(code: string): RecordCodeSystem {
  if (LOINC.test(code)) return 'LOINC';
  return SNOMED.test(code) ? 'SNOMED' : 'OTHER';
}

function numeric(row: SourceRow): string | null {
  return row.text('TYPE') === 'numeric' ? exactDecimal(row.text('VALUE'), 18, 6) : null;
}
