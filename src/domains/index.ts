/**
 * The reference domain of a school-health clinic. What identifies a patient or tells of their health is `@Phi`. Not so:
 * ids, states, flags, units, and the times of clinical events, by which histories are ordered; and what is not about
 * patients at all (clinics, districts, schools, users, the catalogue of drugs).
 */
import { organizationRepositories } from './organization';
import { studentsRepositories } from './students';
import { visitsRepositories } from './visits';
import { healthRecordsRepositories } from './health-records';
import { medicationsRepositories } from './medications';

export * from './organization';
export * from './students';
export * from './visits';
export * from './health-records';
export * from './medications';

/** Every repository of the domain. */
export const domainRepositories = [
  ...organizationRepositories,
  ...studentsRepositories,
  ...visitsRepositories,
  ...healthRecordsRepositories,
  ...medicationsRepositories,
] as const;
