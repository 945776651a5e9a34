import { domainRepositories, SchoolRepository, StudentRepository, UserRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

/** The whole domain on a database of its own, with a school, a nurse and a student in clinic A. */
export interface PatientApp {
  readonly app: DatabaseApp;
  readonly clinics: TwoClinics;
  readonly schoolId: string;
  readonly nurseId: string;
  readonly studentId: string;
}

/** A student's required attributes. */
export const student = (studentNumber: string) => ({
  studentNumber,
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '2014-12-10',
  gender: 'FEMALE' as const,
});

export async function startPatientApp(): Promise<PatientApp> {
  const app = await startDatabaseApp(domainRepositories);
  const clinics = await plantClinics(app);
  const school = await app.get(SchoolRepository).create({ name: 'Hill School', code: 'HILL' }, clinics.a);
  const nurse = await app
    .get(UserRepository)
    .create({ email: 'nurse@example.org', firstName: 'Mary', lastName: 'Seacole', role: 'NURSE' }, clinics.a);
  const patient = await app
    .get(StudentRepository)
    .create({ ...student('1'), schoolId: school.id, nurseId: nurse.id, grade: '5' }, clinics.a);
  return { app, clinics, schoolId: school.id, nurseId: nurse.id, studentId: patient.id };
}
