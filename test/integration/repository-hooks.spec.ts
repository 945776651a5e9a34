import {
  type CreateInput,
  currentContext,
  type Entity,
  runWithContext,
  sanitizeSensitiveData,
  type UpdateInput,
} from '../../src';
import { School, SchoolRepository, Student, StudentRepository } from '../../src/domains';
import { type CapturedOutput, captureOutput } from '../support/captured-output';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

/** Uses every hook that document 003 names. */
class HookedSchoolRepository extends SchoolRepository {
  readonly calls: string[] = [];
  readonly keys: string[] = [];
  fail = '';
  /** What invalidateCaches sees of the row, on a connection of its own. */
  seenAfterwards: (School | null)[] = [];

  protected override async validateCreate(data: CreateInput<School>): Promise<void> {
    this.calls.push(`validateCreate ${data.code}`);
    // Reads in the write's own transaction and clinic.
    if (await this.exists({ code: data.code })) throw new Error('code is taken');
  }

  protected override validateUpdate(_id: string, data: UpdateInput<School>, current: Entity<School>): void {
    this.calls.push(`validateUpdate ${current.name} -> ${data.name}`);
    if (data.name === 'forbidden') throw new Error('forbidden name');
  }

  protected override mapToEntity(row: object): Entity<School> {
    const entity = super.mapToEntity(row);
    return { ...entity, ...('name' in entity ? { name: entity.name.toUpperCase() } : {}) };
  }

  protected override async invalidateCaches(entity: Entity<School>): Promise<void> {
    this.calls.push(`invalidateCaches ${entity.name}`);
    this.keys.push(this.cacheKeyBuilder.entity(this.entityName, entity.id));
    this.seenAfterwards.push(await School.findByPk(entity.id));
    if (this.fail) throw new Error(`${this.fail} failed`);
  }

  protected override sanitizeForAudit(data: object): object {
    return { ...sanitizeSensitiveData(data), principalName: '[OWN RULE]' };
  }

  audited(entity: Entity<School>): object {
    return this.sanitizeForAudit(entity);
  }

  keyOf(id: string): string {
    return this.cacheKeyBuilder.entity(this.entityName, id);
  }
}

let app: DatabaseApp;
let clinics: TwoClinics;
let schools: HookedSchoolRepository;
let output: CapturedOutput;

beforeAll(async () => {
  app = await startDatabaseApp([HookedSchoolRepository, SchoolRepository, StudentRepository]);
  clinics = await plantClinics(app);
  schools = app.get(HookedSchoolRepository);
  output = captureOutput();
});
afterAll(async () => {
  output?.stop();
  await app?.close();
});
beforeEach(() => {
  schools.calls.length = 0;
  schools.keys.length = 0;
  schools.seenAfterwards.length = 0;
  schools.fail = '';
});

let number = 0;
const school = (rest: object = {}) => ({ name: 'School', code: `hook-${(number += 1)}`, ...rest });
const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);

describe('Hooks of a repository', () => {
  it('run in order around each write [003-10] [003-12]', async () => {
    const row = school();
    const { id } = await schools.create(row, clinics.a);
    await schools.update(id, { name: 'New' }, clinics.a);
    await schools.delete(id, clinics.a);
    await schools.restore(id, clinics.a);
    expect(schools.calls).toEqual([
      `validateCreate ${row.code}`,
      'invalidateCaches SCHOOL',
      'validateUpdate SCHOOL -> New',
      'invalidateCaches NEW',
      'invalidateCaches NEW',
      'invalidateCaches NEW',
    ]);
  });

  it('validateCreate sees its own unit and refuses the write with all of its unit', async () => {
    await asA(async () => {
      const row = school();
      await schools.create(row);
      await expect(schools.create(row)).rejects.toThrow('code is taken');
      // The second of two rows is judged before any is written.
      const [fresh, taken] = [school(), row];
      await expect(schools.bulkCreate([fresh, taken])).rejects.toThrow('code is taken');
      expect(await app.get(SchoolRepository).exists({ code: fresh.code })).toBe(false);
    });
  });

  it('validateCreate judges each row of a bulk write, and runs for the clinic of an explicit context', async () => {
    const row = school();
    await schools.create(row, clinics.b);
    // Free in clinic A, taken in clinic B.
    await schools.bulkCreate([row, school()], clinics.a);
    await expect(schools.bulkCreate([school(), row], clinics.b)).rejects.toThrow('code is taken');
    expect(schools.calls.filter((call) => call.startsWith('validateCreate'))).toHaveLength(5);
    const transaction = await School.sequelize!.transaction();
    await expect(schools.create(row, clinics.b, { transaction })).rejects.toThrow('code is taken');
    await transaction.rollback();
  });

  it('validateUpdate refuses a change, and nothing is written', async () => {
    await asA(async () => {
      const { id } = await schools.create(school());
      await expect(schools.update(id, { name: 'forbidden' })).rejects.toThrow('forbidden name');
      expect(await app.get(SchoolRepository).findById(id)).toMatchObject({ name: 'School', version: 1 });
    });
  });

  it('mapToEntity makes what every method answers, and not what exists and count ask [003-15]', async () => {
    await asA(async () => {
      const created = await schools.create(school());
      expect(created.name).toBe('SCHOOL');
      expect((await schools.bulkCreate([school(), school()])).map(({ name }) => name)).toEqual(['SCHOOL', 'SCHOOL']);
      expect((await schools.findById(created.id))?.name).toBe('SCHOOL');
      expect((await schools.findMany({ where: { id: created.id } })).data[0]?.name).toBe('SCHOOL');
      expect((await schools.findAll({ where: { id: created.id } }))[0]?.name).toBe('SCHOOL');
      expect((await schools.update(created.id, { city: 'Boston' })).name).toBe('SCHOOL');
      expect(await schools.exists(created.id)).toBe(true);
      // What is stored is what was given.
      expect((await School.findByPk(created.id))?.name).toBe('School');
    });
  });

  it('sanitizeForAudit is the repository’s own rule [003-13] [D10]', async () => {
    const created = await schools.create(school({ principalName: 'Ms Frizzle', phone: '555' }), clinics.a);
    expect(schools.audited(created)).toMatchObject({
      principalName: '[OWN RULE]',
      phone: '[REDACTED]',
      name: 'SCHOOL',
    });
    expect(schools.audited(created)).toMatchObject({ createdAt: created.createdAt });
  });
});

