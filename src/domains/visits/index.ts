import { ClinicVisitRepository } from './clinic-visit';
import { AppointmentRepository } from './appointment';

export {
  ClinicVisit,
  ClinicVisitRepository,
  visitClasses,
  dispositions,
  type Disposition,
  type VisitClass,
} from './clinic-visit';
export {
  Appointment,
  AppointmentRepository,
  appointmentTypes,
  appointmentStatuses,
  type AppointmentStatus,
  type AppointmentType,
} from './appointment';

/** Contacts with the clinic, made and planned. For `DatabaseModule.forFeature`. */
export const visitsRepositories = [ClinicVisitRepository, AppointmentRepository] as const;
