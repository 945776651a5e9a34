import { allergenCategories, allergenCodeSystems, contactMethods, recordCodeSystems, severities } from '../../domains';
import { CreateStudentRequest } from '../students/create-student.request';
import { Choice, Flag, Nested, NestedList, Text, WholeNumber } from '../validation/fields';

/** Whom to call about the student. */
export class NewEmergencyContact {
  @Text(100) readonly firstName!: string;
  @Text(100) readonly lastName!: string;
  @Text(50, { example: 'Mother' }) readonly relationship!: string;
  @Text(30) readonly phone!: string;
  @Text(254, { optional: true }) readonly email?: string | null;
  @WholeNumber(1, 99, { optional: true, description: 'Whom to call first: 1.' }) readonly priority?: number;
  @Choice(contactMethods, { optional: true }) readonly preferredContactMethod?: (typeof contactMethods)[number] | null;
  @Flag({ optional: true }) readonly canPickUp?: boolean;
}

/** An allergy known at enrolment. */
export class NewAllergy {
  @Text(255, { example: 'Peanut' }) readonly allergen!: string;
  @Choice(allergenCategories, { optional: true }) readonly category?: (typeof allergenCategories)[number];
  @Choice(severities, { optional: true }) readonly severity?: (typeof severities)[number] | null;
  @Choice(allergenCodeSystems, { optional: true }) readonly codeSystem?: (typeof allergenCodeSystems)[number] | null;
  @Text(30, { optional: true, description: 'Needs codeSystem.' }) readonly code?: string | null;
  @Flag({ optional: true }) readonly epinephrineRequired?: boolean;
  @Text(10_000, { optional: true }) readonly emergencyProtocol?: string | null;
}

/** What was found at enrolment. */
export class EnrolmentCheck {
  @Text(500, { optional: true, example: 'Enrolment check' }) readonly title?: string | null;
  @Text(10_000, { optional: true }) readonly description?: string | null;
  @Text(10_000, { optional: true }) readonly diagnosis?: string | null;
  @Choice(recordCodeSystems, { optional: true }) readonly codeSystem?: (typeof recordCodeSystems)[number] | null;
  @Text(30, { optional: true, description: 'Needs codeSystem.' }) readonly code?: string | null;
}

/** Body of `POST /enrolments`. */
export class CreateEnrolmentRequest {
  @Nested(() => CreateStudentRequest)
  readonly student!: CreateStudentRequest;

  @NestedList(() => NewEmergencyContact, 10, { optional: true })
  readonly emergencyContacts?: readonly NewEmergencyContact[] | null;

  @NestedList(() => NewAllergy, 50, { optional: true })
  readonly allergies?: readonly NewAllergy[] | null;

  @Nested(() => EnrolmentCheck, { optional: true })
  readonly healthRecord?: EnrolmentCheck | null;
}
