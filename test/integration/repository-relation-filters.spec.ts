import { BelongsTo, Column, DataType, ForeignKey, Table } from 'sequelize-typescript';
import type { NonAttribute } from 'sequelize';
import { BaseModel, type ExecutionContext, repositoryFor, runWithContext, TenantModel } from '../../src';
import { Clinic, District, School, Student, type StudentRepository, User } from '../../src/domains';
import { rejectionOf } from '../support/refusal';
import {
  parentIn,
  type RelationsApp,
  startRelationsApp,
  type Stored,
  type StoredTable,
} from '../support/relations-app';
import { type SeededRandom, seededRandom } from '../support/seeded-random';

/** Belongs to no clinic, and points to a student of one and to a note. */
@Table({ tableName: 'test_notes' })
class Note extends BaseModel<Note> {
  @ForeignKey(() => Student)
  @Column(DataType.UUID)
  declare studentId: string | null;

  @BelongsTo(() => Student)
  declare student?: NonAttribute<Student>;

  @ForeignKey(() => Note)
  @Column(DataType.UUID)
  declare noteId: string | null;

  @BelongsTo(() => Note)
  declare note?: NonAttribute<Note>;
}
class NoteRepository extends repositoryFor(Note) {}

/** A school that knows its clinic, which itself belongs to none. */
@Table({ tableName: 'schools' })
class Office extends TenantModel<Office> {
  @Column(DataType.STRING(50))
  declare code: string;

  @BelongsTo(() => Clinic, 'clinicId')
  declare clinic?: NonAttribute<Clinic>;
}
class OfficeRepository extends repositoryFor(Office) {}

let app: RelationsApp;
let students: StudentRepository;
let notes: NoteRepository;

beforeAll(async () => {
  app = await startRelationsApp([NoteRepository, OfficeRepository]);
  students = app.students;
  notes = app.get(NoteRepository);
  const columns = Object.values(Note.getAttributes())
    .map(({ field, type }) => `${field} ${(type as { toSql(): string }).toSql()}`)
    .join(', ');
  await app.truth.query(`CREATE TABLE test_notes (${columns}); GRANT SELECT ON test_notes TO PUBLIC`);
});
afterAll(() => app?.close());

const numbers = (found: readonly { readonly studentNumber: string }[]): string[] =>
  found.map(({ studentNumber }) => studentNumber).toSorted();

type Where = NonNullable<Parameters<StudentRepository['count']>[0]>;
const matching = async (where: Where): Promise<string[]> => numbers(await app.asA(() => students.findAll({ where })));

