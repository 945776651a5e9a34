import { createSecretKey } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import request from 'supertest';
import { signToken } from '../../src/app/auth/token';
import { type ClinicApp, expectStatus, JWT_SECRET, pupil, startClinicApp, USER } from './clinic-app';

let clinic: ClinicApp;
beforeAll(async () => {
  clinic = await startClinicApp();
});
afterAll(() => clinic?.close());

const ID = '0190ffff-0000-7000-8000-00000000ffff';
const SCHOOL = '0190eeee-0000-7000-8000-00000000eeee';

const reads = [
  ['get', '/students'],
  ['get', `/students/${ID}`],
  ['get', `/students/${ID}/audit`],
] as const;
const writes = [
  ['post', '/students', pupil('auth-1')],
  ['patch', `/students/${ID}`, { version: 1, grade: '1' }],
  ['delete', `/students/${ID}`, undefined],
  ['post', `/students/${ID}/restore`, undefined],
  ['post', `/students/${ID}/transfer`, { schoolId: SCHOOL }],
  ['post', '/enrolments', { student: pupil('auth-2') }],
] as const;

describe('A request without a token', () => {
  it.each([...reads, ...writes])('is refused: %s %s', async (method, path, ...body) => {
    const call = request(clinic.server)[method](path);
    const { body: problem, headers } = await (body[0] ? call.send(body[0]) : call).expect(401);
    expect(problem).toMatchObject({ statusCode: 401, code: 'UNAUTHENTICATED' });
    expect(headers['www-authenticate']).toBe('Bearer');
  });

  it.each(['/health', '/health/db', '/docs', '/docs-json'])('may ask for %s', async (path) => {
    await expectStatus(200, request(clinic.server).get(path).redirects(1));
  });
});

describe('A token', () => {
  const claims = () => ({ userId: USER, role: 'NURSE', clinicId: clinic.a.context.clinicId! });
  const good = () => new SignJWT({ role: 'NURSE', clinicId: claims().clinicId }).setSubject(USER).setIssuedAt();
  const issued = () =>
    good().setIssuer('nestjs-phi-database').setAudience('nestjs-phi-database-api').setExpirationTime('1h');
  const key = createSecretKey(Buffer.from(JWT_SECRET));
  const ask = (token: string) => request(clinic.server).get('/students').set('Authorization', `Bearer ${token}`);

  it('is accepted when all is right', async () => {
    await expectStatus(200, ask(await signToken(claims(), JWT_SECRET, 1)));
    await expectStatus(200, ask(await issued().setProtectedHeader({ alg: 'HS256' }).sign(key)));
  });

  it.each<[string, () => string | Promise<string>]>([
    ['is signed with another key', () => signToken(claims(), 'another secret of 32 bytes or more!', 1)],
    ['has expired', () => signToken(claims(), JWT_SECRET, -1)],
    [
      'never expires',
      () =>
        good()
          .setIssuer('nestjs-phi-database')
          .setAudience('nestjs-phi-database-api')
          .setProtectedHeader({ alg: 'HS256' })
          .sign(key),
    ],
    ['is of another issuer', () => issued().setIssuer('somebody').setProtectedHeader({ alg: 'HS256' }).sign(key)],
    ['is for another audience', () => issued().setAudience('somebody').setProtectedHeader({ alg: 'HS256' }).sign(key)],
    [
      'uses another algorithm',
      () =>
        issued()
          .setProtectedHeader({ alg: 'HS512' })
          .sign(createSecretKey(Buffer.alloc(64, JWT_SECRET))),
    ],
    [
      'is not signed',
      () =>
        new UnsecuredJWT({ role: 'NURSE', clinicId: claims().clinicId })
          .setSubject(USER)
          .setIssuer('nestjs-phi-database')
          .setAudience('nestjs-phi-database-api')
          .setExpirationTime('1h')
          .encode(),
    ],
    ['names no clinic', () => signToken({ ...claims(), clinicId: '' }, JWT_SECRET, 1)],
    [
      'names a clinic that is no UUID',
      () => signToken({ ...claims(), clinicId: "'; DROP TABLE students" }, JWT_SECRET, 1),
    ],
    ['names nobody', () => signToken({ ...claims(), userId: '' }, JWT_SECRET, 1)],
    ['has no role', () => signToken({ ...claims(), role: '' }, JWT_SECRET, 1)],
    ['is no token', () => 'nonsense'],
  ])('is refused when it %s', async (_what, token) => {
    const { body } = await ask(await token()).expect(401);
    expect(body.code).toBe('UNAUTHENTICATED');
  });
});

describe('A viewer', () => {
  it.each(writes)('may not write: %s %s [003-46]', async (method, path, body) => {
    const before = await clinic.stored();
    const { body: problem } = await clinic.a.callAs('VIEWER', method, path, body).expect(403);
    expect(problem).toMatchObject({ statusCode: 403, code: 'FORBIDDEN' });
    expect(await clinic.stored()).toBe(before);
  });

  it('may read [003-46]', async () => {
    const { id } = await clinic.a.plant('viewed-1');
    for (const path of ['/students', `/students/${id}`, `/students/${id}/audit`])
      await expectStatus(200, clinic.a.callAs('VIEWER', 'get', path));
  });
});
