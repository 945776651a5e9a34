import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { Op } from 'sequelize';
import { type ExecutionContext, runWithContext } from '../../src';
import { AllergyRepository, domainRepositories, StudentRepository } from '../../src/domains';
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
let superuser: Client;
let output: CapturedOutput;

beforeAll(async () => {
  // Everything that can be logged is logged.
  app = await startDatabaseApp([...domainRepositories], { logQueries: true, slowQueryThresholdMs: 1 });
  clinics = await plantClinics(app);
  planted = await plantEveryEntity(app, clinics.a, 'taken');
  foreign = await plantEveryEntity(app, clinics.b, 'b');
  [students, allergies] = [app.get(StudentRepository), app.get(AllergyRepository)];
  superuser = await app.db.superClient();
  output = captureOutput();
});
afterAll(async () => {
  output?.stop();
  await app?.close();
});

const C = 'Canary-7301';
const own = () => planted.Student!.id;
const mine = () => ({ id: own() });
const key = { studentNumber: C };
const json = (text: string): never => JSON.parse(text) as never;
const pupil = (rest: object = {}) =>
  ({ firstName: C, lastName: C, dateOfBirth: '2014-12-10', gender: 'FEMALE', ...rest }) as never;

/** Rows of all tables, and changes in the trail; that a unit was rolled back may be in there. */
async function everything(): Promise<object> {
  const { 'audit.event': _events, ...rows } = await countEverything(superuser);
  const changes = await superuser.query("SELECT count(*) FROM audit.event WHERE action <> 'TRANSACTION'");
  return { ...rows, changes: changes.rows };
}

type Case = [name: string, code: string, call: () => Promise<unknown>];

const MANY: Case[] = [
  ['an unknown column to filter by', 'INVALID_INPUT', () => students.updateMany({ [C]: 1 } as never, { grade: '6' })],
  ['a prototype to filter by', 'INVALID_INPUT', () => students.deleteMany(json(`{ "__proto__": { "id": "${C}" } }`))],
  ['SQL to filter by', 'INVALID_INPUT', () => students.deleteMany({ [`id" = '${C}' OR "id`]: C } as never)],
  ['an id in place of a filter', 'INVALID_INPUT', () => students.deleteMany(own() as never)],
  ['a list in place of a filter', 'INVALID_INPUT', () => students.deleteMany([C] as never)],
  ['a filter made of text', 'INVALID_INPUT', () => students.updateMany({ id: C }, { grade: '6' })],
  ['NUL to filter by', 'INVALID_INPUT', () => students.deleteMany({ lastName: `${C}\0` })],
  ['undefined beside a value', 'INVALID_INPUT', () => students.deleteMany({ lastName: C, grade: undefined })],
  [
    'Sequelize’s Op beside a value, which would be passed over',
    'INVALID_INPUT',
    () => students.deleteMany({ ...mine(), [Op.and]: [{ lastName: C }] } as never),
  ],
  ['no filter', 'INVALID_INPUT', () => students.updateMany({}, { lastName: C })],
  [
    'a filter that excludes nothing',
    'INVALID_INPUT',
    () => students.updateMany({ OR: [{ NOT: { OR: [] } }, { lastName: C }] }, { lastName: C }),
  ],
  [
    'allowAll as text',
    'INVALID_INPUT',
    () => students.updateMany({}, { lastName: C }, undefined, { allowAll: C as never }),
  ],
  ['an unknown option', 'INVALID_INPUT', () => students.deleteMany(mine(), undefined, { [C]: true } as never)],
  [
    'a version, which is of one row',
    'INVALID_INPUT',
    () => students.deleteMany(mine(), undefined, { expectedVersion: 7301 } as never),
  ],
  ['nothing to set', 'INVALID_INPUT', () => students.updateMany(mine(), {})],
  ['a function', 'INVALID_INPUT', () => students.updateMany(mine(), (() => ({ lastName: C })) as never)],
  ['an unknown column', 'INVALID_INPUT', () => students.updateMany(mine(), { [C]: 1 } as never)],
  ['what the database keeps', 'INVALID_INPUT', () => students.updateMany(mine(), { version: 7301 } as never)],
  ['a deletion', 'INVALID_INPUT', () => students.updateMany(mine(), { deletedAt: new Date() } as never)],
  [
    'a clinic to move to',
    'INVALID_INPUT',
    () => students.updateMany(mine(), { clinicId: clinics.b.clinicId } as never),
  ],
  ['a prototype', 'INVALID_INPUT', () => students.updateMany(mine(), json(`{ "__proto__": "${C}" }`))],
  ['null for a required value', 'NOT_NULL_VIOLATION', () => students.updateMany(mine(), { lastName: null as never })],
  ['a wrong enum', 'INVALID_INPUT', () => students.updateMany(mine(), { gender: C as never })],
  ['a value that the schema forbids', 'CHECK_VIOLATION', () => students.updateMany(mine(), { email: C })],
  [
    'a school of another clinic',
    'FOREIGN_KEY_VIOLATION',
    () => students.updateMany(mine(), { schoolId: foreign.School!.id }),
  ],
];

