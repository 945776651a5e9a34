import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Client } from 'pg';
import { locateBinaries } from '../../src/database/embedded/binaries';
import { type EmbeddedServer, startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres';
import { freePort } from '../../src/database/embedded/free-port';
import {
  findPostmaster,
  spawnPostmaster,
  stopPostmaster,
  waitUntilReady,
} from '../../src/database/embedded/postmaster';
import { openServerFolder, type ServerFolder } from '../../src/database/embedded/server-folder';
import { SERVER_SETTINGS, settingFlags } from '../../src/database/embedded/server-settings';
import { Migrator } from '../../src/database/migration/migrator';
import { temporaryFolder } from './temporary-folder';

/** A migrated primary and a streaming standby of it, each a server of its own. */
export interface ReplicatedServer {
  readonly primary: EmbeddedServer;
  readonly host: string;
  /** Port of the standby, also while it is stopped. */
  readonly standbyPort: number;
  /** A superuser's connection to the database on one of them. Closed by `close` if the spec does not. */
  superClient(on: 'primary' | 'standby'): Promise<Client>;
  /** Ends the standby at once, as a crash would. */
  killStandby(): Promise<void>;
  startStandby(): Promise<void>;
  close(): Promise<void>;
}

const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '60',
  shared_buffers: '32MB',
  wal_keep_size: '512MB',
  // A statement of the standby that is in the way of replay is not waited for.
  max_standby_streaming_delay: '0',
};

/** Starts both. The copy is what pg_basebackup would make; the npm package does not bring that program. */
export async function startReplicatedServer(): Promise<ReplicatedServer> {
  const root = temporaryFolder();
  // The servers' own user must pass through it when the tests run as root.
  chmodSync(root, 0o711);
  const primary = await startEmbeddedPostgres({ dir: join(root, 'primary'), settings: SETTINGS });
  const clients: Client[] = [];
  const standbyPort = await freePort();
  const superClient: ReplicatedServer['superClient'] = async (on) => {
    const client = new Client({
      host: primary.host,
      port: on === 'primary' ? primary.port : standbyPort,
      user: primary.superuser,
      password: primary.superuserPassword,
      database: primary.database,
    });
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const { host, port, database, migratorUser: user, migratorPassword: password } = primary;
  await new Migrator({ connection: { host, port, database, user, password } }).migrate();

  const folder = openServerFolder(join(root, 'standby'));
  await copyPrimary(openServerFolder(join(root, 'primary')), folder, await superClient('primary'));
  const binaries = locateBinaries(folder.account, join(root, 'binaries'));
  const flags = [
    '-p',
    String(standbyPort),
    ...settingFlags({
      ...SERVER_SETTINGS,
      ...SETTINGS,
      primary_conninfo: `host=${host} port=${port} user=${primary.superuser} password=${primary.superuserPassword}`,
    }),
  ];
  const startStandby = async (): Promise<void> => {
    const ready = await waitUntilReady(folder.data, spawnPostmaster(folder, binaries, flags));
    if (!ready) throw new Error('The standby did not start');
  };
  await startStandby();
  return {
    primary,
    host,
    standbyPort,
    superClient,
    startStandby,
    killStandby: async () => {
      const found = findPostmaster(folder.data);
      if (!found) return;
      process.kill(found.pid, 'SIGQUIT');
      await stopPostmaster(folder.data, binaries);
    },
    close: async () => {
      await Promise.allSettled(clients.map((client) => client.end()));
      await stopPostmaster(folder.data, binaries);
      await primary.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** The copy of a running server, by its own backup functions, set up as its standby. */
async function copyPrimary(from: ServerFolder, to: ServerFolder, superuser: Client): Promise<void> {
  await superuser.query(`SELECT pg_backup_start('standby', true)`);
  cpSync(from.data, to.data, {
    recursive: true,
    filter: (path) =>
      !['postmaster.pid', 'postmaster.opts'].includes(basename(path)) && basename(join(path, '..')) !== 'pg_wal',
  });
  const { rows } = await superuser.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
  writeFileSync(join(to.data, 'backup_label'), rows[0]!.labelfile);
  writeFileSync(join(to.data, 'standby.signal'), '');
  mkdirSync(join(to.data, 'pg_wal', 'archive_status'), { recursive: true });
  chmodSync(to.data, 0o700);
  const { account } = to;
  if (!account) return;
  for (const path of ['', ...(readdirSync(to.data, { recursive: true }) as string[])]) {
    chownSync(join(to.data, path), account.uid, account.gid);
  }
}
