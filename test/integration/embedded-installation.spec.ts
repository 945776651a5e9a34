import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os, { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { completeInstallation, locateBinaries } from '../../src/database/embedded/binaries';
import { resetEmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres';
import { serverAccount } from '../../src/database/embedded/server-account';
import { startChild } from '../support/child';
import { mayBecomeOrdinary, NOBODY } from '../support/ordinary-user';
import { temporaryFolder } from '../support/temporary-folder';

const isRoot = process.getuid?.() === 0;
const whenRoot = isRoot ? it : it.skip;
// As another user the tests run in a checkout that this user may enter.
const whenOrdinary = mayBecomeOrdinary ? it : it.skip;

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

describe('the first start of the embedded server', () => {
  it('names the platform and the way out where there is no binary', async () => {
    jest.spyOn(os, 'arch').mockReturnValue('mips');
    await expect(startEmbeddedPostgres({ dir: join(folder, 'server') })).rejects.toMatchObject({
      code: 'EMBEDDED_SERVER',
      message: expect.stringContaining(`${process.platform}/mips`),
      hint: expect.stringMatching(/DB_HOST or DATABASE_URL/),
    });
  });

  it('makes the links that a package without install scripts lacks', () => {
    const native = join(folder, 'native');
    mkdirSync(join(native, 'bin'), { recursive: true });
    mkdirSync(join(native, 'lib'));
    for (const program of ['postgres', 'initdb', 'pg_ctl'])
      writeFileSync(join(native, 'bin', program), '', { mode: 0o644 });
    writeFileSync(join(native, 'lib', 'libpq.so.5.18'), 'library');
    writeFileSync(
      join(native, 'pg-symlinks.json'),
      '[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]',
    );
    expect(completeInstallation(native)).toBe(true);
    expect(lstatSync(join(native, 'lib', 'libpq.so.5')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(native, 'lib', 'libpq.so.5'), 'utf8')).toBe('library');
    expect(lstatSync(join(native, 'bin', 'postgres')).mode & 0o111).toBe(0o111);
    expect(completeInstallation(native)).toBe(true);
  });

  whenRoot('copies programs that its user may not reach, as in a checkout below /root', () => {
    const account = serverAccount('/nonexistent');
    const reader = mayBecomeOrdinary ? account : undefined;
    const installed = dirname(dirname(locateBinaries(reader, join(folder, 'unused')).postgres));
    expect(existsSync(join(folder, 'unused'))).toBe(false);
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    cpSync(installed, join(closed, 'native'), { recursive: true, filter: (path) => !lstatSync(path).isSymbolicLink() });
    const found = locateBinaries(account, join(folder, 'copy'), join(closed, 'native'));
    expect(found.postgres).toBe(join(folder, 'copy', 'bin', 'postgres'));
    expect(spawnSync(found.initdb, ['--version'], { encoding: 'utf8', ...account }).stdout).toContain(found.major);
  });

  whenOrdinary('runs for an ordinary user', async () => {
    const home = join(folder, 'home');
    mkdirSync(home, { mode: 0o700 });
    chownSync(home, NOBODY.uid, NOBODY.gid);
    const child = startChild('test/support/embedded-process.ts', [join(home, '.data')], {
      ...NOBODY,
      env: { HOME: home, TMPDIR: tmpdir() },
    });
    const server = JSON.parse(await child.firstLine()) as { pid: number };
    const owner = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1];
    expect(owner).toBe(String(NOBODY.uid));
    child.process.kill('SIGTERM');
    await expect(child.ended()).resolves.toMatchObject({ signal: 'SIGTERM' });
  });

  whenRoot('keeps its data elsewhere when root works in a folder that is closed to others', async () => {
    const closed = mkdtempSync(join(tmpdir(), 'phi-spec-'));
    chmodSync(closed, 0o700);
    const dir = join(closed, '.data');
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const first = await startEmbeddedPostgres({ dir });
      const store = readFileSync(join(dir, 'location'), 'utf8').trim();
      expect(existsSync(join(store, 'data', 'PG_VERSION'))).toBe(true);
      expect(existsSync(join(dir, 'data'))).toBe(false);
      await first.stop();
      const second = await startEmbeddedPostgres({ dir });
      expect(second.started).toBe(true);
      expect(readFileSync(join(dir, 'location'), 'utf8').trim()).toBe(store);
      await resetEmbeddedPostgres(dir);
      expect(existsSync(store)).toBe(false);
    } finally {
      await resetEmbeddedPostgres(dir);
      rmSync(closed, { recursive: true, force: true });
    }
  });

  it('begins anew after it was interrupted', async () => {
    const dir = join(folder, 'server');
    mkdirSync(join(dir, 'data.new'), { recursive: true });
    writeFileSync(join(dir, 'data.new', 'PG_VERSION'), '18\n');
    const server = await startEmbeddedPostgres({ dir });
    expect(existsSync(join(dir, 'data.new'))).toBe(false);
    await server.stop();
  });

  it('refuses data of another major version and says what to do', async () => {
    const dir = join(folder, 'server');
    const server = await startEmbeddedPostgres({ dir });
    await server.stop();
    writeFileSync(join(dir, 'data', 'PG_VERSION'), '17\n');
    await expect(startEmbeddedPostgres({ dir })).rejects.toMatchObject({
      message: expect.stringContaining('is of PostgreSQL 17'),
      hint: expect.stringContaining('db:reset'),
    });
  });

  it('says so when the passwords are gone', async () => {
    const dir = join(folder, 'server');
    const server = await startEmbeddedPostgres({ dir });
    await server.stop();
    rmSync(join(dir, 'credentials.json'));
    await expect(startEmbeddedPostgres({ dir })).rejects.toMatchObject({ hint: expect.stringContaining('db:reset') });
  });
});
