import type { Client } from 'pg';
import { Op, QueryTypes, type Sequelize } from 'sequelize';
import { createExecutionContext, type ExecutionContext, runWithContext } from '../../src';
import { Allergy, Clinic, domainRepositories, HealthRecord, School, Student } from '../../src/domains';
import { snapshotOf } from '../support/clinic-snapshot';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { plantEveryEntity, type Planted } from '../support/every-entity';

let app: DatabaseApp;
let clinics: TwoClinics;
let ofA: Planted;
let ofB: Planted;
let superuser: Client;
let sequelize: Sequelize;

const nobody = createExecutionContext({ userId: 'nurse-without-clinic' });

beforeAll(async () => {
  app = await startDatabaseApp([...domainRepositories]);
  clinics = await plantClinics(app);
  ofA = await plantEveryEntity(app, clinics.a, 'a');
  ofB = await plantEveryEntity(app, clinics.b, 'b');
  superuser = await app.db.superClient();
  sequelize = Student.sequelize!;
});
afterAll(() => app?.close());

const ways: [string, (context: ExecutionContext, work: () => Promise<void>) => Promise<void>][] = [
  ['alone', (context, work) => runWithContext(context, work)],
  ['in a unit of work', (context, work) => app.unitOfWork.executeInTransaction(work, context)],
  [
    'in a transaction of Sequelize',
    (context, work) => runWithContext(context, () => sequelize.transaction(() => work())),
  ],
  [
    'in a nested unit of work',
    (context, work) =>
      app.unitOfWork.executeInTransaction(
        (uow) => uow.executeInTransaction(work, context, { propagation: 'NESTED' }),
        context,
      ),
  ],
];

let number = 0;
const pupil = () => ({
  studentNumber: `model-${(number += 1)}`,
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '2014-12-10',
  gender: 'FEMALE' as const,
});

