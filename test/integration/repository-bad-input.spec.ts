import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { type ExecutionContext, runWithContext } from '../../src';
import {
  AllergyRepository,
  AppointmentRepository,
  domainRepositories,
  StudentRepository,
  VitalSignsRepository,
} from '../../src/domains';
import { type CapturedOutput, captureOutput } from '../support/captured-output';
import { countEverything } from '../support/clinic-snapshot';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { plantEveryEntity, type Planted } from '../support/every-entity';
import { everythingOf, rejectionOf } from '../support/refusal';

let app: DatabaseApp;
let clinics: TwoClinics;
let planted: Planted;
let foreign: Planted;
let students: StudentRepository;
let allergies: AllergyRepository;
let vitals: VitalSignsRepository;
let appointments: AppointmentRepository;
let superuser: Client;
let deleted: { readonly id: string };
let output: CapturedOutput;

beforeAll(async () => {
  // Everything that can be logged is logged.
  app = await startDatabaseApp([...domainRepositories], { logQueries: true, slowQueryThresholdMs: 1 });
  clinics = await plantClinics(app);
  planted = await plantEveryEntity(app, clinics.a, 'taken');
  foreign = await plantEveryEntity(app, clinics.b, 'b');
  [students, allergies, vitals, appointments] = [
    app.get(StudentRepository),
    app.get(AllergyRepository),
    app.get(VitalSignsRepository),
    app.get(AppointmentRepository),
  ];
  superuser = await app.db.superClient();
  deleted = await students.create(pupil({ studentNumber: 'deleted' }), clinics.a);
  await students.delete(deleted.id, clinics.a);
  output = captureOutput();
});
afterAll(async () => {
  output?.stop();
  await app?.close();
});

const C = 'Canary-7301';
const own = () => planted.Student!.id;
const pupil = (rest: object = {}) =>
  ({
    studentNumber: `bad-${C}`,
    firstName: C,
    lastName: C,
    dateOfBirth: '2014-12-10',
    gender: 'FEMALE',
    ...rest,
  }) as never;
const json = (text: string): never => JSON.parse(text) as never;
const sick = (rest: object) => ({ studentId: own(), allergen: C, ...rest }) as never;

type Case = [name: string, code: string, call: () => Promise<unknown>];

