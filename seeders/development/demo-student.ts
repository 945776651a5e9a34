import type { Faker } from '@faker-js/faker';
import type { CreateInput } from '../../src';
import type { EmergencyContact, Student } from '../../src/domains';
import { DEMO_CLINIC_ID, DEMO_SCHOOL_IDS, DEMO_USER_IDS } from './demo-identity';
import { dateOf, daysBefore } from './load-faker';
import { stableId } from './stable-id';

/** An invented student, and what the histories need to know of them. */
export interface DemoStudent {
  readonly row: CreateInput<Student> & { readonly id: string };
  /** Years, on the reference date. */
  readonly age: number;
  readonly bornAt: Date;
  /** Id of the student's row of that kind and place in the history; the same in every run. */
  idOf(kind: string, place?: number): string;
}

/** Makes student number `number`, from 1. */
export function demoStudent(faker: Faker, number: number): DemoStudent {
  const studentNumber = `S-${String(1000 + number)}`;
  const idOf = (kind: string, place = 0): string => stableId(DEMO_CLINIC_ID, studentNumber, kind, place);
  const age = 6 + ((number - 1) % 12);
  // Between two birthdays, so that the age holds on the reference date.
  const bornAt = daysBefore(Math.ceil(age * 365.25) + faker.number.int({ min: 1, max: 360 }));
  const sex = faker.helpers.arrayElement(['female', 'male'] as const);
  const row = {
    id: idOf('Student'),
    schoolId: DEMO_SCHOOL_IDS[age < 11 ? 0 : age < 14 ? 1 : 2],
    nurseId: DEMO_USER_IDS.NURSE,
    studentNumber,
    medicalRecordNumber: `MRN-${String(70_000 + number)}`,
    firstName: faker.person.firstName(sex),
    middleName: faker.datatype.boolean(0.4) ? faker.person.middleName(sex) : null,
    lastName: faker.person.lastName(),
    dateOfBirth: dateOf(bornAt),
    gender: sex === 'female' ? ('FEMALE' as const) : ('MALE' as const),
    phone: phone(faker),
    address: faker.location.streetAddress(),
    city: 'Springfield',
    state: 'Massachusetts',
    postalCode: '01101',
    grade: String(age - 5),
    enrollmentDate: dateOf(daysBefore(faker.number.int({ min: 120, max: 500 }))),
  };
  return { row, age, bornAt, idOf };
}

/** One or two people to call. */
export function demoContacts(faker: Faker, student: DemoStudent): (CreateInput<EmergencyContact> & { id: string })[] {
  const relationships = faker.helpers.arrayElements(['Mother', 'Father', 'Grandmother', 'Aunt'], { min: 1, max: 2 });
  return relationships.map((relationship, i) => ({
    id: student.idOf('EmergencyContact', i),
    studentId: student.row.id,
    firstName: faker.person.firstName(relationship === 'Father' ? 'male' : 'female'),
    lastName: student.row.lastName,
    relationship,
    phone: phone(faker),
    email: `${relationship.toLowerCase()}.${student.row.studentNumber.toLowerCase()}@family.example`,
    priority: i + 1,
    preferredContactMethod: 'PHONE',
    canPickUp: true,
  }));
}

/** A number that nobody has (555-0100 to 555-0199 are kept for fiction). */
function phone(faker: Faker): string {
  return `${faker.number.int({ min: 201, max: 989 })}-555-01${faker.string.numeric(2)}`;
}
