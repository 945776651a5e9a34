import type { CreateInput } from '../../../src';
import type { Vaccination } from '../../../src/domains';
import { requiredTimestamp } from '../column-value';
import type { PatientVisits } from '../patient-visits';
import type { SourceRow } from '../source-row';

/** immunizations.csv → Vaccination. Codes are CVX. */
export function mapVaccination(row: SourceRow, visits: PatientVisits): CreateInput<Vaccination> {
  const visit = visits.of(row);
  return {
    studentId: visits.studentId,
    visitId: visit.id,
    vaccineName: row.required('DESCRIPTION'),
    cvxCode: row.required('CODE'),
    administeredAt: requiredTimestamp(row, 'DATE'),
    administeredBy: visit.providerName,
    facilityName: visit.facilityName,
  };
}