const CREATES: Case[] = [
  ['a wrong UUID', 'INVALID_INPUT', () => students.create(pupil({ schoolId: C }))],
  ['an unknown column', 'INVALID_INPUT', () => students.create(pupil({ [C]: 1 }))],
  ['a wrong enum', 'INVALID_INPUT', () => students.create(pupil({ gender: C }))],
  ['a missing value', 'NOT_NULL_VIOLATION', () => students.create(pupil({ lastName: undefined }))],
  ['null for a required value', 'NOT_NULL_VIOLATION', () => students.create(pupil({ lastName: null }))],
  ['NUL', 'INVALID_INPUT', () => students.create(pupil({ lastName: `${C}\0` }))],
  ['a lone surrogate', 'INVALID_INPUT', () => students.create(pupil({ lastName: `${C}\ud83e` }))],
  ['too long a text', 'INVALID_INPUT', () => students.create(pupil({ lastName: C.repeat(20) }))],
  ['an empty text', 'CHECK_VIOLATION', () => students.create(pupil({ lastName: '' }))],
  ['a day that does not exist', 'INVALID_INPUT', () => students.create(pupil({ dateOfBirth: '2023-02-30' }))],
  [
    'a year that the server does not know',
    'INVALID_INPUT',
    () => students.create(pupil({ dateOfBirth: '0000-01-01' })),
  ],
  ['a death before birth', 'CHECK_VIOLATION', () => students.create(pupil({ dateOfDeath: '2001-01-01' }))],
  ['an address without @', 'CHECK_VIOLATION', () => students.create(pupil({ email: C }))],
  ['a duplicate number', 'UNIQUE_VIOLATION', () => students.create(pupil({ studentNumber: 'N-taken' }))],
  ['a duplicate id', 'UNIQUE_VIOLATION', () => students.create(pupil({ id: own() }))],
  [
    'a school of another clinic',
    'FOREIGN_KEY_VIOLATION',
    () => students.create(pupil({ schoolId: foreign.School!.id })),
  ],
  ['a school that does not exist', 'FOREIGN_KEY_VIOLATION', () => students.create(pupil({ schoolId: randomUUID() }))],
  ['another clinic', 'INVALID_INPUT', () => students.create(pupil({ clinicId: clinics.b.clinicId }))],
  [
    'a prototype',
    'INVALID_INPUT',
    () => students.create(json(`{ "__proto__": { "lastName": "${C}" }, "firstName": "${C}" }`)),
  ],
  ['a constructor', 'INVALID_INPUT', () => students.create(pupil({ constructor: C }))],
  ['hasOwnProperty', 'INVALID_INPUT', () => students.create(pupil({ hasOwnProperty: C }))],
  ['SQL as a column', 'INVALID_INPUT', () => students.create(pupil({ [`last_name") SELECT '${C}'; --`]: 1 }))],
  ['an object for a text', 'INVALID_INPUT', () => students.create(pupil({ lastName: { $gt: C } }))],
  [
    'NUL in JSON',
    'INVALID_INPUT',
    () => allergies.create(sick({ reactions: [{ code: null, description: `${C}\0`, severity: null }] })),
  ],
  ['a lone surrogate in JSON', 'INVALID_INPUT', () => allergies.create(sick({ reactions: [{ [`${C}\udc00`]: 1 }] }))],
  ['JSON of another form', 'CHECK_VIOLATION', () => allergies.create(sick({ reactions: { text: C } }))],
  [
    'a list in JSON that is too long',
    'CHECK_VIOLATION',
    () => allergies.create(sick({ reactions: Array.from({ length: 21 }, () => ({ description: C })) })),
  ],
  ['a code without its system', 'CHECK_VIOLATION', () => allergies.create(sick({ code: C }))],
  [
    'a number that is too large for its column',
    'INVALID_INPUT',
    () => vitals.create({ studentId: own(), heightCm: '99999999.5' } as never),
  ],
  [
    'a number that would be rounded',
    'INVALID_INPUT',
    () => vitals.create({ studentId: own(), heightCm: '173.017301' } as never),
  ],
  [
    'a number out of bounds',
    'CHECK_VIOLATION',
    () => vitals.create({ studentId: own(), heightCm: '-7301.5' } as never),
  ],
  ['NaN', 'INVALID_INPUT', () => vitals.create({ studentId: own(), heightCm: Number.NaN } as never)],
  ['NaN as text', 'INVALID_INPUT', () => vitals.create({ studentId: own(), heightCm: 'NaN' } as never)],
  ['infinity', 'INVALID_INPUT', () => vitals.create({ studentId: own(), heightCm: Number.POSITIVE_INFINITY } as never)],
  [
    'a fraction where a whole number is due',
    'INVALID_INPUT',
    () => appointments.create({ ...planned(), durationMinutes: 7.301 } as never),
  ],
  [
    'a number beyond 32 bits',
    'INVALID_INPUT',
    () => appointments.create({ ...planned(), durationMinutes: 2 ** 31 } as never),
  ],
  [
    'a number that the schema forbids',
    'CHECK_VIOLATION',
    () => appointments.create({ ...planned(), durationMinutes: 0 } as never),
  ],
  [
    'a time that is none',
    'INVALID_INPUT',
    () => appointments.create({ ...planned(), scheduledAt: new Date(Number.NaN) } as never),
  ],
  ['a time as another text', 'INVALID_INPUT', () => appointments.create({ ...planned(), scheduledAt: C } as never)],
  [
    'one bad row among good ones',
    'INVALID_INPUT',
    () => students.bulkCreate([pupil(), pupil({ studentNumber: 'x', gender: C })]),
  ],
  [
    'one row that the server refuses among good ones',
    'UNIQUE_VIOLATION',
    () => students.bulkCreate([pupil(), pupil()]),
  ],
  ['bulk input that is no list', 'INVALID_INPUT', () => students.bulkCreate(pupil())],
  ['no input', 'NOT_NULL_VIOLATION', () => students.create(null as never)],
  ['a text as input', 'INVALID_INPUT', () => students.create(C as never)],
];

