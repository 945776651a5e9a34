import { Client } from 'pg';
import { type Entity, repositoryFor } from '../../src';
import {
  District,
  School,
  SchoolRepository,
  Student,
  type StudentRepository,
  User,
  type VitalSignsRepository,
} from '../../src/domains';
import { rejectionOf } from '../support/refusal';
import { parentIn, type RelationsApp, startRelationsApp } from '../support/relations-app';

const CANARY = 'Canary-4417';

/** Shows a grade in its own words. */
class WordyStudents extends repositoryFor(Student) {
  protected override mapToEntity(row: object): Entity<Student> {
    const student = super.mapToEntity(row);
    return Object.freeze({ ...student, grade: `grade ${student.grade}` });
  }
}

let app: RelationsApp;
let students: StudentRepository;
let vitals: VitalSignsRepository;

beforeAll(async () => {
  app = await startRelationsApp([WordyStudents]);
  ({ students, vitals } = app);
});
afterAll(() => app?.close());
afterEach(() => jest.restoreAllMocks());

/** What went to the server while `work` ran. */
async function sentBy(work: () => Promise<unknown>): Promise<string[]> {
  const sent: string[] = [];
  const query = Client.prototype.query as (...args: unknown[]) => unknown;
  const spy = jest.spyOn(Client.prototype, 'query').mockImplementation(function (this: Client, ...args: unknown[]) {
    const [config] = args as [string | { text: string }];
    sent.push(typeof config === 'string' ? config : config.text);
    return query.apply(this, args);
  } as never);
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
  return sent;
}