describe('A model used directly', () => {
  it.each(ways)('reads its own clinic only, %s [000-28]', async (_name, within) => {
    const foreign = ofB.Student!.id;
    await within(clinics.a, async () => {
      expect(await Student.findByPk(foreign)).toBeNull();
      expect(await Student.findOne({ where: { clinicId: clinics.b.clinicId! } })).toBeNull();
      expect(
        (await Student.findAll({ paranoid: false })).every(({ clinicId }) => clinicId === clinics.a.clinicId),
      ).toBe(true);
      expect(await Student.count({ where: { id: foreign } })).toBe(0);
      expect(await Student.findAndCountAll({ where: { id: { [Op.in]: [foreign] } } })).toMatchObject({
        count: 0,
        rows: [],
      });
      expect(await Student.max('studentNumber', { where: { clinicId: clinics.b.clinicId! } })).toBeNull();
      expect((await Clinic.findAll()).map(({ id }) => id)).toEqual([clinics.a.clinicId]);
      expect(await Student.unscoped().findAll({ where: { id: foreign } })).toEqual([]);
      expect(
        await sequelize.query('SELECT id FROM students WHERE id = :id', {
          replacements: { id: foreign },
          type: QueryTypes.SELECT,
        }),
      ).toEqual([]);
    });
  });

  it.each(ways)('joins its own clinic only, %s', async (_name, within) => {
    await within(clinics.a, async () => {
      const allergies = await Allergy.findAll({ include: [{ model: Student, include: [School] }] });
      expect(allergies.length).toBeGreaterThan(0);
      for (const { clinicId, student } of allergies) {
        expect([clinicId, student?.clinicId, student?.school?.clinicId]).toEqual(Array(3).fill(clinics.a.clinicId));
      }
      expect(await Allergy.findAll({ include: [{ model: Student, where: { id: ofB.Student!.id } }] })).toEqual([]);
    });
  });

  it.each(ways)('writes its own clinic only, %s', async (_name, within) => {
    const before = await snapshotOf(superuser, clinics.b.clinicId!);
    const foreign = ofB.Student!.id;
    await within(clinics.a, async () => {
      const created = await Student.create(pupil());
      expect(created.clinicId).toBe(clinics.a.clinicId);
      const [found, isNew] = await Student.findOrCreate({
        where: { studentNumber: `found-${(number += 1)}` },
        defaults: pupil(),
      });
      expect([found.clinicId, isNew]).toEqual([clinics.a.clinicId, true]);
      const bulk = await Student.bulkCreate([pupil(), pupil()]);
      expect(bulk.map(({ clinicId }) => clinicId)).toEqual(Array(2).fill(clinics.a.clinicId));
      expect(await Student.update({ grade: '1' }, { where: { id: foreign } })).toEqual([0]);
      expect(await Student.destroy({ where: { id: foreign } })).toBe(0);
      expect(await Student.destroy({ where: { id: foreign }, force: true })).toBe(0);
      await Student.restore({ where: { id: foreign } });
      await Student.increment('version', { by: 1, where: { id: foreign } });
      // Everything, as far as the clinic goes.
      await HealthRecord.update({ title: 'changed' }, { where: {} });
      await HealthRecord.destroy({ where: {} });
      await HealthRecord.restore();
    });
    expect(await snapshotOf(superuser, clinics.b.clinicId!)).toBe(before);
  });

  it('saves no instance that another clinic read', async () => {
    const before = await snapshotOf(superuser, clinics.b.clinicId!);
    const instance = (await runWithContext(clinics.b, () => Student.findByPk(ofB.Student!.id)))!;
    await runWithContext(clinics.a, async () => {
      instance.grade = '12';
      await instance.save().catch(() => undefined);
      await instance.destroy({ force: true });
      await expect(instance.reload()).rejects.toThrow('Instance could not be reloaded');
    });
    expect(await snapshotOf(superuser, clinics.b.clinicId!)).toBe(before);
  });

  it('stores no row for another clinic', async () => {
    await runWithContext(clinics.a, async () => {
      await expect(Student.create({ ...pupil(), clinicId: clinics.b.clinicId! })).rejects.toMatchObject({
        parent: { code: '42501' },
      });
      await expect(Student.bulkCreate([pupil(), { ...pupil(), clinicId: clinics.b.clinicId! }])).rejects.toMatchObject({
        parent: { code: '42501' },
      });
    });
  });

  it.each(ways)('finds nothing without a clinic, %s', async (_name, within) => {
    await within(nobody, async () => {
      expect(await Student.findAll({ paranoid: false })).toEqual([]);
      expect(await Student.findByPk(ofA.Student!.id)).toBeNull();
      expect(await Student.update({ grade: '1' }, { where: {} })).toEqual([0]);
      expect(await Student.destroy({ where: {}, force: true })).toBe(0);
    });
  });

  it('writes nothing without a clinic', async () => {
    const writes: (() => Promise<unknown>)[] = [
      () => Student.create(pupil()),
      () => Student.bulkCreate([pupil()]),
      () => Student.findOrCreate({ where: { studentNumber: 'none' }, defaults: pupil() }),
    ];
    for (const write of writes) {
      await expect(runWithContext(nobody, write)).rejects.toMatchObject({ parent: { code: '42501' } });
      await expect(write()).rejects.toMatchObject({ parent: { code: '42501' } });
    }
  });

  it('cannot set another tenant by SQL, in whatever place [000-28]', async () => {
    for (const sql of [
      `SET app.tenant = '${clinics.b.clinicId}'`,
      `SELECT 1; SET LOCAL app.tenant = '${clinics.b.clinicId}'`,
      `SELECT set_config('app.tenant', '${clinics.b.clinicId}', false)`,
      `SELECT 1; COMMIT`,
    ]) {
      await expect(runWithContext(clinics.a, () => sequelize.query(sql))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
      expect(await Student.count()).toBe(0);
    }
    const words = { ...pupil(), lastName: `x'; SET app.tenant = 'y'; set_config(` };
    expect((await runWithContext(clinics.a, () => Student.create(words))).lastName).toBe(words.lastName);
    expect(await runWithContext(clinics.a, () => Student.count({ where: { lastName: words.lastName } }))).toBe(1);
  });

  it('cannot truncate, which row security does not bind', async () => {
    await expect(
      runWithContext(clinics.a, () => Allergy.truncate({ cascade: true, force: true })),
    ).rejects.toMatchObject({ parent: { code: '42501' } });
    await expect(
      runWithContext(clinics.a, () => Allergy.destroy({ truncate: true, force: true })),
    ).rejects.toMatchObject({ parent: { code: '42501' } });
  });
});
