import { createExecutionContext, type ExecutionContext, runWithContext, TenantDeniedError } from '../../src';
import { expectWholePool, INSERT_STUDENT, pupil, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;
let doctor: ExecutionContext;

const unit: StudentApp['unitOfWork']['executeInTransaction'] = (fn, context = app.clinics.a, options) =>
  app.unitOfWork.executeInTransaction(fn, context, options);

/** Who the trail names for each student of a prefix, in order of writing. */
const actors = async (prefix: string): Promise<(string | null)[]> => {
  const { rows } = await app.truth.query<{ role: string | null }>(
    `SELECT user_role AS role FROM audit.event JOIN students ON entity_id = students.id::text
    WHERE action = 'CREATE' AND starts_with(student_number, $1) ORDER BY seq`,
    [prefix],
  );
  return rows.map(({ role }) => role);
};

beforeAll(async () => {
  // One connection: what one user leaves on it, the next one would see.
  app = await startStudentApp({ pool: { min: 0, max: 1, acquireTimeoutMs: 5_000 } });
  doctor = createExecutionContext({ ...app.clinics.a, userRole: 'PHYSICIAN' });
});
afterAll(() => app?.close());
afterEach(() => expectWholePool(app, 1));

describe('the context of a unit', () => {
  it('is the one given, else the ambient one, and applies to what runs inside', async () => {
    await runWithContext(app.clinics.b, () =>
      app.unitOfWork.executeInTransaction(async () => {
        const { tenant } = await app.database.one<{ tenant: string }>('SELECT phi.tenant() AS tenant');
        expect(tenant).toBe(app.clinics.b.clinicId);
      }),
    );
    await runWithContext(app.clinics.b, () =>
      unit(async () => {
        const created = await app.students.create(pupil('given'));
        expect(created.clinicId).toBe(app.clinics.a.clinicId);
        expect(await app.database.one('SELECT phi.tenant() AS tenant')).toEqual({ tenant: app.clinics.a.clinicId });
      }),
    );
  });

  it('gives way to an explicit one for one call, and only for that call', async () => {
    await unit(async () => {
      await app.students.create(pupil('actor-1'));
      await app.students.create(pupil('actor-2'), doctor);
      await app.students.create(pupil('actor-3'));
      await app.students.create(pupil('actor-4'), doctor);
      await app.database.query(INSERT_STUDENT, ['actor-5']);
      await runWithContext(doctor, () => app.database.query(INSERT_STUDENT, ['actor-6']));
      await app.sequelize.query(INSERT_STUDENT, { bind: ['actor-7'] });
      await unit(() => app.database.query(INSERT_STUDENT, ['actor-8']), doctor);
    });
    expect(await actors('actor-')).toEqual([
      'NURSE',
      'PHYSICIAN',
      'NURSE',
      'PHYSICIAN',
      'NURSE',
      'PHYSICIAN',
      'NURSE',
      'PHYSICIAN',
    ]);
  });

  it('is named rightly after a savepoint took back the settings made inside it', async () => {
    await unit(async () => {
      await app.students.create(pupil('saved-1'));
      await unit(
        async () => {
          await app.students.create(pupil('saved-undone'), doctor);
          throw new Error('inner');
        },
        undefined,
        { propagation: 'NESTED' },
      ).catch(() => undefined);
      await app.students.create(pupil('saved-2'), doctor);
      await unit(() => app.students.create(pupil('saved-3')), doctor, { propagation: 'NESTED' });
      await app.students.create(pupil('saved-4'));
    });
    expect(await actors('saved-')).toEqual(['NURSE', 'PHYSICIAN', 'PHYSICIAN', 'NURSE']);
  });

  it('may come with the first call that names a clinic, which then stays', async () => {
    await app.unitOfWork.executeInTransaction(async () => {
      expect(await app.database.one('SELECT phi.tenant() AS tenant')).toEqual({ tenant: null });
      await app.students.create(pupil('adopted-1'), app.clinics.a);
      expect(await app.students.count({ studentNumber: 'adopted-1' })).toBe(1);
      await expect(app.students.create(pupil('adopted-2'), app.clinics.b)).rejects.toThrow(TenantDeniedError);
    });
    expect(await app.stored('adopted')).toEqual(['adopted-1']);
  });
});

describe('another clinic inside one unit', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['a write', () => app.students.create(pupil('denied'), app.clinics.b)],
    ['a read', () => app.students.count({}, { context: app.clinics.b })],
    ['raw SQL', () => app.database.query(INSERT_STUDENT, ['denied'], { context: app.clinics.b })],
    ['an ambient context', () => runWithContext(app.clinics.b, () => app.students.count())],
    ['an inner unit', () => unit(() => app.students.count(), app.clinics.b)],
    ['a nested unit', () => unit(() => app.students.count(), app.clinics.b, { propagation: 'NESTED' })],
    ['a model', () => runWithContext(app.clinics.b, () => app.sequelize.models.Student!.count())],
  ])('is refused: %s', async (_, work) => {
    await unit(async () => {
      await app.students.count();
      await expect(work()).rejects.toMatchObject({ code: 'TENANT_DENIED' });
      // Refused before it was sent: the unit is unharmed.
      await app.students.count();
    });
    expect(await app.stored('denied')).toEqual([]);
  });

  it('is served by a unit of its own', async () => {
    await unit(async (uow) => {
      uow.afterCommit(() => unit(() => app.students.create(pupil('other-b')), app.clinics.b));
      await app.students.create(pupil('other-a'));
    });
    expect(await app.stored('other')).toEqual(['other-a', 'other-b']);
  });
});

