import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCredentials } from '../../src/database/embedded/credentials';
import {
  resetEmbeddedPostgres,
  startEmbeddedPostgres,
  stopEmbeddedPostgres,
} from '../../src/database/embedded/embedded-postgres';
import { openServerFolder } from '../../src/database/embedded/server-folder';
import { type ChildResult, startChild } from '../support/child';
import { mayBecomeOrdinary, NOBODY } from '../support/ordinary-user';
import { temporaryFolder } from '../support/temporary-folder';

// Root may write anywhere, so it becomes an ordinary user, where that user may enter the checkout.
const isRoot = process.getuid?.() === 0;
const whenOrdinary = !isRoot || mayBecomeOrdinary ? it : it.skip;

let dir: string;

beforeEach(() => {
  dir = join(temporaryFolder(), 'server');
  mkdirSync(dir, { mode: 0o711 });
});

// With retries: an initdb that outlived its starter may still be writing.
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

describe('the folder of the embedded server', () => {
  it('is not taken from whoever keeps files named like ours in it: no start, no deletion', async () => {
    mkdirSync(join(dir, 'data'));
    writeFileSync(join(dir, 'data', 'precious.csv'), 'kept');
    await expect(startEmbeddedPostgres({ dir })).rejects.toMatchObject({
      message: expect.stringContaining('was not made by an embedded server'),
      hint: expect.stringContaining('DB_EMBEDDED_DIR'),
    });
    await expect(stopEmbeddedPostgres(dir)).resolves.toBe(false);
    await expect(resetEmbeddedPostgres(dir)).rejects.toMatchObject({ code: 'EMBEDDED_SERVER' });
    expect(readdirSync(dir)).toEqual(['data']);
    expect(readFileSync(join(dir, 'data', 'precious.csv'), 'utf8')).toBe('kept');
  });

  it('is not led by a location to delete another folder', async () => {
    const other = join(dir, '..', 'other');
    mkdirSync(other);
    writeFileSync(join(dir, 'location'), other);
    openCredentials(openServerFolder(dir));
    await resetEmbeddedPostgres(dir);
    expect(existsSync(other)).toBe(true);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('can be reset after a start that was cut, and after its passwords were damaged', async () => {
    openCredentials(openServerFolder(dir));
    mkdirSync(join(dir, 'data.new'));
    writeFileSync(join(dir, 'password.new'), 'x');
    await resetEmbeddedPostgres(dir);
    expect(readdirSync(dir)).toEqual([]);
    mkdirSync(join(dir, 'data'));
    writeFileSync(join(dir, 'data', 'PG_VERSION'), '18\n');
    writeFileSync(join(dir, 'credentials.json'), '{"superuser":"canary-7f3a');
    const refusal: unknown = await startEmbeddedPostgres({ dir }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'EMBEDDED_SERVER', hint: expect.stringContaining('db:reset') });
    expect(String((refusal as Error).stack)).not.toContain('canary');
    await resetEmbeddedPostgres(dir);
    expect(readdirSync(dir)).toEqual([]);
  });

  whenOrdinary('must be writable', async () => {
    chmodSync(dir, 0o555);
    const account = isRoot ? NOBODY : {};
    const result: ChildResult = await startChild('test/support/embedded-process.ts', [dir], account).ended();
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be made or written') });
  });

  it('alone ever holds the password file of a start, so that one which is cut leaves none behind', async () => {
    const child = startChild('test/support/embedded-process.ts', [dir]);
    while (!existsSync(join(dir, 'password.new'))) await new Promise((resolve) => setTimeout(resolve, 1));
    child.process.kill('SIGKILL');
    await child.ended();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('phi-initdb'))).toEqual([]);
    const server = await startEmbeddedPostgres({ dir });
    await server.stop();
    expect(readdirSync(dir)).not.toContain('password.new');
  });
});
