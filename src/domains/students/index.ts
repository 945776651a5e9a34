import { StudentRepository } from './student';
import { EmergencyContactRepository } from './emergency-contact';

export { Student, StudentRepository, genders, maritalStatuses, type Gender, type MaritalStatus } from './student';
export { EmergencyContact, EmergencyContactRepository, contactMethods, type ContactMethod } from './emergency-contact';

/** Patients and whom to call about them. For `DatabaseModule.forFeature`. */
export const studentsRepositories = [StudentRepository, EmergencyContactRepository] as const;
