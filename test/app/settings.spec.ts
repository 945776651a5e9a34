import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '../../src';
import { readAppOptions } from '../../src/app/app.options';
import { readJwtSecret } from '../../src/app/auth/jwt-secret';
import { verifyToken } from '../../src/app/auth/token';
import { DEMO_CLINIC_ID, DEMO_USER_IDS } from '../../seeders/development/demo-identity';
import { type ChildResult, startChild } from '../support/child';
import { temporaryFolder } from '../support/temporary-folder';

const LONG = 'x'.repeat(32);
const SHORT = 'not-so-secret';
const folder = temporaryFolder();
const dir = join(folder, 'data');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const embedded = { embedded: { enabled: true, dir }, production: false };

describe('The key of the tokens', () => {
  it('is JWT_SECRET where it is set', () => {
    expect(readJwtSecret(LONG, embedded)).toBe(LONG);
    expect(readJwtSecret(LONG, { ...embedded, production: true })).toBe(LONG);
  });

  it('must have 32 bytes, and is not shown when it has not', () => {
    expect(() => readJwtSecret(SHORT, embedded)).toThrow(ConfigurationError);
    expect(() => readJwtSecret(SHORT, embedded)).not.toThrow(SHORT);
  });

  it.each([
    ['in production', { embedded: { enabled: true, dir }, production: true }],
    ['with a server of your own', { embedded: { enabled: false, dir }, production: false }],
  ])('must be set %s', (_where, database) => {
    expect(() => readJwtSecret(undefined, database)).toThrow('JWT_SECRET is not set');
  });

  it('is made once for the embedded server, readable by its owner only', () => {
    const secret = readJwtSecret(undefined, embedded);
    expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32);
    expect(readJwtSecret(undefined, embedded)).toBe(secret);
    expect(readFileSync(join(dir, 'jwt-secret'), 'utf8')).toBe(secret);
    expect(statSync(join(dir, 'jwt-secret')).mode & 0o777).toBe(0o600);
  });
});

describe('HOST and PORT', () => {
  it('default to 127.0.0.1:3000', () => {
    expect(readAppOptions({ JWT_SECRET: LONG, PORT: '', HOST: '' })).toMatchObject({ host: '127.0.0.1', port: 3000 });
  });

  it.each(['80x', '-1', '65536', '1.5'])('refuse port %s', (port) => {
    expect(() => readAppOptions({ JWT_SECRET: LONG, PORT: port })).toThrow('PORT is not a port number');
  });
});

describe('npm run token', () => {
  const run = (args: string[], env: NodeJS.ProcessEnv = {}): Promise<ChildResult> =>
    startChild('src/app/auth/token.cli.ts', args, { env: { DB_EMBEDDED_DIR: dir, JWT_SECRET: '', ...env } }).ended();

  it('prints nothing but a token that the application takes', async () => {
    const { stdout, stderr, code } = await run([]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(stderr).toContain('NURSE');
    const claims = await verifyToken(stdout.trim(), readJwtSecret(undefined, embedded));
    expect(claims).toEqual({ userId: DEMO_USER_IDS.NURSE, role: 'NURSE', clinicId: DEMO_CLINIC_ID });
  });

  it('takes role, clinic, user and hours', async () => {
    const clinic = '0190a000-0000-7000-8000-00000000000a';
    const user = '0190c000-0000-7000-8000-00000000000c';
    const { stdout } = await run(['--role', 'VIEWER', '--clinic', clinic, '--user', user, '--hours', '1'], {
      JWT_SECRET: LONG,
    });
    expect(await verifyToken(stdout.trim(), LONG)).toEqual({ userId: user, role: 'VIEWER', clinicId: clinic });
    const { exp, iat } = JSON.parse(Buffer.from(stdout.split('.')[1]!, 'base64url').toString()) as {
      exp: number;
      iat: number;
    };
    expect(Math.abs(exp - iat - 3600)).toBeLessThanOrEqual(1);
  });

  it.each([
    [['--role', 'KING'], {}],
    [['--role', '__proto__'], {}],
    [['--clinic', 'here'], {}],
    [['--hours', '0'], {}],
    [['--hours', 'x'], {}],
    [['--nonsense'], {}],
    [[], { NODE_ENV: 'production', JWT_SECRET: LONG }],
    [[], { JWT_SECRET: SHORT }],
  ])('refuses %j %j', async (args, env) => {
    const { stdout, stderr, code } = await run(args, env);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr).not.toBe('');
    expect(stderr).not.toContain(SHORT);
  });
});
