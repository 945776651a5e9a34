import request from 'supertest';
import { signToken } from '../../src/app/auth/token';
import { type ClinicApp, JWT_SECRET, pupil, startClinicApp, USER } from './clinic-app';

let clinic: ClinicApp;
let existing: string;
let token: string;
beforeAll(async () => {
  clinic = await startClinicApp();
  existing = (await clinic.a.plant('taken')).id;
  token = await signToken({ userId: USER, role: 'NURSE', clinicId: clinic.a.context.clinicId! }, JWT_SECRET, 1);
});
afterAll(() => clinic?.close());

/** Marks what the caller sent; it must be found nowhere. */
const MARK = 'Zyxwvu';
const SOME_ID = '0190b000-0000-7000-8000-00000000000b';

interface Answer {
  readonly status: number;
  readonly body: {
    readonly code?: string;
    readonly statusCode?: number;
    readonly hint?: string;
    readonly requestId?: string;
  };
  readonly text: string;
  readonly headers: Record<string, string>;
}

/** Asserts the whole contract of a refusal. */
async function expectRefused(send: () => PromiseLike<Answer>, status: number, code: string): Promise<Answer> {
  const before = await clinic.stored();
  const answer = await send();
  expect(answer.body).toMatchObject({
    statusCode: status,
    code,
    message: expect.any(String),
    hint: expect.any(String),
  });
  expect(answer.status).toBe(status);
  expect(answer.headers['x-request-id']).toBe(answer.body.requestId);
  expect(await clinic.stored()).toBe(before);
  for (const written of [answer.text, clinic.logs.text()])
    expect(written.toLowerCase()).not.toContain(MARK.toLowerCase());
  return answer;
}

const raw = (method: 'post' | 'patch', path: string, text: string, type = 'application/json') =>
  request(clinic.server)[method](path).set('Authorization', `Bearer ${token}`).set('Content-Type', type).send(text);

describe('Bad input in the address', () => {
  it.each([
    ['get', `/students/${MARK}`],
    ['get', `/students/${MARK}/audit`],
    ['delete', `/students/${MARK}`],
    ['post', `/students/${MARK}/restore`],
    ['get', '/students/%00'],
  ] as const)('that is no UUID: %s %s', async (method, path) => {
    const { text } = await expectRefused(() => clinic.a.call(method, path), 400, 'INVALID_INPUT');
    expect(text).toContain('Student.id must be a UUID');
  });

  it.each([
    'page=0',
    'page=-1',
    'page=1.5',
    `page=${MARK}`,
    'page=',
    'page=1&page=2',
    'page=1000000000',
    'limit=0',
    'limit=101',
    'limit=1000000000',
    'limit=1e9',
    'limit=99999999999999999999',
    `sort=${MARK}`,
    'sort=lastName,,',
    'sort=lastName;drop',
    'sort=clinicId',
    'sort=socialSecurityNumber',
    'sort=lastName&sort=grade',
    'sort=__proto__',
    `sort=${'lastName,'.repeat(50)}`,
    `${MARK}=1`,
    'where[grade]=5',
    'grade[ne]=5',
    '__proto__=1',
    '__proto__[x]=1',
    'constructor=1',
    'toString=1',
    'grade=5&grade=6',
    'grade=',
    `grade=${MARK}${MARK}`,
    'grade=%00',
    'isActive=yes',
    'isActive=',
    'isActive=1',
    `schoolId=${MARK}`,
    'schoolId=1',
  ])('as a query: %s [D20]', (query) =>
    expectRefused(() => clinic.a.call('get', `/students?${query}`), 400, 'INVALID_INPUT'),
  );

  it('that cannot be decoded', () =>
    expectRefused(() => clinic.a.call('get', `/students/%ff${MARK}`), 400, 'MALFORMED_REQUEST'));

  it('that leads nowhere', () =>
    expectRefused(() => clinic.a.call('get', `/${MARK}?name=${MARK}`), 404, 'ROUTE_NOT_FOUND'));
});

