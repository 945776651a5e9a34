import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { runWithContext } from '../../src';
import { domainRepositories, HealthRecord, SchoolRepository, Student, StudentRepository } from '../../src/domains';
import { eventsOf, eventsSince, markTrail } from '../support/audit-events';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { ENTITY_CASES, plantEveryEntity, type Planted } from '../support/every-entity';

let app: DatabaseApp;
let clinics: TwoClinics;
let planted: Planted;
let students: StudentRepository;
let superuser: Client;

beforeAll(async () => {
  app = await startDatabaseApp([...domainRepositories]);
  clinics = await plantClinics(app);
  planted = await plantEveryEntity(app, clinics.a, 'a');
  students = app.get(StudentRepository);
  superuser = await app.db.superClient();
});
afterAll(() => app?.close());

let number = 0;
const pupil = (grade = '5') => ({
  studentNumber: `audit-${(number += 1)}`,
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '2014-12-10',
  gender: 'FEMALE' as const,
  grade,
});
const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);

const INSERT = `INSERT INTO students (id, student_number, first_name, last_name, date_of_birth, gender, grade)
  VALUES ($1, $2, 'Ada', 'Lovelace', '2014-12-10', 'FEMALE', '5')`;

/** The same life of a student by every path that a program may take. */
const PATHS: [string, (id: string) => Promise<void>][] = [
  [
    'a repository',
    async (id) => {
      await students.create({ ...pupil(), id });
      await students.update(id, { grade: '6', lastName: 'Byron' });
      await students.softDelete(id);
      await students.restore(id);
    },
  ],
  [
    'raw SQL',
    async (id) => {
      await app.database.none(INSERT, [id, id]);
      await app.database.none(`UPDATE students SET grade = '6', last_name = 'Byron' WHERE id = $1`, [id]);
      await app.database.none('UPDATE students SET deleted_at = now() WHERE id = $1', [id]);
      await app.database.none('UPDATE students SET deleted_at = NULL WHERE id = $1', [id]);
    },
  ],
  [
    'an instance of the model',
    async (id) => {
      const student = await Student.create({ ...pupil(), id });
      await student.update({ grade: '6', lastName: 'Byron' });
      await student.destroy();
      await student.restore();
    },
  ],
  [
    'static methods of the model [D13]',
    async (id) => {
      await Student.bulkCreate([{ ...pupil(), id }]);
      await Student.update({ grade: '6', lastName: 'Byron' }, { where: { id } });
      await Student.destroy({ where: { id } });
      await Student.restore({ where: { id } });
    },
  ],
  [
    'SQL through Sequelize',
    async (id) => {
      const { sequelize } = Student;
      await sequelize!.query(INSERT, { bind: [id, id] });
      await sequelize!.query(`UPDATE students SET grade = '6', last_name = 'Byron' WHERE id = $1`, { bind: [id] });
      await sequelize!.query('UPDATE students SET deleted_at = now() WHERE id = $1', { bind: [id] });
      await sequelize!.query('UPDATE students SET deleted_at = NULL WHERE id = $1', { bind: [id] });
    },
  ],
];

