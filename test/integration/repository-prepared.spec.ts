import { runWithContext } from '../../src';
import { StudentRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

interface Prepared {
  readonly name: string;
  readonly statement: string;
}

describe.each([true, false])('Prepared statements, DB_PREPARED=%s,', (prepared) => {
  let app: DatabaseApp;
  let clinics: TwoClinics;
  let students: StudentRepository;

  beforeAll(async () => {
    app = await startDatabaseApp([StudentRepository], { pool: { min: 0, max: 1 }, prepared });
    clinics = await plantClinics(app);
    students = app.get(StudentRepository);
  });
  afterAll(() => app?.close());

  /** Those of the only connection. */
  const kept = (): Promise<Prepared[]> =>
    app.database.query<never>('SELECT name, statement FROM pg_prepared_statements');
  const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);
  const pupil = (studentNumber: string) => ({
    studentNumber,
    firstName: 'A',
    lastName: 'B',
    dateOfBirth: '2014-12-10',
    gender: 'OTHER' as const,
  });

  it('have one name for one text, and are used again by both clinics [004-19] [D15]', async () => {
    for (const context of [clinics.a, clinics.b]) {
      for (let i = 0; i < 5; i += 1) {
        const { id } = await students.create(pupil(`p-${i}`), context);
        expect((await students.findById(id, { context }))?.clinicId).toBe(context.clinicId);
        await students.findMany({ where: { grade: `${i}` } }, { context });
      }
    }
    const statements = await kept();
    expect(statements.map(({ name }) => name).filter((name) => !/^phi_[0-9a-f]{32}$/.test(name))).toEqual([]);
    expect(new Set(statements.map(({ statement }) => statement)).size).toBe(statements.length);
    // create, findById, a page and its count.
    expect(statements).toHaveLength(prepared ? 4 : 0);
  });

  it('are not made of questions that come once: the server’s memory is bounded', async () => {
    const before = (await kept()).length;
    await asA(async () => {
      for (let i = 0; i < 200; i += 1) {
        const bits = i.toString(2).padStart(8, '0');
        await students.count({ AND: [...bits].map((bit) => (bit === '1' ? { grade: 'x' } : { city: 'x' })) });
      }
    });
    expect((await kept()).length).toBe(before);
  });

  it('survive a migration that adds a column or an index, and one that replaces a policy', async () => {
    await asA(async () => {
      const { id } = await students.create(pupil('migrated'));
      for (let i = 0; i < 8; i += 1) await students.findById(id);
      const migrator = await app.db.migratorClient();
      await migrator.query('SET ROLE phi_owner');
      await migrator.query(`ALTER TABLE students ADD COLUMN added_${prepared} text DEFAULT 'x'`);
      await migrator.query(`CREATE INDEX ON students (clinic_id, added_${prepared})`);
      await migrator.query(
        `ALTER POLICY tenant_isolation ON students
         USING (clinic_id = (SELECT phi.tenant())) WITH CHECK (clinic_id = (SELECT phi.tenant()))`,
      );
      expect(await students.findById(id)).toMatchObject({ studentNumber: 'migrated' });
      expect(await students.update(id, { grade: '5' })).toMatchObject({ grade: '5' });
      expect(await students.findById(id, { context: clinics.b })).toBeNull();
    });
  });

  it('are not upset by a statement that failed under the same name', async () => {
    await asA(async () => {
      for (let i = 0; i < 6; i += 1) {
        await students.create(pupil('twice')).catch(() => undefined);
        await app.unitOfWork
          .executeInTransaction(async () => {
            await app.database.query('SELECT 1 / 0').catch(() => undefined);
            await students.count({ city: 'first use in a failed transaction', state: `${i}` });
          })
          .catch(() => undefined);
      }
      expect(await students.count({ studentNumber: 'twice' })).toBe(1);
      expect(await students.count({ city: 'first use in a failed transaction', state: 'x' })).toBe(0);
    });
  });
});
