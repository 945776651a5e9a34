import {
  CheckViolationError,
  ForeignKeyViolationError,
  InvalidInputError,
  runWithContext,
  UniqueViolationError,
} from '../../src';
import {
  AllergyRepository,
  AppointmentRepository,
  ChronicConditionRepository,
  ClinicVisitRepository,
  HealthRecordRepository,
  MedicationRepository,
  SchoolRepository,
  StudentMedicationRepository,
  StudentRepository,
  TreatmentPlanRepository,
  UserRepository,
  VaccinationRepository,
  VitalSignsRepository,
} from '../../src/domains';
import { type PatientApp, startPatientApp, student } from './patient';

let on: PatientApp;
let studentId: string;

beforeAll(async () => {
  on = await startPatientApp();
  ({ studentId } = on);
});
afterAll(() => on?.app.close());

const inA = <T>(work: () => T): T => runWithContext(on.clinics.a, work);
const get: PatientApp['app']['get'] = (token) => on.app.get(token);

/** Name of the constraint that refuses `work`. */
async function refusedBy(work: () => Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await inA(work).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CheckViolationError);
  return (error as { constraint?: string }).constraint;
}

const early = new Date('2024-01-01T08:00:00Z');
const late = new Date('2024-01-01T09:00:00Z');

describe('The schema refuses', () => {
  it('an end before its start [001-14]', async () => {
    const visits = get(ClinicVisitRepository);
    expect(await refusedBy(() => visits.create({ studentId, startedAt: late, endedAt: early }))).toMatch(
      /end_after_start/,
    );
    const records = get(HealthRecordRepository);
    const record = { studentId, recordType: 'PROCEDURE' as const, recordedAt: late, endedAt: early };
    expect(await refusedBy(() => records.create(record))).toMatch(/end_after_start/);
    const plans = get(TreatmentPlanRepository);
    const plan = { studentId, title: 'Plan', startedOn: '2024-02-01', endedOn: '2024-01-01' };
    expect(await refusedBy(() => plans.create(plan))).toMatch(/end_after_start/);
    const allergy = {
      studentId,
      allergen: 'Nuts',
      onsetOn: '2024-02-01',
      resolvedOn: '2024-01-01',
      status: 'RESOLVED' as const,
    };
    expect(await refusedBy(() => get(AllergyRepository).create(allergy))).toMatch(/end_after_onset/);
  });

  it('a death before birth, and nothing else about dates: the clock plays no part', async () => {
    const students = get(StudentRepository);
    const born = { ...student('dates'), dateOfBirth: '2999-01-01' };
    expect(await refusedBy(() => students.create({ ...born, dateOfDeath: '2998-12-31' }))).toMatch(/death_after_birth/);
    await inA(() => students.create({ ...born, dateOfDeath: '2999-01-01' }));
  });

  it('a state that contradicts its dates', async () => {
    const allergy = { studentId, allergen: 'Nuts', resolvedOn: '2024-01-01' };
    expect(await refusedBy(() => get(AllergyRepository).create(allergy))).toMatch(/resolved_is_not_active/);
    const condition = { studentId, condition: 'Asthma', abatedOn: '2024-01-01' };
    expect(await refusedBy(() => get(ChronicConditionRepository).create(condition))).toMatch(/abated_is_resolved/);
    const appointment = { studentId, type: 'SCREENING' as const, scheduledAt: late, cancellationReason: 'Ill' };
    expect(await refusedBy(() => get(AppointmentRepository).create(appointment))).toMatch(/reason_of_cancelled/);
  });

  it('a dose beyond its series, a schedule without control, a code without its vocabulary', async () => {
    const dose = { studentId, vaccineName: 'MMR', doseNumber: 3, seriesDoses: 2 };
    expect(await refusedBy(() => get(VaccinationRepository).create(dose))).toMatch(/dose_within_series/);
    const drug = { name: 'Morphine', deaSchedule: 'II' as const };
    expect(await refusedBy(() => get(MedicationRepository).create(drug))).toMatch(/schedule_of_controlled/);
    const coded = { studentId, condition: 'Asthma', code: '195967001' };
    expect(await refusedBy(() => get(ChronicConditionRepository).create(coded))).toMatch(/code_has_system/);
  });

  it('measurements that cannot be, and a session without any; unusual ones pass', async () => {
    const vitals = get(VitalSignsRepository);
    for (const impossible of [
      { painScore: '11' },
      { heightCm: '0' },
      { temperatureCelsius: '98.60' },
      { systolicMmhg: '-1' },
    ]) {
      expect(await refusedBy(() => vitals.create({ studentId, ...impossible }))).toMatch(/^vital_signs_\w+_check$/);
    }
    expect(await refusedBy(() => vitals.create({ studentId, notes: 'None taken' }))).toMatch(/not_empty/);
    const unusual = {
      heightCm: '53.4',
      weightKg: '2.15',
      temperatureCelsius: '34.1',
      heartRatePerMinute: '0',
      painScore: '0.0',
    };
    const stored = await inA(() => vitals.create({ studentId, ...unusual }));
    for (const [name, value] of Object.entries(unusual)) {
      expect(Number(stored[name as keyof typeof unusual])).toBe(Number(value));
    }
  });

  it('an e-mail address in upper case, and empty text', async () => {
    const user = { email: 'Mary@example.org', firstName: 'Mary', lastName: 'Seacole' };
    expect(await refusedBy(() => get(UserRepository).create(user))).toMatch(/users_email_check/);
    expect(await refusedBy(() => get(StudentRepository).create({ ...student('blank'), firstName: '' }))).toMatch(
      /first_name/,
    );
  });

  it('reactions that are no list', async () => {
    const allergy = { studentId, allergen: 'Nuts', reactions: { code: '1' } as never };
    expect(await refusedBy(() => get(AllergyRepository).create(allergy))).toMatch(/reactions/);
  });

  it('too long a text and a wrong enum before anything is sent', async () => {
    const students = get(StudentRepository);
    await expect(inA(() => students.create({ ...student('long'), grade: 'x'.repeat(11) }))).rejects.toThrow(
      InvalidInputError,
    );
    await expect(inA(() => students.create({ ...student('enum'), gender: 'female' as never }))).rejects.toThrow(
      InvalidInputError,
    );
  });
});