describe('Bad input in a body', () => {
  const good = pupil('fresh');
  const without = (key: string) => Object.fromEntries(Object.entries(good).filter(([name]) => name !== key));

  it.each<[string, object, number, string]>([
    ['a missing attribute', without('lastName'), 400, 'INVALID_INPUT'],
    ['nothing', {}, 400, 'INVALID_INPUT'],
    ['an unknown attribute', { ...good, [MARK]: 1 }, 400, 'INVALID_INPUT'],
    ['an attribute that the database keeps', { ...good, clinicId: SOME_ID }, 400, 'INVALID_INPUT'],
    ['an attribute that the API does not take', { ...good, socialSecurityNumber: MARK }, 400, 'INVALID_INPUT'],
    ['an id', { ...good, id: SOME_ID }, 400, 'INVALID_INPUT'],
    ['a wrong enum', { ...good, gender: MARK }, 400, 'INVALID_INPUT'],
    ['a wrong type', { ...good, firstName: { [MARK]: MARK } }, 400, 'INVALID_INPUT'],
    ['a list for a text', { ...good, firstName: [MARK] }, 400, 'INVALID_INPUT'],
    ['an empty text', { ...good, firstName: '' }, 400, 'INVALID_INPUT'],
    ['a text that is too long', { ...good, firstName: MARK.repeat(20) }, 400, 'INVALID_INPUT'],
    ['no date', { ...good, dateOfBirth: MARK }, 400, 'INVALID_INPUT'],
    ['a date that is not in the calendar', { ...good, dateOfBirth: '2014-02-30' }, 400, 'INVALID_INPUT'],
    ['NUL', { ...good, firstName: `${MARK}\0` }, 400, 'INVALID_INPUT'],
    ['a lone surrogate', { ...good, firstName: `${MARK}\ud800` }, 400, 'INVALID_INPUT'],
    ['a school that is no UUID', { ...good, schoolId: MARK }, 400, 'INVALID_INPUT'],
    ['an e-mail address without @', { ...good, email: MARK }, 422, 'CHECK_VIOLATION'],
    ['a number that is taken', { ...good, studentNumber: 'taken', firstName: MARK }, 409, 'UNIQUE_VIOLATION'],
    ['a null for a required attribute', { ...good, lastName: null }, 400, 'INVALID_INPUT'],
    ['a list', [good], 400, 'INVALID_INPUT'],
  ])('is refused: %s', (_what, body, status, code) =>
    expectRefused(() => clinic.a.call('post', '/students', body), status, code),
  );

  it('names the constraint of a number that is taken [D19]', async () => {
    const { body } = await expectRefused(
      () => clinic.a.call('post', '/students', pupil('taken')),
      409,
      'UNIQUE_VIOLATION',
    );
    expect(body).toMatchObject({ entity: 'Student', constraint: 'students_student_number_key' });
  });

  it('refuses a nurse of another clinic by the foreign key [000-27] [000-28]', async () => {
    const superuser = await clinic.db.superClient();
    const nurse = '0190d000-0000-7000-8000-00000000000d';
    await superuser.query(
      `INSERT INTO users (clinic_id, id, email, first_name, last_name, role) VALUES ($1, $2, 'n@b.example', 'N', 'B', 'NURSE')`,
      [clinic.b.context.clinicId, nurse],
    );
    const { body } = await expectRefused(
      () => clinic.a.call('post', '/students', { ...good, nurseId: nurse }),
      409,
      'FOREIGN_KEY_VIOLATION',
    );
    expect(body).toMatchObject({ constraint: 'students_nurse_id_fkey' });
  });

  it.each<[string, object, number, string]>([
    ['no version', { grade: '6' }, 400, 'INVALID_INPUT'],
    ['a version that is no number', { version: MARK, grade: '6' }, 400, 'INVALID_INPUT'],
    ['version 0', { version: 0, grade: '6' }, 400, 'INVALID_INPUT'],
    ['a version that is old', { version: 7, lastName: MARK }, 409, 'CONFLICT'],
    ['nothing to change', { version: 1 }, 400, 'INVALID_INPUT'],
    ['a school, which takes a transfer', { version: 1, schoolId: SOME_ID }, 400, 'INVALID_INPUT'],
    ['a null for a required attribute', { version: 1, lastName: null }, 422, 'NOT_NULL_VIOLATION'],
    ['a list', [{ version: 1 }], 400, 'INVALID_INPUT'],
  ])('of a change is refused: %s', (_what, body, status, code) =>
    expectRefused(() => clinic.a.call('patch', `/students/${existing}`, body), status, code),
  );

  it.each<[string, object]>([
    ['no school', {}],
    ['a school that is no UUID', { schoolId: MARK }],
    ['a reason that is too long', { schoolId: SOME_ID, reason: MARK.repeat(100) }],
    ['an unknown attribute', { schoolId: SOME_ID, [MARK]: MARK }],
  ])('of a transfer is refused: %s', (_what, body) =>
    expectRefused(() => clinic.a.call('post', `/students/${existing}/transfer`, body), 400, 'INVALID_INPUT'),
  );

  it.each<[string, object]>([
    ['no student', { healthRecord: {} }],
    ['a student that is a text', { student: MARK }],
    ['a list for the student', { student: [good] }],
    ['a part of the student missing', { student: without('gender') }],
    ['an unknown attribute inside', { student: { ...good, [MARK]: MARK } }],
    ['an unknown attribute in a list', { student: good, allergies: [{ allergen: 'x', [MARK]: MARK }] }],
    ['a wrong enum in a list', { student: good, allergies: [{ allergen: 'x', severity: MARK }] }],
    ['an object for a list', { student: good, allergies: { [MARK]: {} } }],
    ['texts for objects in a list', { student: good, allergies: [MARK] }],
    ['nulls in a list', { student: good, allergies: [null] }],
    ['a list in a list', { student: good, allergies: [[{ allergen: MARK }]] }],
    [
      'too many contacts',
      { student: good, emergencyContacts: Array.from({ length: 11 }, () => ({ firstName: MARK })) },
    ],
    ['a student id for a record', { student: good, healthRecord: { studentId: SOME_ID } }],
    ['another type of record', { student: good, healthRecord: { recordType: 'TRANSFER' } }],
  ])('of an enrolment is refused: %s', (_what, body) =>
    expectRefused(() => clinic.a.call('post', '/enrolments', body), 400, 'INVALID_INPUT'),
  );

  it('names where in an enrolment the fault is', async () => {
    const { text } = await clinic.a.call('post', '/enrolments', {
      student: good,
      allergies: [{ allergen: 'x' }, { allergen: 5 }],
    });
    expect(text).toContain('allergies.1.allergen must be a string');
  });
});