describe('The trail of a record', () => {
  it.each(PATHS)('is the same by %s [000-30] [000-46] [003-35]', async (_name, live) => {
    for (const within of [asA, (work: () => Promise<void>) => app.unitOfWork.executeInTransaction(work, clinics.a)]) {
      const id = randomUUID();
      await within(() => live(id));
      const events = await eventsOf(superuser, 'Student', id);
      expect(events.map(({ action }) => action)).toEqual(['CREATE', 'UPDATE', 'DELETE', 'RESTORE']);
      const [created, updated, deleted, restored] = events;
      expect(created).toMatchObject({
        before: null,
        after: { id, grade: '5', is_active: true, version: 1, clinic_id: clinics.a.clinicId },
      });
      expect(created!.changed).toEqual(
        expect.arrayContaining(['first_name', 'last_name', 'date_of_birth', 'grade', 'id']),
      );
      expect(updated).toMatchObject({
        before: { grade: '5', version: 1 },
        after: { grade: '6', version: 2 },
        changed: ['grade', 'last_name'],
      });
      expect(deleted).toMatchObject({
        before: { deleted_at: null },
        after: { deleted_at: expect.any(String) },
        changed: ['deleted_at'],
      });
      expect(restored).toMatchObject({
        before: { deleted_at: expect.any(String) },
        after: { deleted_at: null },
        changed: ['deleted_at'],
      });
      for (const event of events) {
        expect(event).toMatchObject({
          origin: 'trigger',
          clinic_id: clinics.a.clinicId,
          patient_id: id,
          user_id: clinics.a.userId,
          user_role: 'NURSE',
          db_role: 'phi_app',
          request_id: 'request-of-a',
          ip_address: '192.0.2.10',
          context_missing: false,
          details: null,
        });
        expect(event.at).toBeInstanceOf(Date);
        expect(event.transaction_id).toMatch(/^\d+$/);
      }
    }
  });

  it.each(ENTITY_CASES)(
    'of $entity holds its creation, change and deletion [000-46]',
    async ({ entity, repository, input, patch }) => {
      const repo = app.get(repository);
      await asA(async () => {
        const { id } = await repo.create(input(planted, `trail-${(number += 1)}`));
        await repo.update(id, patch);
        await repo.delete(id);
        const events = await eventsOf(superuser, entity, id);
        expect(events.map(({ action }) => action)).toEqual(['CREATE', 'UPDATE', 'DELETE']);
        expect(events[1]!.changed).toEqual(
          Object.keys(patch).map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
        );
        expect(events[0]!.after).toMatchObject({ id });
        const ofPatient = !['District', 'School', 'User', 'Medication'].includes(entity);
        for (const { patient_id } of events) expect(patient_id === null).toBe(!ofPatient);
      });
    },
  );

  it('has one event a row of every bulk write, with its own id [003-37] [D11]', async () => {
    await asA(async () => {
      for (const create of [
        () => students.bulkCreate(Array.from({ length: 25 }, () => pupil('bulk'))),
        () => Student.bulkCreate(Array.from({ length: 25 }, () => pupil('bulk'))),
      ]) {
        const mark = await markTrail(superuser);
        const ids = (await create()).map(({ id }) => id);
        const events = await eventsSince(superuser, mark);
        expect(events.map(({ entity_id }) => entity_id).toSorted()).toEqual(ids.toSorted());
        expect(new Set(events.map(({ action }) => action))).toEqual(new Set(['CREATE']));
        expect(new Set(events.map(({ transaction_id }) => transaction_id)).size).toBe(1);
      }
      const mark = await markTrail(superuser);
      await Student.update({ grade: 'done' }, { where: { grade: 'bulk' } });
      await Student.destroy({ where: { grade: 'done' } });
      await app.database.none(`DELETE FROM students WHERE grade = 'done'`);
      const actions = (await eventsSince(superuser, mark)).map(({ action, after }) =>
        after ? action : `hard ${action}`,
      );
      expect(actions).toEqual([
        ...Array(50).fill('UPDATE'),
        ...Array(50).fill('DELETE'),
        ...Array(50).fill('hard DELETE'),
      ]);
    });
  });

  it('names what changed, and not what was only written again [D11]', async () => {
    await asA(async () => {
      const { id } = await app.get(SchoolRepository).create({ name: 'Same', code: `same-${(number += 1)}` });
      await app.get(SchoolRepository).update(id, { name: 'Same', city: 'Boston', phone: null });
      const record = await HealthRecord.create({
        studentId: planted.Student!.id,
        recordType: 'EXAM',
        recordedAt: new Date(0),
      });
      await record.update({ recordedAt: new Date(0), unit: 'mg' });
      expect((await eventsOf(superuser, 'School', id))[1]).toMatchObject({
        changed: ['city'],
        before: { city: null },
        after: { city: 'Boston' },
      });
      expect((await eventsOf(superuser, 'HealthRecord', record.id))[1]!.changed).toEqual(['unit']);
    });
  });

  it('records no event for a change that touched no row', async () => {
    const mark = await markTrail(superuser);
    await asA(async () => {
      await app.database.none(`UPDATE students SET grade = '1' WHERE false`);
      await students.update(randomUUID(), { grade: '1' }).catch(() => undefined);
      await students.findMany();
      await students.bulkCreate([]);
    });
    expect(await eventsSince(superuser, mark)).toEqual([]);
  });
});

describe('A change that does not happen', () => {
  const expectNoEvent = async (work: () => Promise<unknown>, failure: RegExp): Promise<void> => {
    const mark = await markTrail(superuser);
    await expect(work()).rejects.toThrow(failure);
    expect(await eventsSince(superuser, mark)).toEqual([]);
  };
  const fault = new Error('fault');

  it('leaves no event: a unit of work that throws [D06] [003-21]', () =>
    expectNoEvent(
      () =>
        app.unitOfWork.executeInTransaction(async () => {
          const { id } = await students.create(pupil());
          await students.update(id, { grade: '6' });
          await app.database.none('UPDATE students SET grade = $1', ['7']);
          await Student.create(pupil());
          throw fault;
        }, clinics.a),
      /fault/,
    ));

  it('leaves no event: a failure that was swallowed', () =>
    expectNoEvent(
      () =>
        app.unitOfWork.executeInTransaction(async () => {
          await students.create(pupil());
          await app.database.query('SELECT 1 / 0').catch(() => undefined);
        }, clinics.a),
      /was rolled back/,
    ));

  it('leaves no event: a refused write [D06]', () =>
    expectNoEvent(() => students.create({ ...pupil(), lastName: '' }, clinics.a), /breaks a rule/));

  it('leaves no event: the last row of a bulk write is refused', () =>
    expectNoEvent(
      () =>
        students.bulkCreate([...Array.from({ length: 1_500 }, () => pupil()), { ...pupil(), lastName: '' }], clinics.a),
      /breaks a rule/,
    ));

  it('leaves the events of the outer unit, not of the nested one that rolled back', async () => {
    const mark = await markTrail(superuser);
    const kept = await app.unitOfWork.executeInTransaction(async (uow) => {
      const outer = await students.create(pupil());
      await uow
        .executeInTransaction(
          async () => {
            await students.create(pupil());
            await students.update(outer.id, { grade: '8' });
            throw fault;
          },
          clinics.a,
          { propagation: 'NESTED' },
        )
        .catch(() => undefined);
      return outer;
    }, clinics.a);
    expect((await eventsSince(superuser, mark)).map(({ action, entity_id }) => [action, entity_id])).toEqual([
      ['CREATE', kept.id],
    ]);
  });
});