function planned(): object {
  return { studentId: own(), type: 'SCREENING', scheduledAt: new Date(0), reason: C };
}

const CHANGES: Case[] = [
  ['a wrong id', 'INVALID_INPUT', () => students.update(C, { grade: '6' })],
  ['an id that does not exist', 'NOT_FOUND', () => students.update(randomUUID(), { lastName: C })],
  ['the id of another clinic’s row', 'NOT_FOUND', () => students.update(foreign.Student!.id, { lastName: C })],
  ['an older version', 'CONFLICT', () => students.update(own(), { lastName: C }, undefined, { expectedVersion: 7301 })],
  [
    'a version that is no number',
    'INVALID_INPUT',
    () => students.update(own(), { lastName: C }, undefined, { expectedVersion: C as never }),
  ],
  [
    'operators as the version',
    'INVALID_INPUT',
    () => students.update(own(), { lastName: C }, undefined, { expectedVersion: { gte: 0 } as never }),
  ],
  ['nothing', 'INVALID_INPUT', () => students.update(own(), {})],
  ['nothing but undefined', 'INVALID_INPUT', () => students.update(own(), { lastName: undefined })],
  ['an unknown column', 'INVALID_INPUT', () => students.update(own(), { [C]: 1 } as never)],
  ['a column that the library keeps', 'INVALID_INPUT', () => students.update(own(), { version: 7301 } as never)],
  ['an id to become', 'INVALID_INPUT', () => students.update(own(), { id: randomUUID() } as never)],
  ['a clinic to move to', 'INVALID_INPUT', () => students.update(own(), { clinicId: clinics.b.clinicId } as never)],
  ['null for a required value', 'NOT_NULL_VIOLATION', () => students.update(own(), { lastName: null } as never)],
  ['a wrong enum', 'INVALID_INPUT', () => students.update(own(), { gender: C } as never)],
  ['NUL', 'INVALID_INPUT', () => students.update(own(), { lastName: `${C}\0` })],
  ['a prototype', 'INVALID_INPUT', () => students.update(own(), json(`{ "__proto__": "${C}" }`))],
  ['a value that the schema forbids', 'CHECK_VIOLATION', () => students.update(own(), { dateOfDeath: '2001-01-01' })],
  [
    'a school of another clinic',
    'FOREIGN_KEY_VIOLATION',
    () => students.update(own(), { schoolId: foreign.School!.id }),
  ],
  ['a wrong id to delete', 'INVALID_INPUT', () => students.delete(C)],
  ['a wrong id to restore', 'INVALID_INPUT', () => students.restore(C)],
  ['a living row to restore', 'NOT_FOUND', () => students.restore(own())],
  [
    'an older version of a deleted row',
    'NOT_FOUND',
    () => students.update(deleted.id, { lastName: C }, undefined, { expectedVersion: 99 }),
  ],
  ['an older version to delete', 'CONFLICT', () => students.delete(own(), undefined, { expectedVersion: 99 })],
];