describe('invalidateCaches', () => {
  it('runs after the commit: what it reads is what was stored [D14]', async () => {
    const { id } = await schools.create(school(), clinics.a);
    expect(schools.seenAfterwards[0]?.id).toBe(id);
    await app.unitOfWork.executeInTransaction(async () => {
      await schools.update(id, { name: 'Inside' });
      expect(schools.calls.filter((call) => call === 'invalidateCaches INSIDE')).toEqual([]);
    }, clinics.a);
    expect(schools.calls).toContain('invalidateCaches INSIDE');
    expect(schools.seenAfterwards.at(-1)?.name).toBe('Inside');
  });

  it('does not run for what was rolled back: in a unit, in a nested unit, alone [D14]', async () => {
    const unit = app.unitOfWork.executeInTransaction(async (uow) => {
      await schools.create(school());
      await uow
        .executeInTransaction(
          async () => {
            await schools.create(school());
            throw new Error('inner');
          },
          clinics.a,
          { propagation: 'NESTED' },
        )
        .catch(() => undefined);
      throw new Error('outer');
    }, clinics.a);
    await expect(unit).rejects.toThrow('outer');
    await expect(schools.create(school({ name: '' }), clinics.a)).rejects.toMatchObject({ code: 'CHECK_VIOLATION' });
    expect(schools.calls.filter((call) => call.startsWith('invalidate'))).toEqual([]);
  });

  it('runs on behalf of who wrote: its keys are those of the clinic [D17]', async () => {
    for (const write of [
      () => schools.create(school(), clinics.a),
      () => app.unitOfWork.executeInTransaction(() => schools.create(school()), clinics.a),
      () => runWithContext(clinics.b, () => schools.create(school(), clinics.a)),
    ]) {
      const { id } = await write();
      expect(schools.keys.at(-1)).toBe(runWithContext(clinics.a, () => schools.keyOf(id)));
      expect(schools.keys.at(-1)).not.toBe(runWithContext(clinics.b, () => schools.keyOf(id)));
    }
    expect(currentContext()).toBeUndefined();
  });

  it('waits for the commit of a transaction that the caller opened', async () => {
    const { sequelize } = School;
    await asA(async () => {
      const transaction = await sequelize!.transaction();
      const { id } = await schools.create(school(), undefined, { transaction });
      expect(schools.calls.filter((call) => call.startsWith('invalidate'))).toEqual([]);
      expect(await app.get(SchoolRepository).findById(id)).toBeNull();
      await transaction.commit();
      expect(schools.calls.filter((call) => call.startsWith('invalidate'))).toEqual(['invalidateCaches SCHOOL']);
      const other = await sequelize!.transaction();
      await schools.create(school(), undefined, { transaction: other });
      await other.rollback();
      expect(schools.calls.filter((call) => call.startsWith('invalidate'))).toHaveLength(1);
    });
  });

  it('may fail: it is reported without its message, and the write stands', async () => {
    schools.fail = 'Canary-7301';
    const { id } = await schools.create(school(), clinics.a);
    expect(await app.get(SchoolRepository).exists(id, { context: clinics.a })).toBe(true);
    expect(output.text()).toMatch(/A hook failed after the unit of work was committed: Error/);
    expect(output.text()).not.toContain('Canary-7301');
  });
});

describe('A repository without hooks', () => {
  it('answers entities that no caller can change', async () => {
    const created = await app
      .get(StudentRepository)
      .create(
        { studentNumber: 'frozen', firstName: 'A', lastName: 'B', dateOfBirth: '2014-12-10', gender: 'OTHER' },
        clinics.a,
      );
    expect(() => Object.assign(created, { grade: '1' })).toThrow(TypeError);
    expect(created).not.toBeInstanceOf(Student);
  });
});
