import type { CreateInput } from '../../../src';
import type { ChronicCondition } from '../../../src/domains';
import { date, refuseEndBeforeStart } from '../column-value';
import type { PatientVisits } from '../patient-visits';
import type { SourceRow } from '../source-row';

/** conditions.csv → ChronicCondition. Codes are SNOMED CT. */
export function mapChronicCondition(row: SourceRow, visits: PatientVisits): CreateInput<ChronicCondition> {
  const visit = visits.of(row);
  const onsetOn = date(row, 'START');
  const abatedOn = date(row, 'STOP');
  refuseEndBeforeStart(onsetOn, abatedOn, 'START, STOP');
  return {
    studentId: visits.studentId,
    visitId: visit.id,
    condition: row.required('DESCRIPTION'),
    codeSystem: 'SNOMED',
    code: row.required('CODE'),
    status: abatedOn === null ? 'ACTIVE' : 'RESOLVED',
    onsetOn,
    abatedOn,
    diagnosedBy: visit.providerName,
  };
}