describe('A condition on a parent', () => {
  /** Numbers of the students of whom raw SQL says so; `school` is null where there is no living one. */
  const expected = async (holds: (school: Stored | null) => boolean): Promise<string[]> => {
    const schools = await app.stored(School);
    const rows = [...(await app.stored(Student)).values()] as unknown as Student[];
    return numbers(rows.filter(({ schoolId }) => holds(parentIn(schools, schoolId))));
  };

  it('holds where there is a living parent and it holds of it [003-18]', async () => {
    const found = await matching({ school: { code: 'S-0' } });
    expect(found).toEqual(await expected((school) => school?.code === 'S-0'));
    expect(found).toHaveLength(8);
    expect(await matching({ school: { code: 'S-3' } })).toEqual([]);
  });

  it('does not hold without a parent, though it asks for null: a missing parent has no null attribute', async () => {
    expect(await matching({ school: { city: null } })).toEqual(
      await expected((school) => school !== null && school.city === null),
    );
  });

  it('under NOT holds where there is no parent: no school of that code', async () => {
    const found = await matching({ NOT: { school: { code: 'S-0' } } });
    expect(found).toEqual(await expected((school) => school?.code !== 'S-0'));
    expect(found).toHaveLength(32);
  });

  it('with NOT inside it still asks for a parent: a school of another code', async () => {
    const found = await matching({ school: { NOT: { code: 'S-0' } } });
    expect(found).toEqual(await expected((school) => school !== null && school.code !== 'S-0'));
    expect(found).toHaveLength(16);
    expect(await matching({ school: { code: { ne: 'S-0' } } })).toEqual(found);
  });

  it('is neither held nor not by a null attribute of a parent, as by one of the row', async () => {
    expect(await matching({ NOT: { school: { city: 'Elmwood' } } })).toEqual(
      await expected((school) => school === null || (school.city !== 'Elmwood' && school.city !== null)),
    );
  });

  it('without anything to hold asks for a parent, and null for none', async () => {
    expect(await matching({ school: {} })).toEqual(await expected((school) => school !== null));
    expect(await matching({ school: null })).toEqual(await expected((school) => school === null));
    expect(await matching({ NOT: { school: null } })).toEqual(await matching({ school: {} }));
    expect(await matching({ NOT: { school: {} } })).toEqual(await matching({ school: null }));
  });

  it('of a parent’s parent asks for both', async () => {
    expect(await matching({ school: { district: { code: 'N' } } })).toEqual(
      await matching({ school: { code: 'S-0' } }),
    );
    // The district of Oak is deleted, Ash has none.
    expect(await matching({ school: { district: null } })).toEqual(
      await matching({ school: { code: { in: ['S-1', 'S-2'] } } }),
    );
  });

  it('looks at deleted parents where deleted rows are asked for', async () => {
    await app.asA(async () => {
      expect(await students.count({ school: { code: 'S-3' } }, { withDeleted: true })).toBe(8);
      expect(await students.count({ school: { district: { code: 'G' } } }, { withDeleted: true })).toBe(8);
    });
  });

  it('gives one row where exists, count, findOne and the total of a page look', async () => {
    const where = { school: { code: 'S-0' }, nurse: { lastName: { contains: 'nurse' } } } as const;
    await app.asA(async () => {
      const found = await students.findAll({ where });
      expect(found.length).toBeGreaterThan(2);
      expect(await students.count(where)).toBe(found.length);
      expect(await students.exists(where)).toBe(true);
      expect(await students.exists({ school: { code: 'S-9' } })).toBe(false);
      const page = await students.findMany({ where, include: { school: true }, pagination: { limit: 2 } });
      expect([page.data.length, page.pagination.total]).toEqual([2, found.length]);
      expect((await students.findOne({ where, orderBy: [{ studentNumber: 'ASC' }] }))?.studentNumber).toBe(
        numbers(found)[0],
      );
    });
  });

  it('shares its join with the include of the same parent, and takes one of its own otherwise', async () => {
    await app.asA(async () => {
      const found = await students.findAll({
        where: { school: { district: { code: 'N' } }, nurse: null },
        include: { school: { select: ['code'] } },
      });
      expect(found.map(({ school }) => school)).toEqual(found.map(() => ({ code: 'S-0' })));
      expect(found).toHaveLength(2);
      expect(Object.keys(found[0]!)).not.toContain('nurse');
      expect(Object.keys(found[0]!.school!)).toEqual(['code']);
    });
  });

  it('is refused where an update would need a join', async () => {
    const { statements, entity } = (students as never as { ready(): never })['ready']() as {
      statements: { update(...args: unknown[]): unknown };
      entity: { byAttribute: Map<string, unknown> };
    };
    const set = { columns: [entity.byAttribute.get('grade')], values: ['1'] };
    expect(() => statements.update('update', set, { where: { school: {} } })).toThrow(/attributes of its own/);
  });
});

type Truth = boolean | null;
const and = (parts: readonly Truth[]): Truth => (parts.includes(false) ? false : parts.includes(null) ? null : true);
const or = (parts: readonly Truth[]): Truth => (parts.includes(true) ? true : parts.includes(null) ? null : false);
const not = (part: Truth): Truth => (part === null ? null : !part);

type Clause = Record<string, unknown>;
interface Entity {
  readonly rows: StoredTable;
  /** Attribute that points to it, and the parent, by relation. */
  readonly parents: Readonly<Record<string, readonly [attribute: string, entity: Entity]>>;
  readonly texts: Readonly<Record<string, readonly string[]>>;
}

