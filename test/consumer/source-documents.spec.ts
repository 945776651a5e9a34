import type { IAuditLogger } from '../../src';
import { currentContext, runWithContext } from '../../src';
import { DistrictRepository, HealthRecord, SchoolRepository, StudentRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { EnrolmentService } from './enrolment.service';
import { RecipeHealthRecordRepository } from './health-record.repository';
import { StudentService } from './student.service';
import { StudentTransferService } from './student-transfer.service';

let app: DatabaseApp;
let clinics: TwoClinics;
let students: StudentService;
let transfers: StudentTransferService;
let enrolments: EnrolmentService;
let records: RecipeHealthRecordRepository;
let schools: readonly [string, string];

beforeAll(async () => {
  app = await startDatabaseApp(
    // Step 3 of the recipe: registration. The services are listed here for brevity.
    [StudentRepository, SchoolRepository, DistrictRepository, HealthRecord, RecipeHealthRecordRepository],
    {},
    [StudentService, StudentTransferService, EnrolmentService],
  );
  clinics = await plantClinics(app);
  students = app.get(StudentService);
  transfers = app.get(StudentTransferService);
  enrolments = app.get(EnrolmentService);
  records = app.get(RecipeHealthRecordRepository);
  const [first, second] = await app.get(SchoolRepository).bulkCreate(
    [
      { name: 'Northside', code: 'N' },
      { name: 'Southside', code: 'S' },
    ],
    clinics.a,
  );
  schools = [first!.id, second!.id];
});
afterAll(() => app?.close());

const pupil = (studentNumber: string) => ({
  studentNumber,
  firstName: 'Grace',
  lastName: 'Hopper',
  dateOfBirth: '2012-12-09',
  gender: 'FEMALE' as const,
  grade: '7',
  schoolId: schools[0],
});

const inClinic = <T>(fn: () => Promise<T>): Promise<T> => runWithContext(clinics.a, fn);

/** Everything a fault must leave untouched: rows and audit rows, as a superuser sees them. */
async function stored(): Promise<string> {
  const client = await app.db.superClient();
  const { rows } = await client.query(`SELECT
    (SELECT json_agg(s ORDER BY id) FROM (SELECT id, school_id, version FROM students) s) AS students,
    (SELECT count(*) FROM health_records) AS records, (SELECT count(*) FROM audit.event WHERE action <> 'TRANSACTION') AS events`);
  await client.end();
  return JSON.stringify(rows);
}

describe("Document 003's examples", () => {
  it('create, read, change and delete a student [003-07] [003-09]', async () => {
    const created = await students.createStudent(pupil('example-1'), clinics.a);
    await inClinic(async () => {
      expect(await students.getStudent(created.id)).toEqual(created);
      expect((await students.updateStudent(created.id, { grade: '8' }, clinics.a)).grade).toBe('8');
      await students.deleteStudent(created.id, clinics.a);
      expect(await students.getStudent(created.id)).toBeNull();
    });
  });

  it('page through a grade by two sort keys [003-18]', async () => {
    for (const [number, lastName, firstName] of [
      ['p1', 'Zuse', 'Ada'],
      ['p2', 'Curie', 'Marie'],
      ['p3', 'Curie', 'Eve'],
    ] as const) {
      await students.createStudent({ ...pupil(number), grade: '3', lastName, firstName }, clinics.a);
    }
    const page = await inClinic(() => students.getStudentsByGrade('3', 1, 2));
    expect(page.data.map((student) => `${student.lastName} ${student.firstName}`)).toEqual([
      'Curie Eve',
      'Curie Marie',
    ]);
    expect(page.pagination).toMatchObject({ total: 3, pages: 2, hasNext: true });
  });

  it('transfer a student as one unit, whose parts are told to nobody [003-21] [003-22] [003-23]', async () => {
    const student = await students.createStudent(pupil('transfer-1'), clinics.a);
    const moved = await transfers.transferStudent(student.id, schools[1], clinics.a);
    expect(moved.schoolId).toBe(schools[1]);
    await inClinic(async () => {
      expect((await records.findByStudent(student.id)).map((record) => record.recordType)).toEqual(['TRANSFER']);
      const trail = await app.module.get<IAuditLogger>('IAuditLogger').trail('Student', student.id);
      expect(trail.map((event) => event.action)).toEqual(expect.arrayContaining(['CREATE', 'UPDATE']));
    });
  });

  it('enrol a student together with its audit entry [003-27]', async () => {
    const student = await enrolments.enrollStudent(
      pupil('enrol-1'),
      { recordType: 'CHECKUP', diagnosis: 'healthy' },
      clinics.a,
    );
    await inClinic(async () => {
      const trail = await app.module.get<IAuditLogger>('IAuditLogger').trail('Enrollment', student.id);
      expect(trail).toMatchObject([
        { action: 'CREATE', details: { action: 'STUDENT_ENROLLED' }, userId: clinics.a.userId },
      ]);
    });
  });

  it.each([0, 1, 2, 3])(
    'leave no row and no audit row when a transfer fails after step %i [D01] [D06]',
    async (failAfter) => {
      const student = await students.createStudent(pupil(`transfer-fault-${failAfter}`), clinics.a);
      const before = await stored();
      await expect(transfers.transferStudent(student.id, schools[1], clinics.a, failAfter)).rejects.toThrow('fault');
      expect(await stored()).toBe(before);
    },
  );

  it.each([0, 1, 2, 3])(
    'leave no row and no audit row when an enrolment fails after step %i [D01] [D06]',
    async (failAfter) => {
      const before = await stored();
      await expect(
        enrolments.enrollStudent(pupil(`enrol-fault-${failAfter}`), { recordType: 'CHECKUP' }, clinics.a, failAfter),
      ).rejects.toThrow('fault');
      expect(await stored()).toBe(before);
    },
  );

  it('run a repository written by the three-step recipe [003-17] [003-20]', async () => {
    const student = await students.createStudent(pupil('recipe-1'), clinics.a);
    const record = await records.create({ studentId: student.id, recordType: 'ILLNESS', diagnosis: 'cold' }, clinics.a);
    expect(await records.update(record.id, { diagnosis: 'flu' }, clinics.a)).toMatchObject({ diagnosis: 'flu' });
    await inClinic(async () => {
      expect(await records.findByRecordType('ILLNESS')).toMatchObject([{ id: record.id, diagnosis: 'flu' }]);
      expect(Object.isFrozen((await records.findByStudent(student.id))[0])).toBe(true);
    });
    await runWithContext(clinics.b, async () => expect(await records.findByStudent(student.id)).toEqual([]));
    expect(currentContext()).toBeUndefined();
  });
});
