import type { Client } from 'pg';
import type { Model, ModelStatic } from 'sequelize';
import { type Feature, runWithContext } from '../../src';
import { describeEntity } from '../../src/database/model/entity-description';
import {
  ClinicVisitRepository,
  DistrictRepository,
  SchoolRepository,
  StudentRepository,
  UserRepository,
  VitalSignsRepository,
} from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from './database-app';

/** A row as raw SQL reads it, by attribute. */
export type Stored = Readonly<Record<string, unknown>>;
/** Rows by id. */
export type StoredTable = ReadonlyMap<string, Stored>;

/** An application whose clinic A has students with and without parents of every kind, living and deleted. */
export interface RelationsApp extends DatabaseApp {
  readonly clinics: TwoClinics;
  readonly students: StudentRepository;
  readonly vitals: VitalSignsRepository;
  /** A superuser's connection. */
  readonly truth: Client;
  /** Every row of clinic A, deleted ones too, as raw SQL reads it past the library. */
  stored(model: unknown): Promise<StoredTable>;
  /** Runs for clinic A. */
  asA<T>(work: () => Promise<T>): Promise<T>;
}

/** The living parent that a row points to, or null. */
export function parentIn(table: StoredTable, id: unknown): Stored | null {
  const row = table.get(id as string);
  return row && row.deletedAt === null ? row : null;
}

/** Starts it; `features` are repositories of the test's own. */
export async function startRelationsApp(features: readonly Feature[] = []): Promise<RelationsApp> {
  const app = await startDatabaseApp([
    DistrictRepository,
    SchoolRepository,
    UserRepository,
    StudentRepository,
    ClinicVisitRepository,
    VitalSignsRepository,
    ...features,
  ]);
  const clinics = await plantClinics(app);
  const truth = await app.db.superClient();
  const students = app.get(StudentRepository);
  const vitals = app.get(VitalSignsRepository);
  const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);
  await asA(async () => {
    const [north, gone] = await app.get(DistrictRepository).bulkCreate([
      { name: 'North', code: 'N' },
      { name: 'Gone', code: 'G' },
    ]);
    const schools = await app.get(SchoolRepository).bulkCreate([
      { name: 'Elm', code: 'S-0', districtId: north!.id, city: 'Elmwood' },
      { name: 'Oak', code: 'S-1', districtId: gone!.id, city: 'Oakham' },
      { name: 'Ash', code: 'S-2', districtId: null, city: null },
      { name: 'Closed', code: 'S-3', districtId: north!.id, city: 'Elmwood' },
    ]);
    const nurses = await app.get(UserRepository).bulkCreate(
      [0, 2, 3].map((school, n) => ({
        email: `n-${n}@example.org`,
        firstName: 'Una',
        lastName: `Nurse${n}`,
        role: 'NURSE' as const,
        schoolId: schools[school]!.id,
      })),
    );
    const pupils = await students.bulkCreate(
      Array.from({ length: 40 }, (_, n) => ({
        studentNumber: `r-${String(n).padStart(2, '0')}`,
        firstName: 'Ada',
        lastName: `L${n % 4}`,
        dateOfBirth: `20${10 + (n % 8)}-12-10`,
        gender: 'FEMALE' as const,
        grade: n % 3 === 0 ? null : String(n % 3),
        city: n % 2 ? 'Elmwood' : null,
        schoolId: schools[n % 5]?.id ?? null,
        nurseId: nurses[n % 4]?.id ?? null,
      })),
    );
    const visits = await app
      .get(ClinicVisitRepository)
      .bulkCreate(
        pupils.slice(0, 10).map(({ id }, n) => ({ studentId: id, startedAt: new Date(Date.UTC(2024, 0, n + 1)) })),
      );
    await vitals.bulkCreate(
      pupils.slice(0, 20).map(({ id }, n) => ({
        studentId: id,
        visitId: visits[n]?.id ?? null,
        heightCm: '120.50',
        notes: n === 0 ? null : null,
      })),
    );
    await app.get(DistrictRepository).delete(gone!.id);
    await app.get(SchoolRepository).delete(schools[3]!.id);
  });
  const stored = async (model: unknown): Promise<StoredTable> => {
    const { columns, table } = describeEntity(model as ModelStatic<Model>);
    const read = columns.map(
      ({ field, attribute, kind }) => `${field}${kind === 'date' ? '::text' : ''} AS "${attribute}"`,
    );
    const { rows } = await truth.query<Stored>(`SELECT ${read.join(', ')} FROM ${table} WHERE clinic_id = $1`, [
      clinics.a.clinicId,
    ]);
    return new Map(rows.map((row) => [row.id as string, row]));
  };
  return { ...app, clinics, students, vitals, truth, stored, asA };
}
