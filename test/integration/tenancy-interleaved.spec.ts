import { randomUUID } from 'node:crypto';
import { createExecutionContext, type ExecutionContext, runWithContext } from '../../src';
import { Student, StudentRepository, SchoolRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { type SeededRandom, seededRandom } from '../support/seeded-random';

let number = 0;
const pupil = () => ({
  studentNumber: `interleaved-${(number += 1)}`,
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '2014-12-10',
  gender: 'FEMALE' as const,
});

/** What one call saw: the clinics of all rows that came back to it, or the code it was refused with. */
type Sight = readonly unknown[];
type Operation = (context: ExecutionContext) => Promise<Sight>;

const clinicsOf = (rows: readonly { readonly clinicId?: unknown; readonly clinic_id?: unknown }[]): Sight =>
  rows.map((row) => row.clinicId ?? row.clinic_id);

/** Operations of every kind: they read, write, fail, roll back, nest, and end in between. */
function operations(app: DatabaseApp, ids: () => readonly string[], random: SeededRandom): Record<string, Operation> {
  const students = app.get(StudentRepository);
  const { database, unitOfWork } = app;
  const someId = (): string => random.pick(ids());
  const failing = (work: Promise<unknown>): Promise<Sight> =>
    work.then(
      () => ['no failure'],
      () => [],
    );
  return {
    list: async () => clinicsOf((await students.findMany({ pagination: { limit: 100 } })).data),
    all: async () => clinicsOf(await students.findAll({ where: { id: { in: ids() } } })),
    byId: async () => clinicsOf([(await students.findById(someId())) ?? []].flat()),
    raw: async () => clinicsOf(await database.query('SELECT clinic_id FROM students LIMIT 50')),
    model: async () => clinicsOf(await Student.findAll({ limit: 50 })),
    create: async () => clinicsOf([await students.create(pupil())]),
    bulk: async () => clinicsOf(await students.bulkCreate([pupil(), pupil()])),
    modelCreate: async () => clinicsOf([await Student.create(pupil())]),
    update: () =>
      students.update(someId(), { grade: '3' }).then(
        (row) => clinicsOf([row]),
        () => [],
      ),
    updateEvery: async (context) => {
      await database.none('UPDATE students SET grade = $1', [context.clinicId!.slice(-1)]);
      return [];
    },
    unit: (context) =>
      unitOfWork.executeInTransaction(async () => {
        const created = await students.create(pupil());
        return clinicsOf([
          created,
          ...(await students.findMany()).data,
          ...(await database.query('SELECT clinic_id FROM students LIMIT 9')),
        ]);
      }, context),
    nested: (context) =>
      unitOfWork.executeInTransaction(async (uow) => {
        const outer = await students.findMany();
        await failing(
          uow.executeInTransaction(
            async () => {
              await students.create(pupil());
              await database.query('SELECT no_such_column FROM students');
            },
            context,
            { propagation: 'NESTED' },
          ),
        );
        return clinicsOf([...outer.data, ...(await Student.findAll({ limit: 9 }))]);
      }, context),
    rolledBack: (context) =>
      failing(
        unitOfWork.executeInTransaction(async () => {
          await students.create(pupil());
          throw new Error('fault');
        }, context),
      ),
    badSql: () => failing(database.query('SELECT 1 / (count(*) - count(*)) FROM students')),
    badInput: () => failing(database.query('SELECT $1::uuid', ['no uuid'])),
    uniqueViolation: async () => {
      const row = pupil();
      await students.create(row);
      return failing(students.create(row));
    },
    denied: (context) =>
      failing(
        database.none("INSERT INTO schools (clinic_id, id, name, code) VALUES ($1, $2, 'x', $2)", [
          context.clinicId!.replace(/.$/, 'f'),
          randomUUID(),
        ]),
      ),
    swallowed: (context) =>
      failing(
        unitOfWork.executeInTransaction(async () => {
          await database.query('SELECT 1 / 0').catch(() => undefined);
        }, context),
      ),
    withoutClinic: async () => {
      const nobody = createExecutionContext({ userId: 'nobody' });
      const seen = await runWithContext(nobody, async () => [
        ...(await students.findAll()),
        ...(await database.query('SELECT clinic_id FROM students')),
        ...(await unitOfWork.executeInTransaction(() => Student.findAll())),
      ]);
      return seen.map(() => 'seen without a clinic');
    },
  };
}

describe.each([1, 3])('Two clinics on a pool of %i', (max) => {
  let app: DatabaseApp;
  let clinics: TwoClinics;
  let planted: string[];

  beforeAll(async () => {
    app = await startDatabaseApp([StudentRepository, SchoolRepository], { pool: { min: 0, max } });
    clinics = await plantClinics(app);
    const students = app.get(StudentRepository);
    planted = [];
    for (const context of [clinics.a, clinics.b]) {
      for (let i = 0; i < 5; i += 1) planted.push((await students.create(pupil(), context)).id);
    }
  });
  afterAll(() => app?.close());

  const kinds = (random: SeededRandom) => Object.entries(operations(app, () => planted, random));

  const run = async (operation: Operation, context: ExecutionContext): Promise<string[]> => {
    const seen = await runWithContext(context, () => operation(context));
    return seen
      .filter((clinic) => clinic !== context.clinicId)
      .map((clinic) => `${context.clinicId} saw ${String(clinic)}`);
  };

  it('keep apart when every kind of call follows every other one, turn by turn [000-28]', async () => {
    const random = seededRandom(max);
    const leaks: string[] = [];
    for (const [, first] of kinds(random)) {
      for (const [name, second] of kinds(random)) {
        leaks.push(
          ...(await run(first, clinics.a)),
          ...(await run(second, clinics.b)).map((leak) => `${name}: ${leak}`),
        );
      }
    }
    expect(leaks).toEqual([]);
  });

  it('keep apart in 200 mixed calls at once [000-08] [000-28] [D03]', async () => {
    const random = seededRandom(max + 10);
    const calls = Array.from({ length: 200 }, (_, i) => {
      const [, operation] = random.pick(kinds(random));
      return run(operation, i % 2 === 0 ? clinics.a : clinics.b);
    });
    expect((await Promise.all(calls)).flat()).toEqual([]);
  });

  it('leave every row with the clinic that wrote it, signed by its own user', async () => {
    const superuser = await app.db.superClient();
    const marks = await superuser.query(
      'SELECT DISTINCT right(clinic_id::text, 1) AS clinic, grade FROM students WHERE grade IN ($1, $2)',
      ['a', 'b'],
    );
    for (const { clinic, grade } of marks.rows) expect(grade).toBe(clinic);
    const strangers = await superuser.query(
      `SELECT DISTINCT clinic_id, request_id FROM audit.event
       WHERE entity = 'Student' AND request_id <> 'request-of-' || right(clinic_id::text, 1)`,
    );
    expect(strangers.rows).toEqual([]);
    const clinicless = await superuser.query(`SELECT FROM audit.event WHERE clinic_id IS NULL OR context_missing`);
    expect(clinicless.rowCount).toBe(0);
  });

  it('give the connections back without a tenant on them', async () => {
    const seen = await Promise.all(
      Array.from({ length: max }, () =>
        app.database.one(`SELECT current_setting('app.tenant', true) AS tenant, pg_sleep(0.01)`),
      ),
    );
    for (const { tenant } of seen) expect(tenant ?? '').toBe('');
    expect((await app.database.getConnectionStatus()).pool).toMatchObject({ used: 0, waiting: 0 });
  });
});
