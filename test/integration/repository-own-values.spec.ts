import { runWithContext } from '../../src';
import { AppointmentRepository, StudentRepository } from '../../src/domains';
import { pupil, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;
let appointments: AppointmentRepository;
let studentId: string;

beforeAll(async () => {
  app = await startStudentApp({}, [], [StudentRepository, AppointmentRepository]);
  appointments = app.get(AppointmentRepository);
  studentId = (await app.students.create(pupil('own-values'), app.clinics.a)).id;
});
afterAll(() => app?.close());

const inClinic = <T>(work: () => Promise<T>): Promise<T> => runWithContext(app.clinics.a, work);
const DAYS = [1, 2, 3].map((day) => new Date(Date.UTC(2024, 0, day, 10)));

describe('Values that their owner changes while a call waits for its connection', () => {
  it('are stored as they were when the call was made [003-11]', async () => {
    const day = new Date(DAYS[0]!);
    const calls = DAYS.map(() => {
      const input = { studentId, type: 'SCREENING' as const, scheduledAt: day };
      const call = inClinic(() => appointments.create(input));
      day.setUTCDate(day.getUTCDate() + 1);
      return call;
    });
    expect((await Promise.all(calls)).map(({ scheduledAt }) => scheduledAt)).toEqual(DAYS);
  });

  it('filter as they did when the call was made', async () => {
    const until = new Date(DAYS[1]!);
    const counted = inClinic(() => appointments.count({ studentId, scheduledAt: { lte: until } }));
    until.setUTCFullYear(2000);
    expect(await counted).toBe(2);
  });
});

describe('A context made by hand, which its owner turns to another clinic', () => {
  const { a, b } = { a: 'clinic-a', b: 'clinic-b' };
  const move = (context: { clinicId?: string }): void => void (context.clinicId = app.clinics.b.clinicId!);

  beforeAll(async () => {
    await app.students.bulkCreate([pupil(`${a}-1`), pupil(`${a}-2`)], app.clinics.a);
    await app.students.bulkCreate([pupil(`${b}-1`), pupil(`${b}-2`)], app.clinics.b);
  });

  it('leaves a batch that is not sent yet to the clinic that was asked for [000-28]', async () => {
    const foreign = await app.students.findOne({ where: { studentNumber: `${b}-1` } }, { context: app.clinics.b });
    const explicit = { ...app.clinics.a };
    const asked = app.students.findById(foreign!.id, { context: explicit });
    move(explicit);
    const ambient = { ...app.clinics.a };
    const askedInside = runWithContext(ambient, () => app.students.findById(foreign!.id));
    move(ambient);
    expect([await asked, await askedInside]).toEqual([null, null]);
  });

  it.each(['explicit', 'ambient'])('leaves a stream where it began: %s [000-28]', async (way) => {
    const context = { ...app.clinics.a };
    const stream = runWithContext(context, () =>
      app.students.stream(
        { where: { studentNumber: { like: 'clinic-%' } } },
        { batchSize: 1, ...(way === 'explicit' ? { context } : {}) },
      ),
    );
    const read: string[] = [];
    for await (const { studentNumber } of stream) {
      read.push(studentNumber);
      move(context);
    }
    expect(read).toEqual([`${a}-1`, `${a}-2`]);
  });
});

describe('Criteria that their owner changes between two chunks of a stream', () => {
  it('stand as they were: no row is skipped, and none comes twice [U66]', async () => {
    const numbers = Array.from({ length: 12 }, (_, n) => `chunk-${String(n).padStart(2, '0')}`);
    await inClinic(() => app.students.bulkCreate(numbers.map(pupil)));
    const where: { studentNumber: { like: string } } = { studentNumber: { like: 'chunk-%' } };
    const orderBy: object[] = [{ studentNumber: 'ASC' }];
    const read: string[] = [];
    await inClinic(async () => {
      for await (const { studentNumber } of app.students.stream({ where, orderBy }, { batchSize: 5 })) {
        read.push(studentNumber);
        where.studentNumber.like = '%';
        orderBy[0] = { createdAt: 'DESC' };
      }
    });
    expect(read).toEqual(numbers);
  });
});

describe('A moment', () => {
  it('beyond the year 9999 is stored and read back', async () => {
    const scheduledAt = new Date(Date.UTC(12_024, 5, 1));
    const { id } = await inClinic(() => appointments.create({ studentId, type: 'SCREENING', scheduledAt }));
    const found = await inClinic(() => appointments.findOne({ where: { id, scheduledAt } }));
    expect(found?.scheduledAt).toEqual(scheduledAt);
  });
});
