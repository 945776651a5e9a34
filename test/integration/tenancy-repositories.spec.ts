import type { Client } from 'pg';
import {
  type ExecutionContext,
  MissingTenantError,
  NotFoundError,
  runWithContext,
  createExecutionContext,
} from '../../src';
import { ClinicRepository, domainRepositories } from '../../src/domains';
import { snapshotOf } from '../support/clinic-snapshot';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { type AnyRepository, ENTITY_CASES, plantEveryEntity, type Planted } from '../support/every-entity';

let app: DatabaseApp;
let clinics: TwoClinics;
let ofA: Planted;
let ofB: Planted;
let superuser: Client;

beforeAll(async () => {
  app = await startDatabaseApp([...domainRepositories]);
  clinics = await plantClinics(app);
  ofA = await plantEveryEntity(app, clinics.a, 'same');
  // The same numbers, codes and addresses: uniqueness ends at the clinic.
  ofB = await plantEveryEntity(app, clinics.b, 'same');
  superuser = await app.db.superClient();
});
afterAll(() => app?.close());

/** The ways in which a call may reach the database. */
const ways: [string, (context: ExecutionContext, work: () => Promise<void>) => Promise<void>][] = [
  ['alone', (context, work) => runWithContext(context, work)],
  ['in a unit of work', (context, work) => app.unitOfWork.executeInTransaction(work, context)],
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
const next = (): string => `t-${(number += 1)}`;

describe.each(ENTITY_CASES)(
  'A clinic and the $entity of another clinic',
  ({ entity, table, repository, input, patch }) => {
    let repo: AnyRepository;
    beforeAll(() => {
      repo = app.get(repository);
    });

    it('are planted on both sides', async () => {
      const { rows } = await superuser.query(`SELECT DISTINCT clinic_id FROM ${table} ORDER BY 1`);
      expect(rows.map((row) => row.clinic_id)).toEqual([clinics.a.clinicId, clinics.b.clinicId]);
    });

    it.each(ways)('reads its own only, %s [000-28]', async (_name, within) => {
      const { id: own } = ofA[entity]!;
      const { id: foreign } = ofB[entity]!;
      await within(clinics.a, async () => {
        expect(await repo.findById(own)).toMatchObject({ id: own, clinicId: clinics.a.clinicId });
        expect(await repo.findById(foreign)).toBeNull();
        expect(await repo.findById(foreign, { withDeleted: true })).toBeNull();
        await expect(repo.findByIdOrFail(foreign)).rejects.toThrow(NotFoundError);
        expect(await repo.findOne({ where: { id: foreign } as never })).toBeNull();
        expect(await repo.findOne({ where: { OR: [{ id: foreign }, { id: own }] } as never })).toMatchObject({
          id: own,
        });
        for (const criteria of [
          {},
          { where: { NOT: { id: own } } },
          { where: { OR: [{ id: foreign }, { NOT: { id: foreign } }] } },
        ]) {
          const page = await repo.findMany(criteria as never, { withDeleted: true });
          expect(page.data.filter((row) => row.clinicId !== clinics.a.clinicId)).toEqual([]);
          expect(page.pagination.total).toBe(page.data.length);
          const all = await repo.findAll(criteria as never, { withDeleted: true });
          expect(all.filter((row) => row.clinicId !== clinics.a.clinicId)).toEqual([]);
        }
        expect(await repo.exists(foreign)).toBe(false);
        expect(await repo.exists({ id: { in: [foreign] } } as never)).toBe(false);
        expect(await repo.exists({ clinicId: clinics.b.clinicId } as never)).toBe(false);
        expect(await repo.count({ id: foreign } as never)).toBe(0);
        expect(await repo.count({ clinicId: { ne: clinics.a.clinicId } } as never, { withDeleted: true })).toBe(0);
      });
    });

    it.each(ways)('writes its own only, %s [000-28]', async (_name, within) => {
      const before = await snapshotOf(superuser, clinics.b.clinicId!);
      const { id: foreign, version } = ofB[entity]!;
      await within(clinics.a, async () => {
        const created = await repo.create(input(ofA, next()));
        expect(created.clinicId).toBe(clinics.a.clinicId);
        const many = await repo.bulkCreate([input(ofA, next()), input(ofA, next())]);
        expect(many.map((row) => row.clinicId)).toEqual([clinics.a.clinicId, clinics.a.clinicId]);
        expect(await repo.update(created.id, patch)).toMatchObject(patch);

        await expect(repo.update(foreign, patch)).rejects.toThrow(NotFoundError);
        // Not a conflict: that would tell that the row exists.
        for (const expectedVersion of [version, version + 1]) {
          await expect(repo.update(foreign, patch, undefined, { expectedVersion })).rejects.toThrow(NotFoundError);
          await expect(repo.delete(foreign, undefined, { expectedVersion })).rejects.toThrow(NotFoundError);
        }
        await expect(repo.delete(foreign)).rejects.toThrow(NotFoundError);
        await expect(repo.softDelete(foreign)).rejects.toThrow(NotFoundError);
        await expect(repo.restore(foreign)).rejects.toThrow(NotFoundError);

        await repo.softDelete(created.id);
        await repo.restore(created.id);
        await repo.delete(created.id);
      });
      expect(await snapshotOf(superuser, clinics.b.clinicId!)).toBe(before);
    });

    it('may use the same id, and neither learns of the other’s row', async () => {
      const before = await snapshotOf(superuser, clinics.b.clinicId!);
      const { id } = ofB[entity]!;
      await runWithContext(clinics.a, async () => {
        expect(await repo.create({ ...input(ofA, next()), id })).toMatchObject({ id, clinicId: clinics.a.clinicId });
        await repo.update(id, patch);
        await repo.delete(id);
      });
      expect(await snapshotOf(superuser, clinics.b.clinicId!)).toBe(before);
      expect(await runWithContext(clinics.b, () => repo.findById(id))).toEqual(ofB[entity]);
    });

    it('do not exist without a clinic: reads are empty, writes are refused', async () => {
      const { id } = ofA[entity]!;
      const nobody = createExecutionContext({ userId: 'nurse-without-clinic' });
      const empty = async (): Promise<void> => {
        expect(await repo.findById(id)).toBeNull();
        expect(await repo.findOne({})).toBeNull();
        expect((await repo.findMany({}, { withDeleted: true })).pagination.total).toBe(0);
        expect(await repo.findAll()).toEqual([]);
        expect(await repo.exists({})).toBe(false);
        expect(await repo.count()).toBe(0);
      };
      await empty();
      await runWithContext(nobody, empty);
      await app.unitOfWork.executeInTransaction(empty, nobody);
      const writes: (() => Promise<unknown>)[] = [
        () => repo.create(input(ofA, next()), nobody),
        () => repo.bulkCreate([input(ofA, next())], nobody),
        () => repo.update(id, patch, nobody),
        () => repo.delete(id, nobody),
        () => repo.softDelete(id, nobody),
        () => repo.restore(id, nobody),
      ];
      for (const write of writes) {
        await expect(write()).rejects.toThrow(MissingTenantError);
        await expect(app.unitOfWork.executeInTransaction(write, nobody)).rejects.toThrow(MissingTenantError);
      }
    });
  },
);

describe('A clinic and the clinics', () => {
  it('sees and changes its own row only', async () => {
    const repo = app.get(ClinicRepository);
    const before = await snapshotOf(superuser, clinics.b.clinicId!);
    await runWithContext(clinics.a, async () => {
      expect((await repo.findAll()).map(({ id }) => id)).toEqual([clinics.a.clinicId]);
      expect(await repo.findById(clinics.b.clinicId!)).toBeNull();
      expect(await repo.update(clinics.a.clinicId!, { city: 'Boston' })).toMatchObject({ city: 'Boston' });
      await expect(repo.update(clinics.b.clinicId!, { city: 'Boston' })).rejects.toThrow(NotFoundError);
      await expect(repo.delete(clinics.b.clinicId!)).rejects.toThrow(NotFoundError);
      // Neither another's id nor a new one: both answers are the same.
      await expect(repo.create({ id: clinics.b.clinicId!, name: 'x' })).rejects.toMatchObject({
        code: 'TENANT_DENIED',
      });
      await expect(repo.create({ name: 'x' })).rejects.toMatchObject({ code: 'TENANT_DENIED' });
    });
    expect(await snapshotOf(superuser, clinics.b.clinicId!)).toBe(before);
    expect(await repo.findAll()).toEqual([]);
  });
});
