import { ApiProperty } from '@nestjs/swagger';
import type { Entity } from '../../index';
import { genders, type Student } from '../../domains';
import { PageInfo } from './page-info.response';

const optional = { type: String, nullable: true } as const;

/** A student in a list. */
export class StudentSummary {
  @ApiProperty({ format: 'uuid' }) readonly id!: string;
  @ApiProperty({ description: 'Send it back with a change.' }) readonly version!: number;
  @ApiProperty() readonly studentNumber!: string;
  @ApiProperty() readonly firstName!: string;
  @ApiProperty() readonly lastName!: string;
  @ApiProperty({ format: 'date' }) readonly dateOfBirth!: string;
  @ApiProperty({ enum: [...genders] }) readonly gender!: string;
  @ApiProperty(optional) readonly grade!: string | null;
  @ApiProperty({ ...optional, format: 'uuid' }) readonly schoolId!: string | null;
  @ApiProperty() readonly isActive!: boolean;
  @ApiProperty() readonly createdAt!: Date;
  @ApiProperty() readonly updatedAt!: Date;
}

/** Attributes of a summary; a list reads no others. */
export const summaryAttributes = [
  'id',
  'version',
  'studentNumber',
  'firstName',
  'lastName',
  'dateOfBirth',
  'gender',
  'grade',
  'schoolId',
  'isActive',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof StudentSummary & keyof Entity<Student>)[];

/** A student. */
export class StudentResponse extends StudentSummary {
  @ApiProperty(optional) readonly medicalRecordNumber!: string | null;
  @ApiProperty(optional) readonly middleName!: string | null;
  @ApiProperty(optional) readonly race!: string | null;
  @ApiProperty(optional) readonly ethnicity!: string | null;
  @ApiProperty(optional) readonly phone!: string | null;
  @ApiProperty(optional) readonly email!: string | null;
  @ApiProperty(optional) readonly address!: string | null;
  @ApiProperty(optional) readonly city!: string | null;
  @ApiProperty(optional) readonly state!: string | null;
  @ApiProperty(optional) readonly postalCode!: string | null;
  @ApiProperty({ ...optional, format: 'date' }) readonly enrollmentDate!: string | null;
  @ApiProperty({ ...optional, format: 'uuid' }) readonly nurseId!: string | null;
}

const attributes = [
  ...summaryAttributes,
  'medicalRecordNumber',
  'middleName',
  'race',
  'ethnicity',
  'phone',
  'email',
  'address',
  'city',
  'state',
  'postalCode',
  'enrollmentDate',
  'nurseId',
] as const satisfies readonly (keyof StudentResponse & keyof Entity<Student>)[];

/** What the API shows of a student: never more than is listed here. */
export function toStudentResponse(student: Entity<Student>): StudentResponse {
  return Object.fromEntries(
    attributes.map((attribute) => [attribute, student[attribute]]),
  ) as unknown as StudentResponse;
}

/** Attributes of the school that are shown with a student. */
export const schoolAttributes = ['id', 'name'] as const;

/** The school of a student. */
export class SchoolOfStudent {
  @ApiProperty({ format: 'uuid' }) readonly id!: string;
  @ApiProperty({ example: 'Northside' }) readonly name!: string;
}

/** A student and the school. */
export class StudentWithSchool extends StudentResponse {
  @ApiProperty({ type: SchoolOfStudent, nullable: true, description: 'Null where there is none, or it was deleted.' })
  readonly school!: SchoolOfStudent | null;
}

/** A page of students. */
export class StudentPage {
  @ApiProperty({ type: [StudentSummary] }) readonly data!: readonly StudentSummary[];
  @ApiProperty({ type: PageInfo }) readonly pagination!: PageInfo;
}

/** Where to go on from a page. */
export class Cursors {
  @ApiProperty({ type: String, nullable: true, description: 'For `after`; null on the last page.' })
  readonly next!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'For `before`; null on the first page.' })
  readonly previous!: string | null;
}

/** A page of students, read by its place. */
export class StudentScroll {
  @ApiProperty({ type: [StudentSummary] }) readonly data!: readonly StudentSummary[];
  @ApiProperty({ type: Cursors }) readonly cursors!: Cursors;
}
