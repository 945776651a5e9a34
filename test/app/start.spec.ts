import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import request from 'supertest';
import { resetEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres';
import { findPostmaster } from '../../src/database/embedded/postmaster';
import { DEMO_CLINIC_ID, DEMO_SCHOOL_IDS } from '../../seeders/development/demo-identity';
import { type Child, startChild } from '../support/child';
import { temporaryFolder } from '../support/temporary-folder';
import { waitUntil } from '../support/wait-until';

const folder = temporaryFolder();
const dir = join(folder, 'data');
const env = (more: NodeJS.ProcessEnv = {}) => ({
  env: { DB_EMBEDDED_DIR: dir, PORT: '0', HOST: '', JWT_SECRET: '', ...more },
});
const children: Child[] = [];

function start(more?: NodeJS.ProcessEnv): Child & { output(): string } {
  const child = startChild('src/main.ts', [], env(more));
  children.push(child);
  let text = '';
  child.process.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { ...child, output: () => text };
}

/** @returns The address that the application says it is ready on. */
async function ready(child: ReturnType<typeof start>): Promise<string> {
  let over: string | undefined;
  void child.ended().then(({ stderr }) => (over = stderr));
  const address = () => /Ready: (http:\S+)/.exec(child.output())?.[1];
  await waitUntil('the application is ready', () => {
    if (over !== undefined) throw new Error(`It ended: ${over}`);
    return address() !== undefined;
  });
  return address()!;
}

afterEach(() => {
  for (const { process: child } of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await resetEmbeddedPostgres(dir);
  rmSync(folder, { recursive: true, force: true });
});

describe('npm start', () => {
  it('goes from nothing to demo data, and ends with its server [001-16] [000-35] [002-07]', async () => {
    const child = start();
    const address = await ready(child);
    for (const hint of ['/docs', '/health', 'npm run --silent token']) expect(child.output()).toContain(hint);
    const { stdout: token } = await startChild('src/app/auth/token.cli.ts', [], env()).ended();
    const api = (path: string) => request(address).get(path).set('Authorization', `Bearer ${token.trim()}`);
    const { body } = await api('/students?limit=3&sort=lastName');
    expect(body.pagination.total).toBe(50);
    const [student] = body.data as { id: string; schoolId: string }[];
    const other = DEMO_SCHOOL_IDS.find((id) => id !== student!.schoolId);
    const moved = await request(address)
      .post(`/students/${student!.id}/transfer`)
      .set('Authorization', `Bearer ${token.trim()}`)
      .send({ schoolId: other });
    expect(moved.body).toMatchObject({ id: student!.id, schoolId: other });
    const trail = await api(`/students/${student!.id}/audit`);
    expect(trail.body[0]).toMatchObject({ action: 'UPDATE', clinicId: DEMO_CLINIC_ID });

    child.process.kill('SIGTERM');
    await child.ended();
    await waitUntil('the embedded server is gone', () => findPostmaster(join(dir, 'data')) === undefined);

    // The second start finds its data as it was left.
    const again = start();
    const { body: kept } = await request(await ready(again))
      .get(`/students/${student!.id}`)
      .set('Authorization', `Bearer ${token.trim()}`);
    expect(kept).toMatchObject({ schoolId: other });
    again.process.kill('SIGTERM');
    await again.ended();
    await waitUntil('the embedded server is gone', () => findPostmaster(join(dir, 'data')) === undefined);
  });

  it('says that the port is taken, and leaves no server behind', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    const { code, stderr } = await start({ PORT: String(port) }).ended();
    await new Promise((resolve) => blocker.close(resolve));
    expect(code).toBe(1);
    expect(stderr).toContain(`Port ${port} on 127.0.0.1 is taken`);
    await waitUntil('the embedded server is gone', () => findPostmaster(join(dir, 'data')) === undefined);
  });

  it.each([
    ['PORT', { PORT: 'many' }],
    ['JWT_SECRET', { JWT_SECRET: 'short-secret' }],
    ['DB_POOL_MAXX', { DB_POOL_MAXX: '5' }],
  ])('names a wrong %s and its value not', async (name, more) => {
    const { code, stderr, stdout } = await start(more).ended();
    expect(code).toBe(1);
    expect(stderr).toContain(name);
    expect(stderr + stdout).not.toContain('short-secret');
  });
});