describe('a context made by hand', () => {
  it.each(['a\0b', "x'; DROP TABLE students; --", 'not-a-uuid'])(
    'whose clinic is not a UUID is refused and sends nothing: %j',
    async (clinicId) => {
      const context = { userId: 'x', requestId: 'y', clinicId };
      await expect(app.students.create(pupil('by-hand'), context)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(app.students.count({}, { context })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(unit(() => app.students.create(pupil('by-hand')), context)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    },
  );

  it('carries any text safely into the settings', async () => {
    const reason = `O'Brien \\ "quoted" $$ ; \u00e9\u{1F600}`;
    await app.students.create(pupil('hostile'), { ...app.clinics.a, reason });
    const { rows } = await app.truth.query<{ reason: string }>(
      `SELECT e.reason FROM audit.event e JOIN students s ON e.entity_id = s.id::text WHERE s.student_number = 'hostile'`,
    );
    expect(rows).toEqual([{ reason }]);
    // Text that PostgreSQL cannot store is refused whole: who acted is never recorded by half.
    for (const broken of ['\0', '\ud800']) {
      await expect(app.students.create(pupil('hostile-2'), { ...app.clinics.a, reason: broken })).rejects.toMatchObject(
        { code: 'INVALID_INPUT' },
      );
    }
    expect(await app.stored('hostile')).toEqual(['hostile']);
  });
});

describe('the next user of a connection', () => {
  /** What the connection says when nobody has told it anything. */
  const leftovers = () =>
    app.unitOfWork.runOutsideTransaction(() =>
      app.database.one(
        `SELECT nullif(current_setting('app.tenant', true), '') AS tenant, nullif(current_setting('app.context', true), '') AS context,
        (SELECT count(*)::int FROM students) AS visible`,
      ),
    );

  it.each<[string, () => Promise<unknown>]>([
    ['a commit', () => unit(() => app.students.create(pupil(`leak-${Math.random()}`)))],
    ['a rollback', () => unit(() => app.students.count().then(() => Promise.reject(new Error('x'))))],
    ['an SQL error', () => unit(() => app.database.query('SELECT 1/0'))],
    [
      'a nested rollback',
      () =>
        unit(() =>
          unit(() => app.database.query('SELECT 1/0'), doctor, { propagation: 'NESTED' }).catch(() => undefined),
        ),
    ],
    ['a lone write', () => app.students.create(pupil(`leak-${Math.random()}`), app.clinics.a)],
    ['a lone read', () => app.students.count({}, { context: app.clinics.a })],
    ['a lone failure', () => app.database.query('SELECT 1/0', [], { context: app.clinics.a })],
    ['a model', () => runWithContext(app.clinics.a, () => app.sequelize.models.Student!.count())],
    [
      'a transaction of Sequelize',
      () => runWithContext(app.clinics.a, () => app.sequelize.transaction(() => Promise.resolve())),
    ],
    [
      'a failed transaction of Sequelize',
      () =>
        runWithContext(app.clinics.a, () =>
          app.sequelize.transaction((transaction) => app.sequelize.query('SELECT 1/0', { transaction })),
        ),
    ],
  ])('sees no tenant, no actor and no row after %s [D03]', async (_, work) => {
    await app.truth.query('SELECT 1');
    await Promise.resolve(work()).catch(() => undefined);
    expect(await leftovers()).toEqual({ tenant: null, context: null, visible: 0 });
  });

  it('is not reached by a session-level SET, which raw SQL is refused [U12]', async () => {
    for (const sql of [
      `SET app.tenant = 'x'`,
      `SET LOCAL app.tenant = 'x'`,
      'SET SESSION search_path = x',
      'set statement_timeout = 0',
      'SET ROLE phi_owner',
      'RESET ALL',
      'DISCARD ALL',
    ]) {
      await expect(app.database.query(sql)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(unit(() => app.sequelize.query(sql))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    await unit(() => app.database.query('SET LOCAL work_mem = 1234'));
    expect(await app.database.one('SHOW work_mem')).not.toEqual({ work_mem: '1234kB' });
  });
});

describe('a parameter that has no text', () => {
  it('is refused before a transaction begins, in a unit and alone', async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    for (const value of [circular, { n: 1n }, [circular]]) {
      await expect(app.database.query('SELECT $1::text', [value])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await unit(async () => {
        await expect(app.database.query('SELECT $1::text', [value])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
        expect(
          await app.database.one(`SELECT $1::jsonb->>'a' AS a, $2::text[] AS b`, [{ a: 'x' }, ['y', null]]),
        ).toEqual({ a: 'x', b: ['y', null] });
      });
    }
    await expect(app.database.query(undefined as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(app.database.query('SELECT 1', 'x' as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('several who act in one unit at once', () => {
  it('are each named for what they wrote, through models and repositories [U71]', async () => {
    const roles = Array.from({ length: 6 }, (_, i) => `ROLE_${i}`);
    await unit(() =>
      Promise.all(
        roles.map((userRole, i) =>
          runWithContext(createExecutionContext({ ...app.clinics.a, userRole }), () =>
            i % 2
              ? app.sequelize.models.Student!.create(pupil(`at-once-${i}`))
              : app.students.create(pupil(`at-once-${i}`)),
          ),
        ),
      ),
    );
    expect((await actors('at-once')).toSorted()).toEqual(roles);
    const { rows } = await app.truth.query(
      `SELECT user_role AS role, student_number AS number FROM audit.event JOIN students ON entity_id = students.id::text
      WHERE action = 'CREATE' AND starts_with(student_number, 'at-once') ORDER BY 1`,
    );
    expect(rows).toEqual(roles.map((role, i) => ({ role, number: `at-once-${i}` })));
  });
});

describe('a context made by hand that is refused', () => {
  const cyclic = (): ExecutionContext => {
    const context = { ...app.clinics.a } as ExecutionContext & { self?: unknown };
    return Object.assign(context, { self: context });
  };

  it.each<[string, () => ExecutionContext]>([
    ['not a clinic', () => ({ ...app.clinics.a, clinicId: 'x' })],
    ['no plain data', cyclic],
  ])('does not become that of the unit, nor keep its connection: %s [U81]', async (_, refused) => {
    await app.unitOfWork.executeInTransaction(async () => {
      await app.database.query('SELECT 1');
      await expect(app.database.query('SELECT 1', [], { context: refused() })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
      expect(await app.database.one('SELECT phi.tenant() AS tenant', [], { context: app.clinics.b })).toEqual({
        tenant: app.clinics.b.clinicId,
      });
    });
  });
});
