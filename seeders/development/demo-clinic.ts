import { createSystemExecutionContext, type IUnitOfWork, UNIT_OF_WORK } from '../../src';
import {
  AllergyRepository,
  AppointmentRepository,
  ChronicConditionRepository,
  ClinicVisitRepository,
  EmergencyContactRepository,
  HealthRecordRepository,
  LabResultRepository,
  MedicationRepository,
  StudentMedicationRepository,
  StudentRepository,
  TreatmentPlanRepository,
  VaccinationRepository,
  VitalSignsRepository,
} from '../../src/domains';
import { defineSeed, type SeedContext } from '../../src/database/seeding/define-seed';
import { upsertMedications } from '../reference/medications';
import { demoHealth } from './demo-health';
import { DEMO_CLINIC_ID } from './demo-identity';
import { ensureDemoOrganisation } from './demo-organisation';
import { demoContacts, demoStudent } from './demo-student';
import { demoVisits } from './demo-visits';
import { ensureRows, type SeedTarget } from './ensure-rows';
import { loadFaker } from './load-faker';

const STUDENTS = 50;

/** The clinic that `npm start` shows. */
export const demoClinic = defineSeed({
  name: 'demo-clinic',
  description: `A school-health clinic: 3 schools, a user of each role, ${STUDENTS} students with histories`,
  run: async (seed) => {
    const unitOfWork = seed.get<IUnitOfWork>(UNIT_OF_WORK);
    const context = createSystemExecutionContext({
      clinicId: DEMO_CLINIC_ID,
      requestId: 'seed-development',
      reason: 'Demo data',
    });
    const faker = await loadFaker(seed.options.seed);
    await unitOfWork.executeInTransaction(async () => {
      await ensureDemoOrganisation(seed, faker);
      const drugs = await upsertMedications(seed.get(MedicationRepository), unitOfWork, context);
      const students = Array.from({ length: STUDENTS }, (_, i) => {
        const student = demoStudent(faker, i + 1);
        return {
          row: student.row,
          contacts: demoContacts(faker, student),
          ...demoVisits(faker, student),
          ...demoHealth(faker, student),
        };
      });
      await ensure(
        seed,
        StudentRepository,
        students.map(({ row }) => row),
      );
      await ensure(
        seed,
        EmergencyContactRepository,
        students.flatMap(({ contacts }) => contacts),
      );
      await ensure(
        seed,
        ClinicVisitRepository,
        students.flatMap(({ visits }) => visits),
      );
      await ensure(
        seed,
        AppointmentRepository,
        students.flatMap(({ appointments }) => appointments),
      );
      await ensure(
        seed,
        HealthRecordRepository,
        students.flatMap(({ records }) => records),
      );
      await ensure(
        seed,
        VitalSignsRepository,
        students.flatMap(({ vitalSigns }) => vitalSigns),
      );
      await ensure(
        seed,
        AllergyRepository,
        students.flatMap(({ allergies }) => allergies),
      );
      await ensure(
        seed,
        ChronicConditionRepository,
        students.flatMap(({ conditions }) => conditions),
      );
      await ensure(
        seed,
        TreatmentPlanRepository,
        students.flatMap(({ plans }) => plans),
      );
      await ensure(
        seed,
        VaccinationRepository,
        students.flatMap(({ vaccinations }) => vaccinations),
      );
      await ensure(
        seed,
        LabResultRepository,
        students.flatMap(({ labResults }) => labResults),
      );
      const medications = students.flatMap(({ medications }) => medications);
      await ensure(
        seed,
        StudentMedicationRepository,
        medications.map(({ rxnormCode, ...row }) => ({ ...row, medicationId: drugs.get(rxnormCode)! })),
      );
    }, context);
  },
});

async function ensure<Input>(
  { get, emit }: SeedContext,
  repository: (abstract new (...args: never[]) => SeedTarget<Input>) & { readonly model: { readonly name: string } },
  rows: readonly (Input & { readonly id: string })[],
): Promise<void> {
  const created = await ensureRows(get(repository), rows);
  emit({ event: 'counts', entity: repository.model.name, rows: rows.length, created });
}
