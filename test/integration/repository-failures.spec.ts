import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { runWithContext } from '../../src';
import { StudentRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { everythingOf, rejectionOf } from '../support/refusal';

let app: DatabaseApp;
let clinics: TwoClinics;
let students: StudentRepository;
let superuser: Client;
let id: string;

const CANARY = 'Canary-7301';
const pupil = (rest: object = {}) => ({
  studentNumber: randomUUID(),
  firstName: 'Ada',
  lastName: CANARY,
  dateOfBirth: '2014-12-10',
  gender: 'FEMALE' as const,
  ...rest,
});

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository], { pool: { min: 0, max: 2 }, statementTimeoutMs: 1_000 });
  clinics = await plantClinics(app);
  students = app.get(StudentRepository);
  superuser = await app.db.superClient();
  ({ id } = await students.create(pupil(), clinics.a));
});
afterAll(() => app?.close());

const READS: [string, () => Promise<unknown>][] = [
  ['findById', () => students.findById(id)],
  ['findByIdOrFail', () => students.findByIdOrFail(id)],
  ['findOne', () => students.findOne({ where: { lastName: CANARY } })],
  ['findMany', () => students.findMany({ where: { lastName: CANARY } })],
  ['findAll', () => students.findAll({ where: { lastName: CANARY } })],
  ['exists by id', () => students.exists(id)],
  ['exists by filter', () => students.exists({ lastName: CANARY })],
  ['count', () => students.count({ lastName: CANARY })],
  ['a finder of its own', () => students.findByStudentNumber(CANARY)],
];
const WRITES: [string, () => Promise<unknown>][] = [
  ['create', () => students.create(pupil())],
  ['bulkCreate', () => students.bulkCreate([pupil(), pupil()])],
  ['update', () => students.update(id, { lastName: CANARY })],
  ['delete', () => students.delete(id)],
  ['restore', () => students.restore(id)],
];

/** A failure of the database: how it begins and ends, and how calls are told. */
interface Fault {
  readonly name: string;
  readonly code: string;
  /** Default: all. */
  readonly calls?: [string, () => Promise<unknown>][];
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
}

const faults: Fault[] = [
  {
    name: 'a privilege that is missing',
    code: 'TENANT_DENIED',
    begin: () => superuser.query('REVOKE ALL ON students FROM phi_app'),
    end: () => superuser.query('GRANT SELECT, INSERT, UPDATE, DELETE ON students TO phi_app'),
  },
  {
    name: 'a table that is missing',
    code: 'STATEMENT_FAILED',
    begin: () => superuser.query('ALTER TABLE students RENAME TO students_elsewhere'),
    end: () => superuser.query('ALTER TABLE students_elsewhere RENAME TO students'),
  },
  {
    name: 'a lock that does not become free',
    code: 'TIMEOUT',
    // Each of them waits for its time to be up.
    calls: [READS[3]!, READS[5]!, READS[7]!, WRITES[0]!, WRITES[2]!],
    begin: async () => {
      await superuser.query('BEGIN');
      await superuser.query('LOCK TABLE students IN ACCESS EXCLUSIVE MODE');
    },
    end: () => superuser.query('ROLLBACK'),
  },
  {
    name: 'a server that takes no connection',
    code: 'UNAVAILABLE',
    begin: async () => {
      // Superusers are exempt.
      await superuser.query(`ALTER DATABASE ${app.db.name} CONNECTION LIMIT 0`);
      await superuser.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND usename = 'phi_app'`,
      );
    },
    end: () => superuser.query(`ALTER DATABASE ${app.db.name} CONNECTION LIMIT -1`),
  },
];

describe.each(faults)('A repository and $name', ({ code, begin, end, calls = [...READS, ...WRITES] }) => {
  beforeAll(() => begin());
  afterAll(() => end());

  it.each(calls)('%s throws: it answers neither false, 0, null nor an empty list [D19]', async (_name, call) => {
    const error = await rejectionOf(runWithContext(clinics.a, call));
    // A connection that was cut under the first call may have been in use.
    expect([code, 'UNAVAILABLE', 'TRANSACTION_OUTCOME_UNKNOWN'].slice(0, code === 'UNAVAILABLE' ? 3 : 1)).toContain(
      error.code,
    );
    expect(everythingOf(error)).not.toContain(CANARY);
  });
});

describe('After a failure', () => {
  it('everything works again, on a pool that lost nothing', async () => {
    await runWithContext(clinics.a, async () => {
      for (const [, read] of READS.slice(0, 8)) expect(await read()).toBeTruthy();
      await Promise.all(Array.from({ length: 20 }, () => students.findById(id)));
      await students.update(id, { grade: '6' });
    });
    expect((await app.database.getConnectionStatus()).pool).toMatchObject({ used: 0, waiting: 0 });
  });

  it('was nothing written', async () => {
    const { rows } = await superuser.query('SELECT count(*)::int AS rows, max(version) AS version FROM students');
    expect(rows).toEqual([{ rows: 1, version: 2 }]);
  });
});