const READS: Case[] = [
  ['a wrong UUID', 'INVALID_INPUT', () => students.findById(C)],
  ['SQL as a UUID', 'INVALID_INPUT', () => students.findByIdOrFail(`${randomUUID()}' OR '${C}`)],
  ['a filter to count that is undefined', 'INVALID_INPUT', () => students.count(undefined)],
  ['no id to exist', 'INVALID_INPUT', () => students.exists(undefined as never)],
  ['a wrong id to exist', 'INVALID_INPUT', () => students.exists(C)],
  ['an unknown column to filter by', 'INVALID_INPUT', () => students.findMany({ where: { [C]: 1 } as never })],
  ['an unknown column to sort by', 'INVALID_INPUT', () => students.findMany({ orderBy: [{ [C]: 'ASC' } as never] })],
  [
    'SQL to sort by',
    'INVALID_INPUT',
    () => students.findAll({ orderBy: [{ [`id" ; SELECT '${C}`]: 'ASC' } as never] }),
  ],
  [
    'SQL as a direction',
    'INVALID_INPUT',
    () => students.findAll({ orderBy: [{ grade: `ASC; SELECT '${C}'` } as never] }),
  ],
  ['an unknown column to return', 'INVALID_INPUT', () => students.findOne({ select: [C as never] })],
  ['page 0', 'INVALID_INPUT', () => students.findMany({ pagination: { page: 0 } })],
  ['page -1', 'INVALID_INPUT', () => students.findMany({ pagination: { page: -1 } })],
  ['limit 10⁹', 'INVALID_INPUT', () => students.findMany({ pagination: { limit: 1e9 } })],
  ['limit 0', 'INVALID_INPUT', () => students.findMany({ pagination: { limit: 0 } })],
  ['skip and take', 'INVALID_INPUT', () => students.findMany({ skip: 1, take: C } as never)],
  ['a page to findAll', 'INVALID_INPUT', () => students.findAll({ pagination: { page: 2 } } as never)],
  ['undefined to filter by', 'INVALID_INPUT', () => students.count({ lastName: undefined })],
  ['null as the filter', 'INVALID_INPUT', () => students.count(null as never)],
  ['an unknown operator', 'INVALID_INPUT', () => students.exists({ lastName: { [C]: C } } as never)],
  ['NUL to filter by', 'INVALID_INPUT', () => students.findOne({ where: { lastName: `${C}\0` } })],
  [
    'a lone surrogate to filter by',
    'INVALID_INPUT',
    () => students.findAll({ where: { lastName: { contains: `${C}\ud800` } } }),
  ],
  ['NUL inside JSON to filter by', 'INVALID_INPUT', () => allergies.count({ reactions: { contains: [`${C}\0`] } })],
  [
    'a pattern that ends in its escape',
    'INVALID_INPUT',
    () => students.findAll({ where: { lastName: { like: `${C}\\` } } }),
  ],
  ['a huge list', 'INVALID_INPUT', () => students.findAll({ where: { lastName: { in: Array(10_001).fill(C) } } })],
  [
    'a huge number of conditions',
    'INVALID_INPUT',
    () => students.findAll({ where: { OR: Array.from({ length: 70_000 }, () => ({ lastName: C })) } }),
  ],
  ['a number that is none', 'INVALID_INPUT', () => vitals.count({ heightCm: { in: [C] } })],
  ['a number beyond 32 bits', 'INVALID_INPUT', () => students.count({ version: { gt: 2 ** 40 } })],
  ['a raw parameter that does not fit', 'INVALID_INPUT', () => app.database.query('SELECT $1::uuid', [C])],
  ['a raw parameter with NUL', 'INVALID_INPUT', () => app.database.query('SELECT $1::text', [`${C}\0`])],
  [
    'a raw parameter with a lone surrogate',
    'INVALID_INPUT',
    () => app.database.query('SELECT $1::text', [`${C}\ud800`]),
  ],
  [
    'a raw list with a lone surrogate',
    'INVALID_INPUT',
    () => app.database.query('SELECT $1::text[]', [[`${C}\udc00`]]),
  ],
  ['a raw parameter too few', 'INVALID_INPUT', () => app.database.query('SELECT $1::text, $2::text', [C])],
  ['a raw parameter too many', 'INVALID_INPUT', () => app.database.query('SELECT $1::text', [C, C])],
  ['70,000 raw parameters', 'INVALID_INPUT', () => app.database.query('SELECT $1::text', Array(70_000).fill(C))],
  ['raw SQL that is none', 'STATEMENT_FAILED', () => app.database.query(`SELEKT '${C}'`)],
  ['raw SQL with an unknown column', 'STATEMENT_FAILED', () => app.database.query(`SELECT "${C}" FROM students`)],
  ['raw SQL that divides by zero', 'INVALID_INPUT', () => app.database.query('SELECT $1::int / 0', [7301])],
];

