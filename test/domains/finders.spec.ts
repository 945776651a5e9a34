import { runWithContext } from '../../src';
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
import { type PatientApp, startPatientApp, student } from './patient';

const [first, second, third] = ['2024-01-01', '2024-02-01', '2024-03-01'] as const;
const at = (date: string): Date => new Date(`${date}T08:00:00Z`);

let on: PatientApp;
let studentId: string;

beforeAll(async () => {
  on = await startPatientApp();
  ({ studentId } = on);
});
afterAll(() => on?.app.close());

const inA = <T>(work: () => T): T => runWithContext(on.clinics.a, work);
const get: PatientApp['app']['get'] = (token) => on.app.get(token);

describe('Finders of the organisation', () => {
  it('find by code, by name within a district, by role and by address in any case', async () => {
    await inA(async () => {
      const district = await get(DistrictRepository).create({ name: 'North', code: 'N' });
      expect(await get(DistrictRepository).findByCode('N')).toEqual(district);
      const schools = get(SchoolRepository);
      for (const name of ['Vale', 'Abbey']) await schools.create({ name, code: name, districtId: district.id });
      expect((await schools.findByDistrict(district.id)).map(({ name }) => name)).toEqual(['Abbey', 'Vale']);
      expect((await schools.findByCode('HILL'))?.id).toBe(on.schoolId);
      const users = get(UserRepository);
      expect((await users.findByEmail('NURSE@example.org'))?.id).toBe(on.nurseId);
      expect((await users.findByRole('NURSE')).map(({ id }) => id)).toEqual([on.nurseId]);
      expect(await users.findBySchool(on.schoolId)).toEqual([]);
    });
  });
});

describe('Finders of students', () => {
  it('find one by its numbers, and pages by school, grade and nurse in order of name [003-20]', async () => {
    await inA(async () => {
      const students = get(StudentRepository);
      const { schoolId, nurseId } = on;
      await students.create({
        ...student('2'),
        lastName: 'Babbage',
        medicalRecordNumber: 'M-2',
        schoolId,
        nurseId,
        grade: '5',
      });
      expect((await students.findByStudentNumber('1'))?.id).toBe(studentId);
      expect((await students.findByMedicalRecordNumber('M-2'))?.lastName).toBe('Babbage');
      for (const page of [students.findBySchool(schoolId), students.findByGrade('5'), students.findByNurse(nurseId)]) {
        expect((await page).data.map(({ lastName }) => lastName)).toEqual(['Babbage', 'Lovelace']);
      }
      expect(
        (await students.findByGrade('5', { page: 2, limit: 1 })).data.map(({ studentNumber }) => studentNumber),
      ).toEqual(['1']);
    });
  });

  it('give active emergency contacts in the order to call them', async () => {
    await inA(async () => {
      const contacts = get(EmergencyContactRepository);
      const contact = { studentId, lastName: 'Lovelace', relationship: 'Parent', phone: '555-0100' };
      await contacts.create({ ...contact, firstName: 'Second', priority: 2 });
      await contacts.create({ ...contact, firstName: 'First' });
      await contacts.create({ ...contact, firstName: 'Moved away', isActive: false });
      expect((await contacts.findByStudent(studentId)).map(({ firstName }) => firstName)).toEqual(['First', 'Second']);
    });
  });
});

