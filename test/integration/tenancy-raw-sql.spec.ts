import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import {
  createExecutionContext,
  Database,
  type ExecutionContext,
  runWithContext,
  UnexpectedRowCountError,
} from '../../src';
import { domainRepositories } from '../../src/domains';
import { snapshotOf } from '../support/clinic-snapshot';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { ENTITY_CASES, plantEveryEntity, type Planted } from '../support/every-entity';
import { rejectionOf } from '../support/refusal';

let app: DatabaseApp;
let db: Database;
let clinics: TwoClinics;
let ofA: Planted;
let ofB: Planted;
let superuser: Client;

const nobody = createExecutionContext({ userId: 'nurse-without-clinic' });

beforeAll(async () => {
  app = await startDatabaseApp([...domainRepositories]);
  db = app.database;
  clinics = await plantClinics(app);
  ofA = await plantEveryEntity(app, clinics.a, 'a');
  ofB = await plantEveryEntity(app, clinics.b, 'b');
  superuser = await app.db.superClient();
});
afterAll(() => app?.close());

const ways: [string, (context: ExecutionContext, work: () => Promise<void>) => Promise<void>][] = [
  ['alone', (context, work) => runWithContext(context, work)],
  ['in a unit of work', (context, work) => app.unitOfWork.executeInTransaction(work, context)],
  ['in tx()', (context, work) => runWithContext(context, () => db.tx(work))],
  [
    'in a nested unit of work',
    (context, work) =>
      app.unitOfWork.executeInTransaction(
        (uow) => uow.executeInTransaction(work, context, { propagation: 'NESTED' }),
        context,
      ),
  ],
];

describe.each(ENTITY_CASES)('Raw SQL on $table', ({ table, entity }) => {
  it.each(ways)('reads and changes the clinic’s own rows only, %s [000-28]', async (_name, within) => {
    const before = await snapshotOf(superuser, clinics.b.clinicId!);
    const { id: own } = ofA[entity]!;
    const { id: foreign } = ofB[entity]!;
    await within(clinics.a, async () => {
      expect(
        await db.query(`SELECT id FROM ${table} WHERE clinic_id = $1 OR id = $2`, [clinics.b.clinicId, foreign]),
      ).toEqual([]);
      expect(await db.query(`SELECT DISTINCT clinic_id FROM ${table}`)).toEqual([{ clinic_id: clinics.a.clinicId }]);
      expect(await db.one(`SELECT count(*)::int AS rows FROM ${table} WHERE id = ANY ($1)`, [[own, foreign]])).toEqual({
        rows: 1,
      });
      expect(await db.oneOrNone(`SELECT id FROM ${table} WHERE id = $1`, [foreign])).toBeNull();
      expect(await db.many(`SELECT id FROM ${table} WHERE id IN ($1, $2)`, [own, foreign])).toEqual([{ id: own }]);
      expect(await db.none(`UPDATE ${table} SET updated_by = NULL WHERE id = $1`, [foreign])).toBe(0);
      expect(await db.none(`DELETE FROM ${table} WHERE id = $1 OR clinic_id = $2`, [foreign, clinics.b.clinicId])).toBe(
        0,
      );
      // Every row of the table, as far as the clinic goes.
      expect(await db.none(`UPDATE ${table} SET updated_by = $1`, [randomUUID()])).toBe(1);
    });
    expect(await snapshotOf(superuser, clinics.b.clinicId!)).toBe(before);
  });

  it.each(ways)('finds and changes nothing without a clinic, %s', async (_name, within) => {
    await within(nobody, async () => {
      expect(await db.query(`SELECT FROM ${table}`)).toEqual([]);
      expect(await db.none(`UPDATE ${table} SET updated_by = NULL`)).toBe(0);
      expect(await db.none(`DELETE FROM ${table}`)).toBe(0);
    });
  });

  it('does not take a row for, or a move to, another clinic', async () => {
    const columns = Object.keys(ofA[entity]!);
    expect(columns).toContain('clinicId');
    await runWithContext(clinics.a, async () => {
      const other = `jsonb_build_object('clinic_id', $1::text, 'id', $2::text)`;
      const copy = `INSERT INTO ${table} SELECT (jsonb_populate_record(t, ${other})).* FROM ${table} AS t WHERE id = $3`;
      expect(await rejectionOf(db.none(copy, [clinics.b.clinicId, randomUUID(), ofA[entity]!.id]))).toMatchObject({
        code: 'TENANT_DENIED',
        status: 403,
      });
      const move = `UPDATE ${table} SET clinic_id = $1 WHERE id = $2`;
      expect((await rejectionOf(db.none(move, [clinics.b.clinicId, ofA[entity]!.id]))).code).toMatch(
        /TENANT_DENIED|CHECK_VIOLATION/,
      );
    });
  });
});