describe.each([
  ['alone', (context: ExecutionContext, call: () => Promise<unknown>) => runWithContext(context, call)],
  [
    'in a unit of work',
    (context: ExecutionContext, call: () => Promise<unknown>) => app.unitOfWork.executeInTransaction(call, context),
  ],
] as const)('A repository, %s,', (_way, within) => {
  it.each([
    ...CREATES.map(([name, ...rest]) => [`create with ${name}`, ...rest] as Case),
    ...CHANGES.map(([name, ...rest]) => [`a change with ${name}`, ...rest] as Case),
    ...READS.map(([name, ...rest]) => [`a read with ${name}`, ...rest] as Case),
  ])('refuses %s as %s: nothing written, no value shown [D19]', async (_name, code, call) => {
    const before = await countEverything(superuser);
    const error = await rejectionOf(within(clinics.a, call));
    expect(error).toMatchObject({ code });
    expect(error.status).toBeGreaterThanOrEqual(400);
    expect(error.hint.length).toBeGreaterThan(10);
    expect(everythingOf(error)).not.toMatch(/Canary|7301/);
    expect(await countEverything(superuser)).toEqual(before);
  });
});

describe('What was refused', () => {
  it('is in no log: Nest’s, the console’s, the process’s [002-13] [004-07] [U72]', () => {
    expect(output.text()).toMatch(/Student\.create failed with 23505/);
    expect(output.text()).not.toMatch(/Canary|7301/);
  });

  it('is not in the log of a slow query either, though it was written into the SQL [000-13] [003-43]', async () => {
    await app.database.query(`SELECT pg_sleep(0.01), '${C}' AS text, 7301 /* ${C} */`);
    expect(output.text()).toMatch(/Slow: query took \d+ ms: SELECT pg_sleep\(\?\), \? AS text, \?/);
    expect(output.text()).not.toMatch(/Canary|7301/);
  });

  it('left the pool as it was', async () => {
    expect((await app.database.getConnectionStatus()).pool).toMatchObject({ used: 0, waiting: 0 });
  });
});

describe('Values that look like an attack', () => {
  it.each([
    "Robert'); DROP TABLE students; --",
    "' OR '1'='1",
    '$1',
    '$$',
    '\\',
    '%_',
    '"; SELECT 1; "',
    '{"a":1}',
    ':id',
    '?',
    '🩺 naïve ﷽',
    'null',
    '\u202Ereversed',
  ])('are stored and found as they are: %s [004-19]', async (value) => {
    const studentNumber = randomUUID();
    await runWithContext(clinics.a, async () => {
      const { id } = await students.create({
        studentNumber,
        firstName: 'x',
        lastName: value,
        dateOfBirth: '2014-12-10',
        gender: 'OTHER',
      });
      expect(await students.findOne({ where: { id, lastName: value } })).toMatchObject({ lastName: value });
      expect(await students.count({ studentNumber, lastName: { contains: value } })).toBe(1);
      expect(await students.count({ studentNumber, lastName: { in: [value, 'y'] } })).toBe(1);
      expect(await students.update(id, { city: value })).toMatchObject({ city: value });
      const [bulk, other] = await students.bulkCreate([
        { studentNumber: randomUUID(), firstName: value, lastName: value, dateOfBirth: '2014-12-10', gender: 'OTHER' },
        { studentNumber: randomUUID(), firstName: 'x', lastName: 'x', dateOfBirth: '2014-12-10', gender: 'OTHER' },
      ]);
      expect([bulk, other]).toMatchObject([{ firstName: value, lastName: value }, { lastName: 'x' }]);
    });
  });
});
