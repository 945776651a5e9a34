import type { CreateInput } from '../../../src';
import type { StudentMedication } from '../../../src/domains';
import { refuseEndBeforeStart, requiredTimestamp, timestamp, wholeNumber } from '../column-value';
import type { Drug } from '../medication-catalogue';
import type { PatientVisits } from '../patient-visits';
import { RowRejection } from '../row-rejection';
import type { SourceRow } from '../source-row';

/** A StudentMedication whose drug is still to be found in the catalogue. */
export type MedicationDraft = Omit<CreateInput<StudentMedication>, 'medicationId'> & { readonly drug: Drug };

/** medications.csv → StudentMedication, and its drug by RxNorm code. Reasons are SNOMED CT. */
export function mapStudentMedication(row: SourceRow, visits: PatientVisits): MedicationDraft {
  const visit = visits.of(row);
  const rxnormCode = row.required('CODE');
  if (!/^\d{1,20}$/.test(rxnormCode)) throw new RowRejection('BAD_CODE', 'CODE is not an RxNorm code');
  const name = row.required('DESCRIPTION');
  // Refused here: the catalogue is shared, and its refusal would not be about this row.
  if ([...name].length > 500) throw new RowRejection('BAD_VALUE', 'DESCRIPTION is longer than 500 characters');
  const startedAt = requiredTimestamp(row, 'START');
  const endedAt = timestamp(row, 'STOP');
  refuseEndBeforeStart(startedAt, endedAt, 'START, STOP');
  return {
    drug: { rxnormCode, name },
    studentId: visits.studentId,
    visitId: visit.id,
    status: endedAt === null ? 'ACTIVE' : 'COMPLETED',
    startedAt,
    endedAt,
    dispenses: wholeNumber(row, 'DISPENSES'),
    reasonCode: row.text('REASONCODE'),
    reason: row.text('REASONDESCRIPTION'),
    facilityName: visit.facilityName,
    prescribedBy: visit.providerName,
  };
}
