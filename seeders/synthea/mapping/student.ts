import type { CreateInput } from '../../../src';
import type { Gender, MaritalStatus, Student } from '../../../src/domains';
import { date, refuseEndBeforeStart, requiredDate, translate } from '../column-value';
import type { SourceRow } from '../source-row';
import { SYNTHEA_SCHOOL_ID } from '../synthea-clinic';

const GENDERS: Readonly<Record<string, Gender>> = { F: 'FEMALE', M: 'MALE', O: 'OTHER', U: 'UNKNOWN', '': 'UNKNOWN' };
const MARITAL: Readonly<Record<string, MaritalStatus | null>> = {
  S: 'SINGLE',
  M: 'MARRIED',
  D: 'DIVORCED',
  W: 'WIDOWED',
  '': null,
};

/** patients.csv → Student. The export's id becomes the student number. */
export function mapStudent(row: SourceRow): CreateInput<Student> {
  const dateOfBirth = requiredDate(row, 'BIRTHDATE');
  const dateOfDeath = date(row, 'DEATHDATE');
  refuseEndBeforeStart(dateOfBirth, dateOfDeath, 'BIRTHDATE, DEATHDATE');
  return {
    schoolId: SYNTHEA_SCHOOL_ID,
    studentNumber: row.required('Id'),
    prefix: row.text('PREFIX'),
    firstName: row.required('FIRST'),
    middleName: row.text('MIDDLE'),
    lastName: row.required('LAST'),
    suffix: row.text('SUFFIX'),
    maidenName: row.text('MAIDEN'),
    dateOfBirth,
    dateOfDeath,
    gender: translate(row, 'GENDER', GENDERS),
    maritalStatus: translate(row, 'MARITAL', MARITAL),
    race: row.text('RACE'),
    ethnicity: row.text('ETHNICITY'),
    socialSecurityNumber: row.text('SSN'),
    driversLicense: row.text('DRIVERS'),
    passportNumber: row.text('PASSPORT'),
    birthplace: row.text('BIRTHPLACE'),
    address: row.text('ADDRESS'),
    city: row.text('CITY'),
    county: row.text('COUNTY'),
    state: row.text('STATE'),
    postalCode: row.text('ZIP'),
    isActive: dateOfDeath === null,
  };
}
