import { Client } from 'pg';
import { Model } from 'sequelize-typescript';
import { runWithContext } from '../../src';
import { StatementRunner } from '../../src/database/connection/statement-runner';
import { SchoolRepository, Student, StudentRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

let app: DatabaseApp;
let clinics: TwoClinics;
let students: StudentRepository;

/** Texts that reached a connection, and texts that were handed to the runner. */
let sent: string[];
let handed: string[];
let sentAtFirstAnswer = 0;
let built: jest.SpyInstance;

const CONTROL =
  /^(START TRANSACTION|COMMIT$|ROLLBACK|SAVEPOINT|RELEASE|SET LOCAL app\.|SELECT pg_current_xact_id_if|SELECT audit\.write\('TRANSACTION')/;

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository, SchoolRepository]);
  clinics = await plantClinics(app);
  students = app.get(StudentRepository);
});
afterAll(() => app?.close());

beforeEach(() => {
  sent = [];
  handed = [];
  const query = Client.prototype.query as (...args: unknown[]) => unknown;
  jest.spyOn(Client.prototype, 'query').mockImplementation(function (this: Client, ...args: unknown[]) {
    const [config] = args as [string | { text: string }];
    sent.push(typeof config === 'string' ? config : config.text);
    const answer = query.apply(this, args) as Promise<unknown> | undefined;
    void answer?.then(() => (sentAtFirstAnswer ||= sent.length));
    return answer;
  } as never);
  const runAll = StatementRunner.prototype.runAll;
  jest.spyOn(StatementRunner.prototype, 'runAll').mockImplementation(function (
    this: StatementRunner,
    statements,
    options,
  ) {
    handed.push(...statements.map((statement) => statement.text));
    return runAll.call(this, statements, options);
  });
  built = jest.spyOn(Model, 'build');
});
afterEach(() => jest.restoreAllMocks());

const pupil = (studentNumber: string) => ({
  studentNumber,
  firstName: 'Mary',
  lastName: 'Jackson',
  dateOfBirth: '2013-04-09',
  gender: 'FEMALE' as const,
});

async function everyMethod(): Promise<void> {
  const created = await students.create(pupil(`door-${Math.random()}`));
  const { id } = created;
  await students.bulkCreate([pupil(`door-${Math.random()}`), pupil(`door-${Math.random()}`)]);
  await students.findById(id);
  await students.findByIdOrFail(id);
  await students.findOne({ where: { id } });
  await students.findMany({ where: { lastName: { ilike: 'j%' } }, orderBy: [{ lastName: 'ASC' }] });
  await students.findAll({ select: ['id'] });
  await students.exists(id);
  await students.count();
  await students.update(id, { grade: '4' });
  await students.update(id, { grade: '5' }, undefined, { expectedVersion: 2 });
  await students.update(id, { grade: '6' }, undefined, { expectedVersion: 2 }).catch(() => undefined);
  await students.softDelete(id);
  await students.restore(id);
  await students.delete(id);
}

describe('The door for statements', () => {
  it('is the only way of a repository to the database, alone and in a unit of work', async () => {
    await runWithContext(clinics.a, async () => {
      await everyMethod();
      await app.unitOfWork.executeInTransaction(() => everyMethod());
      await app.unitOfWork.executeInTransaction(() =>
        app.unitOfWork.executeInTransaction(() => everyMethod(), undefined, { propagation: 'NESTED' }),
      );
    });
    const work = sent.filter((text) => !CONTROL.test(text));
    expect(work.length).toBeGreaterThan(40);
    expect(work).toEqual(handed);
  });

  it('sees no model instance built by a repository', async () => {
    await runWithContext(clinics.a, () => everyMethod());
    expect(built).not.toHaveBeenCalled();
    // The spy would have seen one.
    await runWithContext(clinics.a, () => Student.findOne());
    expect(built).toHaveBeenCalled();
  });

  it('sends begin, tenant, statement and commit of a lone call in one flight', async () => {
    await runWithContext(clinics.a, async () => {
      const { id } = await students.create(pupil(`door-${Math.random()}`));
      sent.length = 0;
      sentAtFirstAnswer = 0;
      await students.findById(id);
    });
    // All three were on their way when the first answer came.
    expect(sentAtFirstAnswer).toBe(3);
    expect(sent).toEqual([
      expect.stringMatching(/^START TRANSACTION READ WRITE;SET LOCAL app\.tenant = '0190a000-/),
      expect.stringMatching(/^SELECT /),
      'COMMIT',
    ]);
  });

  it('carries no value in the text of any statement [004-19]', async () => {
    await runWithContext(clinics.a, () => everyMethod());
    expect(handed.join('\n')).not.toMatch(/Jackson|2013-04-09|door-/);
  });
});
