import { HealthRecordRepository } from './health-record';
import { AllergyRepository } from './allergy';
import { ChronicConditionRepository } from './chronic-condition';
import { VitalSignsRepository } from './vital-signs';
import { LabResultRepository } from './lab-result';
import { VaccinationRepository } from './vaccination';
import { TreatmentPlanRepository } from './treatment-plan';

export {
  HealthRecord,
  HealthRecordRepository,
  recordTypes,
  recordCodeSystems,
  type RecordCodeSystem,
  type RecordType,
} from './health-record';
export {
  Allergy,
  AllergyRepository,
  allergenCodeSystems,
  allergyTypes,
  allergenCategories,
  severities,
  allergyStatuses,
  type AllergenCategory,
  type AllergenCodeSystem,
  type AllergyReaction,
  type AllergyStatus,
  type AllergyType,
  type Severity,
} from './allergy';
export {
  ChronicCondition,
  ChronicConditionRepository,
  conditionCodeSystems,
  conditionStatuses,
  type ConditionCodeSystem,
  type ConditionStatus,
} from './chronic-condition';
export { VitalSigns, VitalSignsRepository } from './vital-signs';
export {
  LabResult,
  LabResultRepository,
  interpretations,
  labResultStatuses,
  type Interpretation,
  type LabResultStatus,
} from './lab-result';
export { Vaccination, VaccinationRepository } from './vaccination';
export {
  TreatmentPlan,
  TreatmentPlanRepository,
  planCodeSystems,
  planStatuses,
  type PlanCodeSystem,
  type PlanStatus,
} from './treatment-plan';

/** What is known of a patient's health. For `DatabaseModule.forFeature`. */
export const healthRecordsRepositories = [
  HealthRecordRepository,
  AllergyRepository,
  ChronicConditionRepository,
  VitalSignsRepository,
  LabResultRepository,
  VaccinationRepository,
  TreatmentPlanRepository,
] as const;
