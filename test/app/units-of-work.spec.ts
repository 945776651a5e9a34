import { AUDIT_LOGGER, type IAuditLogger, runWithContext } from '../../src';
import {
  AllergyRepository,
  EmergencyContactRepository,
  HealthRecordRepository,
  StudentRepository,
} from '../../src/domains';
import { type ClinicApp, pupil, startClinicApp, USER } from './clinic-app';

let clinic: ClinicApp;
beforeAll(async () => {
  clinic = await startClinicApp();
});
afterAll(() => clinic?.close());
afterEach(() => jest.restoreAllMocks());

/** Lets a step of the application fail with an error that carries a value. */
const SECRET = 'secret of the row';
type Step = [what: string, install: () => void];
const fail = () => Promise.reject(new TypeError(SECRET));
const service = <T>(token: abstract new (...args: never[]) => T): T => clinic.app.get(token, { strict: false });

describe('POST /students/:id/transfer', () => {
  it('moves the student and records it, in one transaction [003-21] [003-23]', async () => {
    const { id } = await clinic.a.plant('t1', { schoolId: clinic.a.schools[0] });
    const { body } = await clinic.a
      .call('post', `/students/${id}/transfer`, { schoolId: clinic.a.schools[1], reason: 'Moved house' })
      .expect(200);
    expect(body).toMatchObject({ id, schoolId: clinic.a.schools[1], version: 2 });
    const records = await runWithContext(clinic.a.context, () => service(HealthRecordRepository).findByStudent(id));
    expect(records).toMatchObject([{ recordType: 'TRANSFER', reason: 'Moved house', createdBy: USER }]);
    const audit = clinic.app.get<IAuditLogger>(AUDIT_LOGGER, { strict: false });
    const [moved] = await runWithContext(clinic.a.context, () => audit.trail('Student', id));
    const [recorded] = await runWithContext(clinic.a.context, () => audit.trail('HealthRecord', records[0]!.id));
    expect(moved).toMatchObject({
      action: 'UPDATE',
      before: { schoolId: clinic.a.schools[0] },
      after: { schoolId: clinic.a.schools[1] },
    });
    expect(recorded!.transactionId).toBe(moved!.transactionId);
  });

  it('refuses the school where the student is', async () => {
    const { id } = await clinic.a.plant('t2', { schoolId: clinic.a.schools[0] });
    const { body } = await clinic.a
      .call('post', `/students/${id}/transfer`, { schoolId: clinic.a.schools[0]!.toUpperCase() })
      .expect(409);
    expect(body.code).toBe('SAME_SCHOOL');
  });

  it.each<Step>([
    ['the student', () => jest.spyOn(StudentRepository.prototype, 'update').mockImplementationOnce(fail)],
    ['the record', () => jest.spyOn(HealthRecordRepository.prototype, 'create').mockImplementationOnce(fail)],
  ])('leaves no row and no audit row when %s fails [D01] [D06]', async (what, install) => {
    const { id } = await clinic.a.plant(`t-${what}`);
    const before = await clinic.stored();
    install();
    const { body } = await clinic.a
      .call('post', `/students/${id}/transfer`, { schoolId: clinic.a.schools[1] })
      .expect(500);
    expect(body).toMatchObject({ code: 'INTERNAL' });
    expect(await clinic.stored()).toBe(before);
  });

  it('lets two at once follow one another, each from where the student was by then [D21]', async () => {
    const { id } = await clinic.a.plant('t3');
    const answers = await Promise.all(
      clinic.a.schools.map((schoolId) => clinic.a.call('post', `/students/${id}/transfer`, { schoolId })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const [first, last] = answers
      .map(({ body }) => body as { version: number; schoolId: string })
      .toSorted((one, other) => one.version - other.version);
    expect([first!.version, last!.version]).toEqual([2, 3]);
    const records = await runWithContext(clinic.a.context, () => service(HealthRecordRepository).findByStudent(id));
    expect(records.map(({ description }) => description).toSorted()).toEqual(
      [
        `From school none to school ${first!.schoolId}`,
        `From school ${first!.schoolId} to school ${last!.schoolId}`,
      ].toSorted(),
    );
  });

  it('lets one of two to the same school at once win, and tells the other', async () => {
    const { id } = await clinic.a.plant('t4');
    const [schoolId] = clinic.a.schools;
    const transfer = () => clinic.a.call('post', `/students/${id}/transfer`, { schoolId });
    const answers = await Promise.all([transfer(), transfer()]);
    expect(answers.map(({ body }) => (body as { code?: string }).code ?? 'DONE').toSorted()).toEqual([
      'DONE',
      'SAME_SCHOOL',
    ]);
    const records = await runWithContext(clinic.a.context, () => service(HealthRecordRepository).findByStudent(id));
    expect(records).toHaveLength(1);
  });
});

const enrolment = (
  studentNumber: string,
  allergies: object[] = [{ allergen: 'Peanut', category: 'FOOD', severity: 'SEVERE' }],
) => ({
  student: { ...pupil(studentNumber), schoolId: clinic.a.schools[0] },
  emergencyContacts: [
    { firstName: 'Mary', lastName: 'Hopper', relationship: 'Mother', phone: '555-0101' },
    { firstName: 'Walter', lastName: 'Hopper', relationship: 'Father', phone: '555-0102', priority: 2 },
  ],
  allergies,
  healthRecord: { title: 'Enrolment check', diagnosis: 'Healthy' },
});

describe('POST /enrolments', () => {
  it('stores all of an enrolment, with its audit entry [003-23] [003-27]', async () => {
    const { body } = await clinic.a.call('post', '/enrolments', enrolment('e1')).expect(201);
    expect(body.student).toMatchObject({ studentNumber: 'e1', schoolId: clinic.a.schools[0] });
    await runWithContext(clinic.a.context, async () => {
      const { id } = body.student;
      expect((await service(EmergencyContactRepository).findByStudent(id)).map((contact) => contact.id)).toEqual(
        body.emergencyContactIds,
      );
      expect(await service(AllergyRepository).findByStudent(id)).toMatchObject([
        { id: body.allergyIds[0], allergen: 'Peanut' },
      ]);
      expect(await service(HealthRecordRepository).findByStudent(id)).toMatchObject([
        { id: body.healthRecordId, recordType: 'ENROLLMENT', title: 'Enrolment check', diagnosis: 'Healthy' },
      ]);
    });
    const { body: events } = await clinic.a.call('get', `/students/${body.student.id}/audit`).expect(200);
    expect(events).toMatchObject([
      { action: 'CREATE', entity: 'Enrollment', userId: USER, details: { action: 'STUDENT_ENROLLED' } },
      { action: 'CREATE', entity: 'Student', userId: USER },
    ]);
    expect(new Set(events.map((event: { transactionId: string }) => event.transactionId)).size).toBe(1);
  });

  it('needs no more than a student', async () => {
    const { body } = await clinic.a.call('post', '/enrolments', { student: pupil('e2') }).expect(201);
    expect(body).toMatchObject({ emergencyContactIds: [], allergyIds: [], healthRecordId: expect.any(String) });
  });

  it('leaves nothing when the database refuses a later row [D01] [D06]', async () => {
    const before = await clinic.stored();
    const { body } = await clinic.a
      .call('post', '/enrolments', enrolment('e3', [{ allergen: 'Peanut', code: '91935009' }]))
      .expect(422);
    expect(body).toMatchObject({ code: 'CHECK_VIOLATION', entity: 'Allergy', constraint: expect.any(String) });
    expect(await clinic.stored()).toBe(before);
  });

  it.each<Step>([
    ['the student', () => jest.spyOn(StudentRepository.prototype, 'create').mockImplementationOnce(fail)],
    ['the contacts', () => jest.spyOn(EmergencyContactRepository.prototype, 'bulkCreate').mockImplementationOnce(fail)],
    ['the allergies', () => jest.spyOn(AllergyRepository.prototype, 'bulkCreate').mockImplementationOnce(fail)],
    ['the record', () => jest.spyOn(HealthRecordRepository.prototype, 'create').mockImplementationOnce(fail)],
    [
      'the audit entry',
      () =>
        jest
          .spyOn(clinic.app.get<IAuditLogger>(AUDIT_LOGGER, { strict: false }), 'logCreate')
          .mockImplementationOnce(fail),
    ],
  ])('leaves no row and no audit row when %s fails, and says nothing about it [D01] [D06]', async (what, install) => {
    const before = await clinic.stored();
    install();
    const { body, text } = await clinic.a.call('post', '/enrolments', enrolment(`e-${what}`)).expect(500);
    expect(body).toMatchObject({ statusCode: 500, code: 'INTERNAL', requestId: expect.any(String) });
    expect(await clinic.stored()).toBe(before);
    expect(clinic.logs.text()).toContain(`TypeError (request ${body.requestId})`);
    for (const written of [text, clinic.logs.text()]) expect(written).not.toContain(SECRET);
  });
});
