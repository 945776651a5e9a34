import type { CreateInput } from '../../../src';
import type { TreatmentPlan } from '../../../src/domains';
import { date, refuseEndBeforeStart, requiredDate } from '../column-value';
import type { PatientVisits } from '../patient-visits';
import type { SourceRow } from '../source-row';

/** careplans.csv → TreatmentPlan. Codes are SNOMED CT. */
export function mapTreatmentPlan(row: SourceRow, visits: PatientVisits): CreateInput<TreatmentPlan> {
  const visit = visits.of(row);
  const startedOn = requiredDate(row, 'START');
  const endedOn = date(row, 'STOP');
  refuseEndBeforeStart(startedOn, endedOn, 'START, STOP');
  return {
    studentId: visits.studentId,
    visitId: visit.id,
    title: row.required('DESCRIPTION'),
    codeSystem: 'SNOMED',
    code: row.required('CODE'),
    reasonCode: row.text('REASONCODE'),
    reason: row.text('REASONDESCRIPTION'),
    status: endedOn === null ? 'ACTIVE' : 'COMPLETED',
    startedOn,
    endedOn,
    facilityName: visit.facilityName,
    providerName: visit.providerName,
  };
}