describe('A body that is no good at all', () => {
  it.each([`{"firstName": "${MARK}"`, `${MARK}`, `"${MARK}"`, '{"a":1,}', `{"${MARK}": 01}`])(
    'is not quoted: %s',
    (text) => expectRefused(() => raw('post', '/students', text), 400, 'MALFORMED_REQUEST'),
  );

  it('is refused beyond 1 MB', async () => {
    await expectRefused(
      () => raw('post', '/students', `{"firstName":"${MARK.repeat(1_750_000)}"}`),
      413,
      'PAYLOAD_TOO_LARGE',
    );
    await expectRefused(
      () => raw('post', '/students', `{"firstName":"${MARK.repeat(180_000)}"}`),
      413,
      'PAYLOAD_TOO_LARGE',
    );
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'is refused as %s',
    (type) => expectRefused(() => raw('post', '/students', `firstName=${MARK}`, type), 415, 'UNSUPPORTED_MEDIA_TYPE'),
  );

  it('is refused in another character set', () =>
    expectRefused(
      () => raw('post', '/students', '{}', `application/json; charset=${MARK}`),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ));

  it.each([
    ['a prototype', `{"__proto__": {"isAdmin": "${MARK}"}}`],
    ['a prototype inside', `{"student": {"__proto__": {"firstName": "${MARK}"}}}`],
    ['a constructor', `{"constructor": {"prototype": {"x": "${MARK}"}}}`],
    ['deep lists', `{"student": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['deep objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
    ['a hundred thousand contacts', `{"emergencyContacts": [${'{},'.repeat(100_000)}{}]}`],
  ])('is refused before anything walks it: %s', async (_what, text) => {
    await expectRefused(() => raw('post', '/enrolments', text), 400, 'INVALID_INPUT');
    expect(({} as { isAdmin?: unknown; x?: unknown }).isAdmin).toBeUndefined();
  });
});

describe('Every answer', () => {
  it('is kept out of caches and says little of the server', async () => {
    const answers = [
      await clinic.a.call('get', '/students'),
      await clinic.a.call('get', `/students/${MARK}`),
      await request(clinic.server).get('/health'),
      await request(clinic.server).get('/students'),
    ];
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'cache-control': expect.stringContaining('no-store'),
        'x-content-type-options': 'nosniff',
      });
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(headers).not.toHaveProperty('etag');
    }
  });

  it("carries the id of the request, the caller's if it is harmless", async () => {
    const { headers } = await clinic.a.call('get', '/students').set('X-Request-Id', 'abc-1');
    expect(headers['x-request-id']).toBe('abc-1');
    const other = await clinic.a.call('get', '/students').set('X-Request-Id', `<${MARK}>`);
    expect(other.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});