/** What the documentation says of conditions on parents, written down a second time. */
function holds(entity: Entity, row: Stored, where: Clause): Truth {
  return and(
    Object.entries(where).map(([key, value]): Truth => {
      if (key === 'AND') return and((value as Clause[]).map((part) => holds(entity, row, part)));
      if (key === 'OR') return or((value as Clause[]).map((part) => holds(entity, row, part)));
      if (key === 'NOT') return not(holds(entity, row, value as Clause));
      const relation = entity.parents[key];
      if (!relation) return compares(row[key], value);
      const found = parentIn(relation[1].rows, row[relation[0]]);
      if (value === null) return found === null;
      return found === null ? false : holds(relation[1], found, value as Clause);
    }),
  );
}

function compares(stored: unknown, asked: unknown): Truth {
  if (asked === null) return stored === null;
  if (stored === null) return null;
  return typeof asked === 'object' ? stored !== (asked as { ne: unknown }).ne : stored === asked;
}

function randomWhere(random: SeededRandom, entity: Entity, depth: number): Clause {
  const comparison = (): Clause => {
    const [attribute, values] = random.pick(Object.entries(entity.texts));
    return { [attribute]: random.pick<unknown>([null, random.pick(values), { ne: random.pick(values) }]) };
  };
  if (depth === 0) return comparison();
  const part = (): Clause => randomWhere(random, entity, depth - 1);
  const relations = Object.entries(entity.parents);
  return random.pick<() => Clause>([
    comparison,
    () => ({ NOT: part() }),
    () => ({ OR: [part(), part()], ...comparison() }),
    () => ({ AND: [part(), part()] }),
    ...relations.flatMap(([name, [, target]]) => [
      () => ({ [name]: random.pick([null, {}, randomWhere(random, target, depth - 1)]) }),
      () => ({ ...comparison(), [name]: randomWhere(random, target, depth - 1) }),
      () => ({ NOT: { [name]: randomWhere(random, target, depth - 1) } }),
    ]),
  ])();
}

describe('Conditions on parents of any depth', () => {
  it('find what the three values of SQL say, with and without includes [003-18]', async () => {
    const seed = jest.getSeed();
    const random = seededRandom(seed);
    const district: Entity = { rows: await app.stored(District), parents: {}, texts: { code: ['N', 'G'] } };
    const school: Entity = {
      rows: await app.stored(School),
      parents: { district: ['districtId', district] },
      texts: { code: ['S-0', 'S-1', 'S-2', 'S-3'], city: ['Elmwood', 'Oakham'] },
    };
    const nurse: Entity = {
      rows: await app.stored(User),
      parents: { school: ['schoolId', school] },
      texts: { lastName: ['Nurse0', 'Nurse1'] },
    };
    const student: Entity = {
      rows: await app.stored(Student),
      parents: { school: ['schoolId', school], nurse: ['nurseId', nurse] },
      texts: { grade: ['1', '2'], city: ['Elmwood'], lastName: ['L0', 'L1'] },
    };
    const includes = [undefined, { nurse: true }, { school: { select: ['code'], include: { district: true } } }];
    await app.asA(async () => {
      for (let i = 0; i < 150; i += 1) {
        const where = randomWhere(random, student, 4);
        const expected = [...student.rows.values()].filter((row) => holds(student, row, where) === true);
        const found = await students.findAll({ where, include: random.pick(includes) } as object);
        const told = `seed ${seed}: ${JSON.stringify(where)}`;
        expect([told, numbers(found)]).toEqual([told, numbers(expected as never)]);
        expect([told, await students.count(where as Where)]).toEqual([told, expected.length]);
      }
    });
  });
});