describe('A reference', () => {
  it('to a visit must be to one of the same patient [000-27]', async () => {
    const other = await inA(() => get(StudentRepository).create(student('other')));
    const visit = await inA(() => get(ClinicVisitRepository).create({ studentId: other.id }));
    const record = { recordType: 'SURVEY' as const, visitId: visit.id };
    await expect(inA(() => get(HealthRecordRepository).create({ ...record, studentId }))).rejects.toThrow(
      ForeignKeyViolationError,
    );
    await inA(() => get(HealthRecordRepository).create({ ...record, studentId: other.id }));
  });

  it('cannot leave the clinic', async () => {
    const inB = await runWithContext(on.clinics.b, () => get(SchoolRepository).create({ name: 'B', code: 'B' }));
    const stray = inA(() => get(StudentRepository).update(studentId, { schoolId: inB.id }));
    await expect(stray).rejects.toThrow(ForeignKeyViolationError);
  });
});

describe('Uniqueness', () => {
  it('holds in a clinic among the not deleted, and says nothing about other clinics [004-15] [000-26]', async () => {
    const users = get(UserRepository);
    const user = { email: 'same@example.org', firstName: 'A', lastName: 'B' };
    const first = await inA(() => users.create(user));
    await expect(inA(() => users.create(user))).rejects.toThrow(UniqueViolationError);
    await runWithContext(on.clinics.b, () => users.create(user));
    await inA(() => users.delete(first.id));
    await inA(() => users.create(user));
  });

  it('of an imported row includes the deleted: a second import does not revive it', async () => {
    const medications = get(MedicationRepository);
    const taken = get(StudentMedicationRepository);
    const drug = await inA(() => medications.create({ name: 'Loratadine 5 MG', rxnormCode: '665078' }));
    const row = { studentId, medicationId: drug.id, startedAt: early, sourceHash: 'a'.repeat(64) };
    const first = await inA(() => taken.create(row));
    await inA(() => taken.delete(first.id));
    await expect(inA(() => taken.create(row))).rejects.toThrow(UniqueViolationError);
  });
});
