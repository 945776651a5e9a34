import { MedicationRepository } from './medication';
import { StudentMedicationRepository } from './student-medication';

export { Medication, MedicationRepository, deaSchedules, type DeaSchedule } from './medication';
export {
  StudentMedication,
  StudentMedicationRepository,
  medicationStatuses,
  type MedicationStatus,
} from './student-medication';

/** Drugs and who takes them. For `DatabaseModule.forFeature`. */
export const medicationsRepositories = [MedicationRepository, StudentMedicationRepository] as const;