describe('An included parent', () => {
  it('is the row that raw SQL reads, for every child [003-18]', async () => {
    const [schools, users, rows] = [await app.stored(School), await app.stored(User), await app.stored(Student)];
    const found = await app.asA(() => students.findAll({ include: { school: true, nurse: true } }));
    expect(found).toHaveLength(40);
    for (const student of found) {
      expect(student).toEqual({
        ...rows.get(student.id),
        school: parentIn(schools, student.schoolId),
        nurse: parentIn(users, student.nurseId),
      });
    }
    expect(found.filter(({ school }) => school)).toHaveLength(24);
  });

  it('is null where the row points to none, and where it is deleted', async () => {
    const [withoutSchool, ofClosed] = await app.asA(async () => [
      await students.findOne({ where: { studentNumber: 'r-04' }, include: { school: true } }),
      await students.findOne({ where: { studentNumber: 'r-03' }, include: { school: true } }),
    ]);
    expect(withoutSchool).toMatchObject({ schoolId: null, school: null });
    expect(ofClosed).toMatchObject({ schoolId: expect.any(String), school: null });
  });

  it('is there though deleted, when deleted rows are asked for', async () => {
    const schools = await app.stored(School);
    const found = await app.asA(() => students.findAll({ include: { school: true } }, { withDeleted: true }));
    expect(found.filter(({ school }) => school?.code === 'S-3')).toHaveLength(8);
    for (const { schoolId, school } of found) expect(school).toEqual(schoolId ? schools.get(schoolId) : null);
  });

  it('takes its own parents along, and with a deleted one those behind it are null too [D20]', async () => {
    const [schools, districts] = [await app.stored(School), await app.stored(District)];
    const found = await app.asA(() => students.findAll({ include: { school: { include: { district: true } } } }));
    for (const { schoolId, school } of found) {
      const expected = parentIn(schools, schoolId);
      expect(school).toEqual(expected && { ...expected, district: parentIn(districts, expected.districtId) });
    }
    expect(new Set(found.map(({ school }) => school?.district?.code))).toEqual(new Set(['N', undefined]));
    expect(found.filter(({ school }) => school && !school.district)).toHaveLength(16);
  });

  it('has the selected attributes only, and so has the row [D16]', async () => {
    const found = await app.asA(() =>
      vitals.findAll({
        where: { student: { studentNumber: { in: ['r-00', 'r-04'] } } },
        select: ['heightCm'],
        orderBy: [{ createdAt: 'ASC' }],
        include: { student: { select: ['grade', 'dateOfBirth'], include: { school: { select: ['code'] } } } },
      }),
    );
    expect(found).toEqual([
      { heightCm: '120.50', student: { grade: null, dateOfBirth: '2010-12-10', school: { code: 'S-0' } } },
      { heightCm: '120.50', student: { grade: '1', dateOfBirth: '2014-12-10', school: null } },
    ]);
  });

  it('is found five levels up, in one statement whose names fit in 63 bytes', async () => {
    const find = () =>
      vitals.findAll({
        include: {
          visit: {
            include: { student: { include: { nurse: { include: { school: { include: { district: true } } } } } } },
          },
          student: { include: { nurse: true, school: { include: { district: true } } } },
        },
      });
    let found: Awaited<ReturnType<typeof find>> = [];
    const sent = await sentBy(() => app.asA(async () => (found = await find())));
    const selects = sent.filter((text) => text.startsWith('SELECT "'));
    expect(selects).toHaveLength(1);
    for (const [name] of selects[0]!.matchAll(/"[^"]+"/g)) expect(Buffer.byteLength(name) - 2).toBeLessThan(63);
    expect(found).toHaveLength(20);
    const [districts, schools, users, rows] = [
      await app.stored(District),
      await app.stored(School),
      await app.stored(User),
      await app.stored(Student),
    ];
    for (const { visitId, visit, student, studentId } of found) {
      const pupil = rows.get(studentId)!;
      const nurse = parentIn(users, pupil.nurseId);
      const ofNurse = nurse && parentIn(schools, nurse.schoolId);
      const school = parentIn(schools, pupil.schoolId);
      expect(student).toEqual({
        ...pupil,
        nurse,
        school: school && { ...school, district: parentIn(districts, school.districtId) },
      });
      expect(visit?.id ?? null).toBe(visitId);
      expect(visit?.student ?? null).toEqual(
        visit && {
          ...pupil,
          nurse: nurse && {
            ...nurse,
            school: ofNurse && { ...ofNurse, district: parentIn(districts, ofNurse.districtId) },
          },
        },
      );
    }
    expect(found.filter(({ visit }) => visit?.student?.nurse?.school?.district)).not.toHaveLength(0);
  });

  it('cannot be written to, at any level', async () => {
    const found = await app.asA(() =>
      students.findOne({ where: { studentNumber: 'r-00' }, include: { school: { include: { district: true } } } }),
    );
    expect(Object.isFrozen(found)).toBe(true);
    expect(Object.isFrozen(found!.school)).toBe(true);
    expect(Object.isFrozen(found!.school!.district)).toBe(true);
  });

  it('is in the row that mapToEntity is given', async () => {
    const found = await app.asA(() =>
      app.get(WordyStudents).findOne({ where: { studentNumber: 'r-01' }, include: { school: { select: ['code'] } } }),
    );
    expect(found).toMatchObject({ studentNumber: 'r-01', grade: 'grade 1', school: { code: 'S-1' } });
  });

  it('leaves pages, totals and counts as they are: no row is multiplied or left out [D20]', async () => {
    await app.asA(async () => {
      const seen: string[] = [];
      for (let page = 1; page <= 4; page += 1) {
        const { data, pagination } = await students.findMany({
          include: { school: { include: { district: true } }, nurse: { include: { school: true } } },
          orderBy: [{ createdAt: 'DESC' }, { lastName: 'ASC' }],
          pagination: { page, limit: 11 },
        });
        expect(pagination).toMatchObject({ total: 40, pages: 4, hasNext: page < 4 });
        seen.push(...data.map(({ id }) => id));
      }
      expect(seen).toHaveLength(40);
      expect(new Set(seen).size).toBe(40);
    });
  });

  it('comes with keyset pages and streams as well, though both tables have the columns that are sorted by', async () => {
    await app.asA(async () => {
      const include = { school: { select: ['code'] } } as const;
      const orderBy = [{ city: 'DESC' }, { createdAt: 'ASC' }] as const;
      const whole = await students.findAll({ where: { school: {} }, include, orderBy });
      expect(whole).toHaveLength(24);
      const paged: unknown[] = [];
      for (let after: string | undefined, more = true; more;) {
        const page = await students.findPage({
          where: { school: {} },
          include,
          orderBy,
          limit: 7,
          ...(after ? { after } : {}),
        });
        paged.push(...page.data);
        after = page.cursors.next ?? undefined;
        more = after !== undefined;
      }
      expect(paged).toEqual(whole);
      const streamed: unknown[] = [];
      for await (const student of students.stream({ where: { school: {} }, include, orderBy }, { batchSize: 5 }))
        streamed.push(student);
      expect(streamed).toEqual(whole);
    });
  });

  it('is read in the unit of work of the call: what that unit wrote is seen', async () => {
    let seen: unknown[] = [];
    const rolledBack = app.unitOfWork.executeInTransaction(async () => {
      const school = (await app.get(SchoolRepository).findByCode('S-2'))!;
      await app.get(SchoolRepository).update(school.id, { name: 'Renamed' });
      seen = await Promise.all([
        students.findOne({ where: { schoolId: school.id }, include: { school: { select: ['name'] } } }),
        students.count({ school: { name: 'Renamed' } }),
      ]);
      throw new Error('roll back');
    }, app.clinics.a);
    await expect(rolledBack).rejects.toThrow('roll back');
    expect(seen).toEqual([expect.objectContaining({ school: { name: 'Renamed' } }), 8]);
  });
});

describe('Criteria with relations', () => {
  const circle: { include: { school: unknown } } = { include: { school: true } };
  circle.include.school = circle;

  it.each<[string, object]>([
    ['an unknown relation', { include: { [CANARY]: true } }],
    ['an attribute as a relation', { include: { schoolId: true } }],
    ['a relation of another entity', { include: { visit: true } }],
    ['a list to include', { include: ['school'] }],
    ['null to include', { include: null }],
    ['a Map to include', { include: new Map([['school', true]]) }],
    ['keys that are only inherited', { include: Object.create({ school: true }) }],
    ['false for a relation', { include: { school: false } }],
    ['undefined for a relation', { include: { school: undefined } }],
    ['null for a relation', { include: { school: null } }],
    ['a text for a relation', { include: { school: CANARY } }],
    ['an unknown key of a relation', { include: { school: { where: { code: CANARY } } } }],
    ['an empty projection of a relation', { include: { school: { select: [] } } }],
    ['null as a projection of a relation', { include: { school: { select: null } } }],
    ['an unknown attribute of a relation', { include: { school: { select: [CANARY] } } }],
    ['a relation as an attribute of a relation', { include: { school: { select: ['district'] } } }],
    ['null inside a relation', { include: { school: { include: null } } }],
    ['an include that contains itself', circle],
    ['the prototype', JSON.parse('{ "include": { "__proto__": true } }') as object],
    ['a method of every object', { include: { toString: true } }],
    ['a sort by a relation', { orderBy: [{ school: 'ASC' }] }],
    ['a sort by a relation’s attribute', { orderBy: [{ 'school.code': 'ASC' }] }],
    ['a relation as an attribute to select', { select: ['school'] }],
    ['undefined for a relation to filter by', { where: { school: undefined } }],
    ['an unknown attribute of a relation to filter by', { where: { school: { [CANARY]: 'x' } } }],
    ['an operator on a relation', { where: { school: { eq: null } } }],
  ])('are refused before any statement: %s [D20]', async (_name, criteria) => {
    for (const call of ['findOne', 'findMany', 'findAll', 'findPage'] as const) {
      const sent = await sentBy(async () => {
        const error = await rejectionOf(app.asA(() => students[call](criteria as never) as Promise<unknown>));
        expect(error).toMatchObject({ code: 'INVALID_INPUT', status: 400 });
        expect(`${error.message} ${error.stack}`).not.toContain(CANARY);
      });
      expect(sent).toEqual([]);
    }
  });

  it('are no options of findById: that would be an unknown key', async () => {
    const error = await rejectionOf(
      app.asA(() => students.findById('0190a000-0000-7000-8000-00000000000a', { include: { school: true } } as never)),
    );
    expect(error).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('say where a sort by a relation belongs', async () => {
    const error = await rejectionOf(app.asA(() => students.findAll({ orderBy: [{ school: 'ASC' }] as never })));
    expect(error.message).toMatch(/orderBy takes attributes of its own/);
  });

  it('bind values of a parent, and keep none in the text [004-19]', async () => {
    const sent = await sentBy(() =>
      app.asA(() =>
        students.findAll({ where: { school: { name: CANARY, code: { in: [CANARY] } } }, include: { school: true } }),
      ),
    );
    expect(sent.join('\n')).not.toContain(CANARY);
    expect(sent.join('\n')).toContain('"r1"."name" = $1');
  });
});