describe('Raw SQL over several tables', () => {
  it('joins rows of the clinic only, whatever the join asks for', async () => {
    const sql = `SELECT DISTINCT s.clinic_id AS student, v.clinic_id AS visit, a.clinic_id AS allergy
      FROM students s CROSS JOIN clinic_visits v FULL JOIN allergies a ON true`;
    for (const { clinicId } of [clinics.a, clinics.b]) {
      const context = clinicId === clinics.a.clinicId ? clinics.a : clinics.b;
      expect(await runWithContext(context, () => db.query(sql))).toEqual([
        { student: clinicId, visit: clinicId, allergy: clinicId },
      ]);
    }
    expect(await db.query(sql)).toEqual([]);
  });

  it('sees no other clinic through a sub-select, a CTE, a lateral join, an aggregate or EXPLAIN', async () => {
    const { clinicId } = clinics.b;
    const queries = [
      'SELECT (SELECT count(*) FROM students WHERE clinic_id = $1)::int AS found',
      'WITH s AS (SELECT * FROM students) SELECT count(*)::int AS found FROM s WHERE clinic_id = $1',
      'SELECT count(*)::int AS found FROM clinics c, LATERAL (SELECT FROM students s WHERE s.clinic_id = $1) AS x',
      'SELECT count(*) FILTER (WHERE clinic_id = $1)::int AS found FROM students',
      'SELECT count(*)::int AS found FROM (TABLE students) AS s WHERE s.clinic_id = $1 OR (s.clinic_id = $1) IS NULL',
    ];
    for (const sql of queries)
      expect([sql, await db.one(sql, [clinicId], { context: clinics.a })]).toEqual([sql, { found: 0 }]);
    const plan = await db.query('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT FROM students', [], {
      context: clinics.a,
    });
    expect(JSON.stringify(plan)).toMatch(/rows=1[. ]/);
  });

  it('answers the context that is passed, over the ambient one', async () => {
    const ids = (context: ExecutionContext) => db.query<{ id: string }>('SELECT id FROM students', [], { context });
    await runWithContext(clinics.a, async () => {
      expect(await ids(clinics.b)).toEqual([{ id: ofB.Student!.id }]);
      expect(await db.query('SELECT id FROM students')).toEqual([{ id: ofA.Student!.id }]);
    });
  });

  it('rolls back when rows come where none were expected', async () => {
    const change = db.none(`UPDATE students SET grade = '11' RETURNING id`, [], { context: clinics.a });
    await expect(change).rejects.toThrow(UnexpectedRowCountError);
    expect(await db.one('SELECT grade FROM students', [], { context: clinics.a })).toEqual({ grade: null });
  });

  it.each([
    'DECLARE c CURSOR WITH HOLD FOR SELECT * FROM students',
    'declare c binary insensitive cursor\nwith  hold for table students',
    'SET search_path = x',
    '/* x */ SET app.tenant = 1',
  ])('leaves nothing on the connection for the next one: %s', async (sql) => {
    expect(await rejectionOf(db.query(sql, [], { context: clinics.a }))).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('cannot carry a second statement', async () => {
    const smuggled = db.query(`SELECT 1; DELETE FROM students`, [], { context: clinics.a });
    expect(await rejectionOf(smuggled)).toMatchObject({ code: 'STATEMENT_FAILED', sqlState: '42601' });
    expect(await db.query('SELECT id FROM students', [], { context: clinics.a })).toHaveLength(1);
  });
});
