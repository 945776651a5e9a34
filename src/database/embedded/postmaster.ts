import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Binaries } from './binaries';
import { EmbeddedServerError } from './embedded.errors';
import { isRunning, pidExists, processIdentity } from './process-identity';
import { handOver, type ServerFolder } from './server-folder';

/** What `postmaster.pid` says about a running server. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly status: 'starting' | 'ready' | 'stopping';
}

const START_MS = 60_000;
const STOP_MS = 15_000;
const POLL_MS = 20;
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;

/**
 * The server that runs on this data, if any. A pid file whose number meanwhile belongs to another program is removed:
 * PostgreSQL would refuse to start over it. One whose process is gone is left for PostgreSQL, which checks shared
 * memory before it takes it over.
 */
export function findPostmaster(data: string): Postmaster | undefined {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !pidExists(pid)) return undefined;
  if (!servesData(pid, data)) {
    rmSync(file, { force: true });
    return undefined;
  }
  const status = lines[7] === 'ready' || lines[7] === 'stopping' ? lines[7] : 'starting';
  return { pid, port: Number(lines[3]), status };
}

/** Starts the server in a session of its own, so that Ctrl-C in the terminal reaches the application only. */
export function spawnPostmaster(folder: ServerFolder, binaries: Binaries, flags: readonly string[]): () => boolean {
  const tooLong = existsSync(folder.log) && statSync(folder.log).size > LOG_LIMIT_BYTES;
  const log = openSync(folder.log, tooLong ? 'w' : 'a', 0o600);
  handOver(folder.log, folder.account);
  const child = spawn(binaries.postgres, ['-D', folder.data, ...flags], {
    cwd: folder.data,
    detached: true,
    stdio: ['ignore', log, log],
    env: serverEnvironment(),
    windowsHide: true,
    ...folder.account,
  });
  closeSync(log);
  let ended = false;
  child.once('exit', () => (ended = true));
  child.once('error', () => (ended = true));
  child.unref();
  return () => ended;
}

/** Waits until the server takes connections. Undefined when it ended instead. */
export async function waitUntilReady(data: string, hasEnded: () => boolean): Promise<Postmaster | undefined> {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    const found = findPostmaster(data);
    if (found?.status === 'ready') return found;
    if (hasEnded()) return undefined;
    await sleep(POLL_MS);
  }
  throw new EmbeddedServerError(
    `The embedded server was not ready after ${START_MS / 1000} s`,
    'Read its postgres.log.',
  );
}

/** Ends the server: fast shutdown (sessions are cut, data is flushed), after 15 s an immediate one. */
export async function stopPostmaster(data: string, binaries?: Binaries): Promise<void> {
  for (const name of ['INT', 'QUIT'] as const) {
    const found = findPostmaster(data);
    if (!found) return;
    // Its pid file goes before the process itself does.
    const server = processIdentity(found.pid);
    signal(found.pid, name, binaries);
    const deadline = Date.now() + STOP_MS;
    while (Date.now() < deadline) {
      if (!isRunning(server)) return;
      await sleep(POLL_MS);
    }
  }
  throw new EmbeddedServerError(
    'The embedded server did not stop',
    'End its process by hand; the data recovers at the next start.',
  );
}

/** Windows has no signals: pg_ctl passes them on through a pipe of the server. */
export function signal(pid: number, name: 'INT' | 'QUIT', binaries?: Binaries): void {
  try {
    if (platform() === 'win32' && binaries) spawnSync(binaries.pgCtl, ['kill', name, String(pid)]);
    else process.kill(pid, `SIG${name}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Variables such as PGOPTIONS or TZ of the caller must not reach the server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const keep = ['PATH', 'SystemRoot', 'TEMP', 'TMP', 'TMPDIR'];
  return { ...Object.fromEntries(keep.map((name) => [name, process.env[name]])), LC_ALL: 'C' };
}

/**
 * A postmaster works in its data folder. Where that cannot be seen, its command line must name PostgreSQL and the
 * folder.
 */
function servesData(pid: number, data: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch {
    if (platform() === 'win32') return true;
    const ps = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    // Without ps nothing is known, and taking a living server for a dead one would be the worse mistake.
    return ps.error ? true : ps.stdout.includes('postgres') && ps.stdout.includes(data);
  }
}
