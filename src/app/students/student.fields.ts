import { genders } from '../../domains';
import { CalendarDate, Choice, Flag, Text, Uuid } from '../validation/fields';

/** What may be said of a student beside who it is; all of it optional. */
export class StudentDetails {
  @Text(50, { optional: true })
  readonly medicalRecordNumber?: string | null;

  @Text(100, { optional: true })
  readonly middleName?: string | null;

  @Text(50, { optional: true })
  readonly race?: string | null;

  @Text(50, { optional: true })
  readonly ethnicity?: string | null;

  @Text(30, { optional: true })
  readonly phone?: string | null;

  @Text(254, { optional: true })
  readonly email?: string | null;

  @Text(300, { optional: true })
  readonly address?: string | null;

  @Text(100, { optional: true })
  readonly city?: string | null;

  @Text(100, { optional: true })
  readonly state?: string | null;

  @Text(20, { optional: true })
  readonly postalCode?: string | null;

  @Text(10, { optional: true, example: '5' })
  readonly grade?: string | null;

  @CalendarDate({ optional: true })
  readonly enrollmentDate?: string | null;

  @Uuid({ optional: true, description: 'The nurse in charge.' })
  readonly nurseId?: string | null;

  @Flag({ optional: true })
  readonly isActive?: boolean;
}

/** Who the student is. */
export class StudentFields extends StudentDetails {
  @Text(50, { example: 'S-1001', description: 'Unique in the clinic.' })
  readonly studentNumber!: string;

  @Text(100, { example: 'Ada' })
  readonly firstName!: string;

  @Text(100, { example: 'Lovelace' })
  readonly lastName!: string;

  @CalendarDate({ example: '2014-12-10' })
  readonly dateOfBirth!: string;

  @Choice(genders)
  readonly gender!: (typeof genders)[number];
}
