import type { Transaction } from 'sequelize';
import { type CreateInput, type Entity, type UpdateInput } from '../../src';
import { School, SchoolRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

/** Its hooks read and write. */
class ReadingSchoolRepository extends SchoolRepository {
  static app: DatabaseApp;
  readonly seen: unknown[] = [];
  readonly dropped: string[] = [];

  protected override async validateCreate({ code }: CreateInput<School>): Promise<void> {
    if (await this.exists({ code })) throw new Error('code is taken');
  }

  protected override async validateUpdate(id: string, _data: UpdateInput<School>, current: Entity<School>) {
    const { database } = ReadingSchoolRepository.app;
    this.seen.push(
      current.name,
      (await this.findById(id))?.name,
      (await School.findByPk(id))?.name,
      (await database.one<{ name: string }>('SELECT name FROM schools WHERE id = $1', [id])).name,
    );
  }

  protected override invalidateCaches({ name }: Entity<School>): void {
    this.dropped.push(name);
  }
}

let app: DatabaseApp;
let clinics: TwoClinics;
let schools: ReadingSchoolRepository;

beforeAll(async () => {
  // One connection: a hook that asked for another would wait for ever.
  app = await startDatabaseApp([ReadingSchoolRepository], { pool: { min: 0, max: 1, acquireTimeoutMs: 2_000 } });
  clinics = await plantClinics(app);
  schools = app.get(ReadingSchoolRepository);
  ReadingSchoolRepository.app = app;
});
afterAll(() => app?.close());
beforeEach(() => {
  schools.seen.length = 0;
  schools.dropped.length = 0;
});

let number = 0;
const school = () => ({ name: 'Old', code: `own-${(number += 1)}` });
const begin = () => School.sequelize!.transaction();

describe('A write in a transaction that the caller opened', () => {
  it('has hooks that see what the transaction wrote: repository, model and raw SQL [U52] [003-12] [002-10]', async () => {
    const transaction = await begin();
    const { id } = await schools.create(school(), clinics.a, { transaction });
    await schools.update(id, { name: 'New' }, clinics.a, { transaction });
    await schools.updateMany({ id }, { name: 'Newer' }, clinics.a, { transaction });
    await transaction.rollback();
    expect(schools.seen).toEqual([...Array<string>(4).fill('Old'), ...Array<string>(4).fill('New')]);
    expect(schools.dropped).toEqual([]);
  });

  it('is refused by a hook for what the same transaction stored', async () => {
    const transaction = await begin();
    const row = school();
    await schools.create(row, clinics.a, { transaction });
    await expect(schools.create(row, clinics.a, { transaction })).rejects.toThrow('code is taken');
    await transaction.rollback();
  });

  it('takes along what a function of an update writes, and drops caches after the commit [D14]', async () => {
    const [first, second] = [await schools.create(school(), clinics.a), await schools.create(school(), clinics.a)];
    schools.dropped.length = 0;
    for (const end of ['rollback', 'commit'] as const) {
      const transaction = await begin();
      await schools.update(
        first.id,
        async () => {
          await schools.update(second.id, { name: 'Inside' });
          return { name: 'Outside' };
        },
        clinics.a,
        { transaction },
      );
      expect(schools.dropped).toEqual([]);
      await transaction[end]();
      const names = (await schools.findByIds([first.id, second.id], { context: clinics.a })).map(({ name }) => name);
      expect(names).toEqual(end === 'commit' ? ['Outside', 'Inside'] : ['Old', 'Old']);
    }
    expect(schools.dropped).toEqual(['Inside', 'Outside']);
  });

  it('has hooks in it, too, where it is that of a unit of work which the chain of calls has left [U52]', async () => {
    const { unitOfWork } = ReadingSchoolRepository.app;
    const { id } = await schools.create(school(), clinics.a);
    const work = async (transaction: Transaction): Promise<void> => {
      await schools.update(id, { name: 'New' });
      schools.seen.length = 0;
      await unitOfWork.runOutsideTransaction(() => schools.update(id, { name: 'Newer' }, clinics.a, { transaction }));
    };
    await unitOfWork.executeInTransaction(() => School.sequelize!.transaction(work), clinics.a);
    expect(schools.seen).toEqual(Array<string>(4).fill('New'));
  });

  it('says nothing to calls beside it: they run alone', async () => {
    const transaction = await begin();
    const { id } = await schools.create(school(), clinics.a, { transaction });
    const beside = schools.findById(id, { context: clinics.a });
    await transaction.rollback();
    expect(await beside).toBeNull();
  });
});