describe('Finders of a history', () => {
  it('give a patient newest first, and what belongs to a visit [003-20]', async () => {
    await inA(async () => {
      const visits = get(ClinicVisitRepository);
      const ended = await visits.create({ studentId, startedAt: at(first), endedAt: at(first) });
      const open = await visits.create({ studentId, startedAt: at(second) });
      expect((await visits.findByStudent(studentId)).map(({ id }) => id)).toEqual([open.id, ended.id]);
      expect((await visits.findOpen()).map(({ id }) => id)).toEqual([open.id]);

      for (const [date, visitId] of [
        [first, ended.id],
        [third, open.id],
        [second, open.id],
      ] as const) {
        await get(HealthRecordRepository).create({ studentId, visitId, recordType: 'SURVEY', recordedAt: at(date) });
        await get(VitalSignsRepository).create({ studentId, visitId, measuredAt: at(date), painScore: '1' });
        await get(LabResultRepository).create({
          studentId,
          visitId,
          observedAt: at(date),
          testName: 'Glucose',
          value: '90',
        });
        await get(VaccinationRepository).create({
          studentId,
          visitId,
          administeredAt: at(date),
          vaccineName: 'MMR',
          nextDueOn: date,
        });
      }
      const newestFirst = [third, second, first].map(at);
      const records = get(HealthRecordRepository);
      expect((await records.findByStudent(studentId)).map((row) => row.recordedAt)).toEqual(newestFirst);
      expect((await records.findByRecordType('SURVEY')).map((row) => row.recordedAt)).toEqual(newestFirst);
      expect(await records.findByRecordType('DENTAL')).toEqual([]);
      expect((await get(VitalSignsRepository).findByStudent(studentId)).map((row) => row.measuredAt)).toEqual(
        newestFirst,
      );
      expect((await get(LabResultRepository).findByStudent(studentId)).map((row) => row.observedAt)).toEqual(
        newestFirst,
      );
      expect((await get(VaccinationRepository).findByStudent(studentId)).map((row) => row.administeredAt)).toEqual(
        newestFirst,
      );

      const ofVisit = [second, third].map(at);
      expect((await records.findByVisit(open.id)).map((row) => row.recordedAt)).toEqual(ofVisit);
      expect((await get(VitalSignsRepository).findByVisit(open.id)).map((row) => row.measuredAt)).toEqual(ofVisit);
      expect((await get(LabResultRepository).findByVisit(open.id)).map((row) => row.observedAt)).toEqual(ofVisit);
      expect((await get(VaccinationRepository).findDue(second)).map((row) => row.nextDueOn)).toEqual([first, second]);
      expect(await get(LabResultRepository).findPreliminary()).toEqual([]);
    });
  });

  it('tell what is current from what is over', async () => {
    await inA(async () => {
      const conditions = get(ChronicConditionRepository);
      await conditions.create({ studentId, condition: 'Asthma', onsetOn: first, nextReviewOn: second });
      await conditions.create({
        studentId,
        condition: 'Sinusitis',
        onsetOn: second,
        abatedOn: third,
        status: 'RESOLVED',
      });
      expect((await conditions.findByStudent(studentId)).map(({ condition }) => condition)).toEqual([
        'Sinusitis',
        'Asthma',
      ]);
      expect((await conditions.findCurrentByStudent(studentId)).map(({ condition }) => condition)).toEqual(['Asthma']);
      expect(await conditions.findDueForReview(first)).toEqual([]);
      expect(await conditions.findDueForReview(second)).toHaveLength(1);

      const allergies = get(AllergyRepository);
      const reactions = [{ code: '271807003', description: 'Eruption of skin', severity: 'MILD' as const }];
      const nuts = await allergies.create({ studentId, allergen: 'Nuts', reactions, epinephrineExpiresOn: second });
      await allergies.create({ studentId, allergen: 'Milk', status: 'RESOLVED', epinephrineExpiresOn: first });
      expect(nuts.reactions).toEqual(reactions);
      expect((await allergies.findByStudent(studentId)).map(({ reactions }) => reactions.length).toSorted()).toEqual([
        0, 1,
      ]);
      expect(await allergies.findActiveByStudent(studentId)).toEqual([nuts]);
      expect(await allergies.findEpinephrineExpiring(second)).toEqual([nuts]);
      expect(await allergies.findEpinephrineExpiring(first)).toEqual([]);

      const plans = get(TreatmentPlanRepository);
      await plans.create({ studentId, title: 'Over', startedOn: first, endedOn: second, status: 'COMPLETED' });
      await plans.create({ studentId, title: 'Current', startedOn: second });
      expect((await plans.findByStudent(studentId)).map(({ title }) => title)).toEqual(['Current', 'Over']);
      expect((await plans.findActiveByStudent(studentId)).map(({ title }) => title)).toEqual(['Current']);
    });
  });

  it('find a drug by its code and who takes it', async () => {
    await inA(async () => {
      const drug = await get(MedicationRepository).create({ name: 'Loratadine 5 MG', rxnormCode: '665078' });
      expect(await get(MedicationRepository).findByRxnormCode('665078')).toEqual(drug);
      const taken = get(StudentMedicationRepository);
      const medicationId = drug.id;
      await taken.create({ studentId, medicationId, startedAt: at(first), endedAt: at(second), status: 'COMPLETED' });
      const current = await taken.create({ studentId, medicationId, startedAt: at(third) });
      for (const rows of [await taken.findByStudent(studentId), await taken.findByMedication(medicationId)]) {
        expect(rows.map(({ startedAt }) => startedAt)).toEqual([at(third), at(first)]);
      }
      expect(await taken.findActiveByStudent(studentId)).toEqual([current]);
    });
  });

  it('give a nurse the appointments of a span, both ends included', async () => {
    await inA(async () => {
      const appointments = get(AppointmentRepository);
      for (const date of [third, first, second]) {
        await appointments.create({ studentId, nurseId: on.nurseId, type: 'SCREENING', scheduledAt: at(date) });
      }
      const span = await appointments.findByNurse(on.nurseId, at(first), at(second));
      expect(span.map(({ scheduledAt }) => scheduledAt)).toEqual([at(first), at(second)]);
      expect((await appointments.findByStudent(studentId)).map((row) => row.scheduledAt)).toEqual(
        [third, second, first].map(at),
      );
    });
  });
});

describe('Every finder', () => {
  it('stays in the clinic of the context [000-28]', async () => {
    await runWithContext(on.clinics.b, async () => {
      expect(await get(StudentRepository).findByStudentNumber('1')).toBeNull();
      expect(await get(UserRepository).findByEmail('nurse@example.org')).toBeNull();
      expect(await get(HealthRecordRepository).findByStudent(studentId)).toEqual([]);
      expect(await get(ClinicVisitRepository).findOpen()).toEqual([]);
    });
  });
});