const UPSERTS: Case[] = [
  ['no key', 'INVALID_INPUT', () => students.upsert({}, pupil(key))],
  ['a text as the key', 'INVALID_INPUT', () => students.upsert(C as never, pupil(key))],
  ['no input', 'NOT_NULL_VIOLATION', () => students.upsert(key, undefined as never)],
  ['a text as input', 'INVALID_INPUT', () => students.upsert(key, C as never)],
  ['an unknown key', 'INVALID_INPUT', () => students.upsert({ [C]: C } as never, pupil())],
  ['a wrong UUID as the key', 'INVALID_INPUT', () => students.upsert({ id: C }, pupil(key))],
  ['NUL in the key', 'INVALID_INPUT', () => students.upsert({ studentNumber: `${C}\0` }, pupil())],
  ['too long a key', 'INVALID_INPUT', () => students.upsert({ studentNumber: C.repeat(20) }, pupil())],
  ['a key that the input contradicts', 'INVALID_INPUT', () => students.upsert(key, pupil({ studentNumber: `${C}-2` }))],
  [
    'a document as the key',
    'INVALID_INPUT',
    () => allergies.upsert({ reactions: { eq: [C] } } as never, { studentId: own(), allergen: C }),
  ],
  [
    'a parent as the key',
    'INVALID_INPUT',
    () => allergies.upsert({ student: { id: own() } } as never, { studentId: own(), allergen: C }),
  ],
  ['an unknown column', 'INVALID_INPUT', () => students.upsert(key, pupil({ [C]: 1 }))],
  [
    'a prototype',
    'INVALID_INPUT',
    () => students.upsert(key, json(`{ "__proto__": { "lastName": "${C}" }, "firstName": "${C}" }`)),
  ],
  ['a missing value', 'NOT_NULL_VIOLATION', () => students.upsert(key, pupil({ lastName: undefined }))],
  ['a wrong enum', 'INVALID_INPUT', () => students.upsert(key, pupil({ gender: C }))],
  [
    'a missing value where the row is there',
    'NOT_NULL_VIOLATION',
    () => students.upsert(mine(), pupil({ ...key, lastName: null })),
  ],
  ['a value that the schema forbids', 'CHECK_VIOLATION', () => students.upsert(key, pupil({ email: C }))],
  [
    'a number that is taken',
    'UNIQUE_VIOLATION',
    () => students.upsert({ id: randomUUID() }, pupil({ studentNumber: 'N-taken' })),
  ],
  [
    'a school that does not exist',
    'FOREIGN_KEY_VIOLATION',
    () => students.upsert(key, pupil({ schoolId: randomUUID() })),
  ],
  ['an unknown option', 'INVALID_INPUT', () => students.upsert(key, pupil(), undefined, { [C]: C } as never)],
];

const FUNCTIONS: Case[] = [
  ['a wrong id', 'INVALID_INPUT', () => students.update(C, () => ({ lastName: C }))],
  ['an id that does not exist', 'NOT_FOUND', () => students.update(randomUUID(), () => ({ lastName: C }))],
  [
    'an older version',
    'CONFLICT',
    () => students.update(own(), () => ({ lastName: C }), undefined, { expectedVersion: 7301 }),
  ],
  ['a text', 'INVALID_INPUT', () => students.update(own(), () => C as never)],
  ['an unknown column', 'INVALID_INPUT', () => students.update(own(), () => ({ [C]: 1 }) as never)],
  ['a wrong enum', 'INVALID_INPUT', () => students.update(own(), () => ({ gender: C as never }))],
  ['a value that the schema forbids', 'CHECK_VIOLATION', () => students.update(own(), () => ({ email: C }))],
  ['a whole row', 'INVALID_INPUT', () => students.update(own(), (row) => ({ ...row, lastName: C }))],
];

const BULK: Case[] = [
  [
    'a hole in the list',
    'NOT_NULL_VIOLATION',
    () => students.bulkCreate(Object.assign([], { 0: pupil(key), 2: pupil(key) })),
  ],
  ['null in the list', 'NOT_NULL_VIOLATION', () => students.bulkCreate([pupil(key), null as never])],
  ['a list of texts', 'INVALID_INPUT', () => students.bulkCreate([C as never])],
];

describe.each([
  ['alone', (context: ExecutionContext, call: () => Promise<unknown>) => runWithContext(context, call)],
  [
    'in a unit of work',
    (context: ExecutionContext, call: () => Promise<unknown>) => app.unitOfWork.executeInTransaction(call, context),
  ],
] as const)('A repository, %s,', (_way, within) => {
  it.each([
    ...MANY.map(([name, ...rest]) => [`a bulk write with ${name}`, ...rest] as Case),
    ...UPSERTS.map(([name, ...rest]) => [`an upsert with ${name}`, ...rest] as Case),
    ...FUNCTIONS.map(([name, ...rest]) => [`a function that answers ${name}`, ...rest] as Case),
    ...BULK.map(([name, ...rest]) => [`bulkCreate with ${name}`, ...rest] as Case),
  ])('refuses %s as %s: nothing written, no value shown [U72] [D19]', async (_name, code, call) => {
    const before = await everything();
    const error = await rejectionOf(within(clinics.a, call));
    expect(error).toMatchObject({ code });
    expect(error.status).toBeGreaterThanOrEqual(400);
    expect(error.hint.length).toBeGreaterThan(10);
    expect(everythingOf(error)).not.toMatch(/Canary|7301/);
    expect(await everything()).toEqual(before);
  });
});

describe('What was refused', () => {
  it('is in no log: Nest’s, the console’s, the process’s [002-13] [004-07]', () => {
    expect(output.text()).toMatch(/Student\.upsert failed with 23505/);
    expect(output.text()).not.toMatch(/Canary|7301/);
  });

  it('left the pool as it was', async () => {
    expect((await app.database.getConnectionStatus()).pool).toMatchObject({ used: 0, waiting: 0 });
  });
});
