import type { CreateInput } from '../../../src';
import type { ClinicVisit, VisitClass } from '../../../src/domains';
import { refuseEndBeforeStart, requiredTimestamp, timestamp, translate } from '../column-value';
import type { FacilityDirectory } from '../facility-directory';
import type { SourceRow } from '../source-row';

const CLASSES: Readonly<Record<string, VisitClass>> = {
  ambulatory: 'AMBULATORY',
  emergency: 'EMERGENCY',
  home: 'HOME',
  hospice: 'HOSPICE',
  inpatient: 'INPATIENT',
  outpatient: 'OUTPATIENT',
  snf: 'SKILLED_NURSING',
  urgentcare: 'URGENT_CARE',
  virtual: 'VIRTUAL',
  wellness: 'WELLNESS',
};

/** encounters.csv → ClinicVisit, with the names of the organisation and the provider. Codes are SNOMED CT. */
export function mapVisit(row: SourceRow, studentId: string, directory: FacilityDirectory): CreateInput<ClinicVisit> {
  const startedAt = requiredTimestamp(row, 'START');
  const endedAt = timestamp(row, 'STOP');
  refuseEndBeforeStart(startedAt, endedAt, 'START, STOP');
  return {
    studentId,
    visitClass: translate(row, 'ENCOUNTERCLASS', CLASSES),
    startedAt,
    endedAt,
    code: row.text('CODE'),
    description: row.text('DESCRIPTION'),
    reasonCode: row.text('REASONCODE'),
    reason: row.text('REASONDESCRIPTION'),
    facilityName: directory.facility(row.text('ORGANIZATION')),
    providerName: directory.provider(row.text('PROVIDER')),
  };
}
