import type { CreateInput } from '../../../src';
import type { HealthRecord } from '../../../src/domains';
import { refuseEndBeforeStart, requiredTimestamp, timestamp } from '../column-value';
import type { PatientVisits } from '../patient-visits';
import type { SourceRow } from '../source-row';

/** procedures.csv → HealthRecord. Codes are SNOMED CT. */
export function mapProcedure(row: SourceRow, visits: PatientVisits): CreateInput<HealthRecord> {
  const visit = visits.of(row);
  const recordedAt = requiredTimestamp(row, 'START');
  const endedAt = timestamp(row, 'STOP');
  refuseEndBeforeStart(recordedAt, endedAt, 'START, STOP');
  return {
    studentId: visits.studentId,
    visitId: visit.id,
    recordType: 'PROCEDURE',
    recordedAt,
    endedAt,
    title: row.required('DESCRIPTION'),
    codeSystem: 'SNOMED',
    code: row.required('CODE'),
    reasonCode: row.text('REASONCODE'),
    reason: row.text('REASONDESCRIPTION'),
    facilityName: visit.facilityName,
    providerName: visit.providerName,
  };
}
