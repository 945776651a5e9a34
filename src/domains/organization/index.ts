import { ClinicRepository } from './clinic';
import { DistrictRepository } from './district';
import { SchoolRepository } from './school';
import { UserRepository } from './user';

export { Clinic, ClinicRepository, clinicKinds, type ClinicKind } from './clinic';
export { District, DistrictRepository } from './district';
export { School, SchoolRepository } from './school';
export { User, UserRepository, userRoles, subscriptionTiers, type SubscriptionTier, type UserRole } from './user';

/** Organisation units and the people who work there. For `DatabaseModule.forFeature`. */
export const organizationRepositories = [
  ClinicRepository,
  DistrictRepository,
  SchoolRepository,
  UserRepository,
] as const;
