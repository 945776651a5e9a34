import type { Type } from '@nestjs/common';
import type { Model } from 'sequelize';
import { type BaseRepository, type ExecutionContext, runWithContext } from '../../src';
import {
  AllergyRepository,
  AppointmentRepository,
  ChronicConditionRepository,
  ClinicVisitRepository,
  DistrictRepository,
  EmergencyContactRepository,
  HealthRecordRepository,
  LabResultRepository,
  MedicationRepository,
  SchoolRepository,
  StudentMedicationRepository,
  StudentRepository,
  TreatmentPlanRepository,
  UserRepository,
  VaccinationRepository,
  VitalSignsRepository,
} from '../../src/domains';
import type { DatabaseApp } from './database-app';

export type AnyRow = Readonly<Record<string, unknown>> & { readonly id: string; readonly version: number };
export type AnyRepository = BaseRepository<Model, AnyRow, object, object>;

/** One row of each tenant entity, by entity. */
export type Planted = Readonly<Record<string, AnyRow>>;

/** How to write a row of one entity. */
export interface EntityCase {
  readonly entity: string;
  readonly table: string;
  readonly repository: Type<AnyRepository>;
  /** @param n Makes what must be unique unique. */
  readonly input: (planted: Planted, n: string) => object;
  readonly patch: object;
}

const of = (
  entity: string,
  table: string,
  repository: unknown,
  input: EntityCase['input'],
  patch: object,
): EntityCase => ({ entity, table, repository: repository as Type<AnyRepository>, input, patch });

const patient = ({ Student }: Planted) => ({ studentId: Student!.id });
const visited = ({ Student, ClinicVisit }: Planted) => ({ studentId: Student!.id, visitId: ClinicVisit!.id });
const startedAt = new Date('2024-03-01T10:00:00Z');

/** Every tenant entity of the domain, in the order in which they point to each other. */
export const ENTITY_CASES: readonly EntityCase[] = [
  of('District', 'districts', DistrictRepository, (_, n) => ({ name: 'District', code: `D-${n}` }), {
    name: 'Changed',
  }),
  of(
    'School',
    'schools',
    SchoolRepository,
    ({ District }, n) => ({ districtId: District!.id, name: 'School', code: `S-${n}` }),
    { name: 'Changed' },
  ),
  of(
    'User',
    'users',
    UserRepository,
    ({ School }, n) => ({ schoolId: School!.id, email: `u-${n}@example.org`, firstName: 'Una', lastName: 'User' }),
    { phone: '555' },
  ),
  of(
    'Student',
    'students',
    StudentRepository,
    ({ School, User }, n) => ({
      schoolId: School!.id,
      nurseId: User!.id,
      studentNumber: `N-${n}`,
      firstName: 'Ada',
      lastName: 'Lovelace',
      dateOfBirth: '2014-12-10',
      gender: 'FEMALE',
    }),
    { grade: '9' },
  ),
  of(
    'EmergencyContact',
    'emergency_contacts',
    EmergencyContactRepository,
    (planted) => ({
      ...patient(planted),
      firstName: 'Annabella',
      lastName: 'Byron',
      relationship: 'mother',
      phone: '555',
    }),
    { canPickUp: true },
  ),
  of('ClinicVisit', 'clinic_visits', ClinicVisitRepository, (planted) => ({ ...patient(planted), startedAt }), {
    notes: 'changed',
  }),
  of(
    'Appointment',
    'appointments',
    AppointmentRepository,
    (planted) => ({ ...visited(planted), type: 'SCREENING', scheduledAt: startedAt }),
    { durationMinutes: 45 },
  ),
  of(
    'HealthRecord',
    'health_records',
    HealthRecordRepository,
    (planted) => ({ ...visited(planted), recordType: 'ILLNESS' }),
    { title: 'changed' },
  ),
  of('Allergy', 'allergies', AllergyRepository, (planted) => ({ ...visited(planted), allergen: 'peanut' }), {
    severity: 'SEVERE',
  }),
  of(
    'ChronicCondition',
    'chronic_conditions',
    ChronicConditionRepository,
    (planted) => ({ ...visited(planted), condition: 'asthma' }),
    { severity: 'MILD' },
  ),
  of('VitalSigns', 'vital_signs', VitalSignsRepository, (planted) => ({ ...visited(planted), heightCm: '127.90' }), {
    weightKg: '25.50',
  }),
  of(
    'LabResult',
    'lab_results',
    LabResultRepository,
    (planted) => ({ ...visited(planted), testName: 'glucose', value: '5.1' }),
    { unit: 'mmol/L' },
  ),
  of('Vaccination', 'vaccinations', VaccinationRepository, (planted) => ({ ...visited(planted), vaccineName: 'MMR' }), {
    doseNumber: 2,
  }),
  of(
    'TreatmentPlan',
    'treatment_plans',
    TreatmentPlanRepository,
    (planted) => ({ ...visited(planted), title: 'plan', startedOn: '2024-03-01' }),
    { goals: 'changed' },
  ),
  of('Medication', 'medications', MedicationRepository, (_, n) => ({ name: `Drug ${n}` }), { strength: '5 mg' }),
  of(
    'StudentMedication',
    'student_medications',
    StudentMedicationRepository,
    (planted) => ({ ...visited(planted), medicationId: planted.Medication!.id, startedAt }),
    { dosage: 'changed' },
  ),
];

/** Stores one row of every tenant entity for the clinic of `context`. */
export async function plantEveryEntity(app: DatabaseApp, context: ExecutionContext, n: string): Promise<Planted> {
  const planted: Record<string, AnyRow> = {};
  await runWithContext(context, async () => {
    for (const { entity, repository, input } of ENTITY_CASES)
      planted[entity] = await app.get(repository).create(input(planted, n));
  });
  return planted;
}
