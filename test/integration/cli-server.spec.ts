import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ChildResult, runCli } from '../support/child';
import { temporaryFolder } from '../support/temporary-folder';

const folder = temporaryFolder();
const dir = join(folder, 'server');

function phiDb(...args: string[]): Promise<ChildResult> {
  return runCli(args, { env: { DB_EMBEDDED_DIR: dir } });
}

afterAll(async () => {
  await phiDb('reset', '--yes');
  rmSync(folder, { recursive: true, force: true });
});

describe('phi-db on the embedded server', () => {
  it('starts it for the length of a command when it is not running', async () => {
    await expect(phiDb('migrate')).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\d+ migration\(s\) applied/),
    });
    await expect(phiDb('stop')).resolves.toMatchObject({ code: 0, stdout: 'It was not running.\n' });
    await expect(phiDb('status', '--check')).resolves.toMatchObject({ code: 0 });
  });

  it('keeps it running between start and stop, and shows no password', async () => {
    const started = await phiDb('start', '--json');
    expect(started.code).toBe(0);
    const { pid, port } = JSON.parse(started.stdout) as { pid: number; port: number };
    expect(started.stdout + started.stderr).not.toMatch(/password"|[A-Za-z0-9_-]{32}/);
    await expect(phiDb('status')).resolves.toMatchObject({ code: 0 });
    await expect(phiDb('start', '--json')).resolves.toMatchObject({
      stdout: expect.stringContaining('"alreadyRunning":true'),
    });
    expect(process.kill(pid, 0)).toBe(true);
    expect(port).toBeGreaterThan(0);
    await expect(phiDb('stop')).resolves.toMatchObject({ code: 0, stdout: 'Stopped.\n' });
  });

  it('deletes its data only when it is told so twice', async () => {
    await expect(phiDb('reset')).resolves.toMatchObject({ code: 11, stderr: expect.stringContaining('--yes') });
    expect(existsSync(join(dir, 'data'))).toBe(true);
    await expect(phiDb('reset', '--yes')).resolves.toMatchObject({ code: 0 });
    expect(existsSync(join(dir, 'data'))).toBe(false);
  });

  it('leaves it alone when the environment names another server', async () => {
    await expect(runCli(['reset', '--yes'], { env: { DB_HOST: '127.0.0.1' } })).resolves.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DB_HOST or DATABASE_URL names another server'),
    });
  });
});