describe('A parent of another clinic', () => {
  const id = (n: number): string => `0190d000-0000-7000-8000-0000000000${String(n).padStart(2, '0')}`;
  const within = <T>(context: ExecutionContext, work: () => Promise<T>): Promise<T> => runWithContext(context, work);

  beforeAll(async () => {
    const { a, b } = app.clinics;
    // Past foreign keys and row security, as no application can write: equal ids in both clinics, and a pointer across.
    await app.truth.query('SET session_replication_role = replica');
    const school = 'INSERT INTO schools (clinic_id, id, name, code) VALUES ($1, $2, $3, $4)';
    await app.truth.query(school, [a.clinicId, id(1), 'Mine', 'X-A']);
    await app.truth.query(school, [b.clinicId, id(1), 'Theirs', 'X-B']);
    await app.truth.query(school, [b.clinicId, id(2), 'Theirs too', 'X-C']);
    const student = `INSERT INTO students (clinic_id, id, student_number, first_name, last_name, date_of_birth, gender, school_id)
      VALUES ($1, $2, $3, 'Ada', 'X', '2014-12-10', 'FEMALE', $4)`;
    await app.truth.query(student, [a.clinicId, id(11), 'x-same', id(1)]);
    await app.truth.query(student, [a.clinicId, id(12), 'x-foreign', id(2)]);
    await app.truth.query(student, [b.clinicId, id(13), 'x-theirs', id(2)]);
    const note = `INSERT INTO test_notes (id, version, created_at, updated_at, student_id, note_id)
      VALUES ($1, 1, now(), now(), $2, $3)`;
    await app.truth.query(note, [id(21), id(11), null]);
    await app.truth.query(note, [id(22), id(13), id(21)]);
    await app.truth.query('RESET session_replication_role');
  });

  it('is null, though the row points to it [000-28]', async () => {
    const found = await within(app.clinics.a, () =>
      students.findAll({
        where: { lastName: 'X' },
        select: ['studentNumber'],
        include: { school: { select: ['name'] } },
        orderBy: [{ studentNumber: 'ASC' }],
      }),
    );
    expect(found).toEqual([
      { studentNumber: 'x-foreign', school: null },
      { studentNumber: 'x-same', school: { name: 'Mine' } },
    ]);
  });

  it('matches no condition [000-28]', async () => {
    await within(app.clinics.a, async () => {
      expect(await students.count({ lastName: 'X', school: { code: { in: ['X-B', 'X-C'] } } })).toBe(0);
      expect(numbers(await students.findAll({ where: { lastName: 'X', school: null } }))).toEqual(['x-foreign']);
    });
  });

  it('is hidden by row security where the child belongs to no clinic and the join is by id alone [000-28]', async () => {
    const find = () =>
      notes.findAll({ select: ['id'], include: { student: { select: ['studentNumber'] } }, orderBy: [{ id: 'ASC' }] });
    expect(await within(app.clinics.a, find)).toEqual([
      { id: id(21), student: { studentNumber: 'x-same' } },
      { id: id(22), student: null },
    ]);
    expect(await within(app.clinics.b, find)).toEqual([
      { id: id(21), student: null },
      { id: id(22), student: { studentNumber: 'x-theirs' } },
    ]);
  });

  it('is found by its id alone where it belongs to no clinic itself', async () => {
    const found = await within(app.clinics.a, () =>
      app
        .get(OfficeRepository)
        .findAll({ where: { clinic: { name: 'Clinic A' } }, include: { clinic: { select: ['name'] } } }),
    );
    expect(found.length).toBeGreaterThan(3);
    expect(new Set(found.map(({ clinic }) => clinic?.name))).toEqual(new Set(['Clinic A']));
  });

  it('does not make a row that points to its own kind lose its way', async () => {
    const [first, second] = await within(app.clinics.a, () =>
      notes.findAll({ include: { note: { include: { note: true } } }, orderBy: [{ id: 'ASC' }] }),
    );
    expect(first!.note).toBeNull();
    expect(second!.note).toMatchObject({ id: id(21), note: null });
  });

  it('is not looked for six levels up, neither to return nor to filter by', async () => {
    const circle: { note: object } = { note: {} };
    circle.note = { include: circle };
    const six = { note: { note: { note: { note: { note: { note: null } } } } } };
    await within(app.clinics.a, async () => {
      for (const criteria of [{ include: circle }, { where: six }] as never[]) {
        const error = await rejectionOf(notes.findAll(criteria));
        expect(error).toMatchObject({ code: 'INVALID_INPUT', entity: 'Note' });
        expect(error.message).toMatch(/5 levels deep at most/);
      }
      expect(await notes.count(six.note as never)).toBe(0);
    });
  });
});
