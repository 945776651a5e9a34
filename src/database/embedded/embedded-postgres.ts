import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { locateBinaries, type Binaries } from './binaries';
import { APP_LOGIN, bootstrapDatabase, createDatabase, MIGRATOR_LOGIN } from './bootstrap';
import { openCredentials, type Credentials } from './credentials';
import { EmbeddedServerError } from './embedded.errors';
import { emptyServerFolder } from './empty-server-folder';
import { withFolderLock } from './folder-lock';
import { freePort } from './free-port';
import { initialiseCluster, SUPERUSER } from './initialise-cluster';
import { findPostmaster, spawnPostmaster, stopPostmaster, waitUntilReady, type Postmaster } from './postmaster';
import { openServerFolder, type ServerFolder } from './server-folder';
import { SERVER_SETTINGS, settingFlags } from './server-settings';
import { readState, writeState } from './server-state';
import { ServerUse } from './server-use';

/** What `startEmbeddedPostgres` can be told. */
export interface EmbeddedOptions {
  /** Folder of data, passwords and log. Default `.data` below the working directory. */
  readonly dir?: string;
  /** TCP port on 127.0.0.1. Default: the one of the last start if it is free, else any free one. */
  readonly port?: number;
  /** Database to create and bootstrap. Default `phi`. */
  readonly database?: string;
  /** Server settings over the built-in ones, for example `{ fsync: 'off' }` in tests. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Keep the server running after this process, until `stopEmbeddedPostgres`. */
  readonly background?: boolean;
}

/** A running embedded server and how to connect to it. */
export interface EmbeddedServer {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly appUser: string;
  readonly appPassword: string;
  readonly migratorUser: string;
  readonly migratorPassword: string;
  readonly superuser: string;
  readonly superuserPassword: string;
  /** Process id of the server. */
  readonly pid: number;
  /** True when this call started it; false when it ran before. */
  readonly started: boolean;
  /** Leaves the server: the last process that uses it stops it, unless it runs in the background. Safe to repeat. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const DATABASE = 'phi';
const START_ATTEMPTS = 3;

/**
 * Starts PostgreSQL for development and tests, or attaches to the server that already runs on the same folder. Roles,
 * extensions and the database are there when it returns. The server stops with the process (exit, SIGINT, SIGTERM).
 * @throws EmbeddedServerError, for example where the platform has no binary.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions = {}): Promise<EmbeddedServer> {
  const folder = openServerFolder(options.dir ?? '.data');
  let use: ServerUse | undefined;
  const start = async (): Promise<EmbeddedServer> => {
    const credentials = openCredentials(folder);
    const binaries = locateBinaries(folder.account, join(folder.store, 'binaries'));
    initialiseCluster(folder, binaries, credentials.superuser);
    if (!options.background) use = new ServerUse(folder, binaries);
    use?.begin();
    const { started, ...postmaster } = await startOrAttach(folder, binaries, options, credentials);
    const state = readState(folder.root);
    const background = options.background === true || (state.background && !started);
    writeState(folder.root, { ...state, port: postmaster.port, background });
    return {
      host: HOST,
      port: postmaster.port,
      pid: postmaster.pid,
      started,
      database: options.database ?? DATABASE,
      appUser: APP_LOGIN,
      appPassword: credentials.app,
      migratorUser: MIGRATOR_LOGIN,
      migratorPassword: credentials.migrator,
      superuser: SUPERUSER,
      superuserPassword: credentials.superuser,
      stop: async () => use?.end(),
    };
  };
  try {
    return await withFolderLock(folder.lock, start);
  } catch (error) {
    await use?.end();
    throw error;
  }
}

/**
 * Stops the server of the folder, whoever uses it.
 * @returns Whether one was running.
 */
export async function stopEmbeddedPostgres(dir = '.data'): Promise<boolean> {
  if (!existsSync(dir)) return false;
  const folder = openServerFolder(dir);
  return withFolderLock(folder.lock, () => stopWhileLocked(folder));
}

/**
 * Stops the server of the folder and removes its data and passwords.
 * @throws EmbeddedServerError when the folder is not that of an embedded server.
 */
export async function resetEmbeddedPostgres(dir = '.data'): Promise<void> {
  if (!existsSync(dir)) return;
  const folder = openServerFolder(dir);
  await withFolderLock(folder.lock, async () => {
    await stopWhileLocked(folder);
    emptyServerFolder(folder);
  });
}

async function stopWhileLocked(folder: ServerFolder): Promise<boolean> {
  const running = findPostmaster(folder.data) !== undefined;
  if (running) await stopPostmaster(folder.data, locateBinaries(folder.account, join(folder.store, 'binaries')));
  const { port, background } = readState(folder.root);
  if (running || background) writeState(folder.root, { ...(port ? { port } : {}), background: false, users: [] });
  return running;
}

/** A server that is found may be on its way out: its last user exits without waiting for the lock. */
async function startOrAttach(
  folder: ServerFolder,
  binaries: Binaries,
  options: EmbeddedOptions,
  credentials: Credentials,
): Promise<Postmaster & { readonly started: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    const running = await runningPostmaster(folder);
    const postmaster = running ?? (await launch(folder, binaries, options));
    try {
      await prepareDatabase(postmaster.port, options.database ?? DATABASE, credentials);
      return { ...postmaster, started: !running };
    } catch (error) {
      if (!running) await stopPostmaster(folder.data, binaries);
      else if (attempt < START_ATTEMPTS && findPostmaster(folder.data)?.status !== 'ready') continue;
      throw error;
    }
  }
}

/** A server found while it starts or stops is waited for. */
async function runningPostmaster(folder: ServerFolder): Promise<Postmaster | undefined> {
  let found = findPostmaster(folder.data);
  while (found?.status === 'stopping') {
    await sleep(20);
    found = findPostmaster(folder.data);
  }
  return found && waitUntilReady(folder.data, () => findPostmaster(folder.data) === undefined);
}

async function launch(folder: ServerFolder, binaries: Binaries, options: EmbeddedOptions): Promise<Postmaster> {
  for (let attempt = 1; attempt <= START_ATTEMPTS; attempt += 1) {
    const port = options.port ?? (await freePort(attempt === 1 ? readState(folder.root).port : undefined));
    const flags = ['-p', String(port), ...settingFlags({ ...SERVER_SETTINGS, ...options.settings })];
    const ready = await waitUntilReady(folder.data, spawnPostmaster(folder, binaries, flags));
    if (ready) return ready;
  }
  const lines = existsSync(folder.log)
    ? readFileSync(folder.log, 'utf8').trim().split('\n').slice(-5).join('\n  ')
    : '';
  throw new EmbeddedServerError(`The embedded server ended while starting:\n  ${lines}`, `Read ${folder.log}.`);
}

async function prepareDatabase(port: number, database: string, credentials: Credentials): Promise<void> {
  const admin = { host: HOST, port, user: SUPERUSER, password: credentials.superuser };
  await createDatabase({ ...admin, database: 'postgres' }, database);
  await bootstrapDatabase({ ...admin, database }, credentials);
}
