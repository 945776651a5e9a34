import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrapDatabase, createDatabase, MIGRATOR_LOGIN, withClient } from '../../src/database/embedded/bootstrap';
import {
  resetEmbeddedPostgres,
  startEmbeddedPostgres,
  type EmbeddedServer,
} from '../../src/database/embedded/embedded-postgres';
import { readState } from '../../src/database/embedded/server-state';
import { Migrator } from '../../src/database/migration/migrator';
import { ofEmbedded, ofUrl, publishTestServer, superuserConfig, type TestServer } from './test-server';

/** What the global tear-down must undo. */
export interface TestRun {
  readonly server: TestServer;
  readonly embedded?: { readonly handle: EmbeddedServer; readonly folder: string };
}

declare global {
  var phiTestRun: TestRun | undefined;
}

const FOLDER_PREFIX = 'phi-test-';

/** One server for the whole run, with a bootstrapped and a migrated database as templates. */
export default async function globalSetup(): Promise<void> {
  const external = process.env.TEST_DATABASE_SUPERUSER_URL;
  const run: TestRun = external ? { server: ofUrl(external) } : await startOwnServer();
  globalThis.phiTestRun = run;
  publishTestServer(run.server);
  await prepareTemplates(run.server);
}

async function startOwnServer(): Promise<TestRun> {
  await removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), FOLDER_PREFIX));
  // The server's own user must pass through it when the tests run as root.
  chmodSync(folder, 0o711);
  const handle = await startEmbeddedPostgres({
    dir: join(folder, 'server'),
    // Nothing of a test run is worth surviving a crash.
    settings: {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      max_connections: '200',
      shared_buffers: '128MB',
    },
  });
  return { server: ofEmbedded(handle), embedded: { handle, folder } };
}

/** Servers of runs that were killed. */
async function removeLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(FOLDER_PREFIX))) {
    const server = join(tmpdir(), name, 'server');
    if (!existsSync(join(server, 'server.json')) || readState(server).users.length > 0) continue;
    await resetEmbeddedPostgres(server).catch(() => undefined);
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

async function prepareTemplates(server: TestServer): Promise<void> {
  const admin = superuserConfig(server, 'postgres');
  await createDatabase(admin, server.bootstrapped);
  await bootstrapDatabase(superuserConfig(server, server.bootstrapped), {
    app: server.appPassword,
    migrator: server.migratorPassword,
  });
  await withClient(admin, async (client) => {
    await client.query(`CREATE DATABASE ${server.migrated} TEMPLATE ${server.bootstrapped}`);
  });
  const { host, port, migrated, migratorPassword } = server;
  await bootstrapDatabase(superuserConfig(server, migrated), { app: '', migrator: '' });
  await new Migrator({
    connection: { host, port, database: migrated, user: MIGRATOR_LOGIN, password: migratorPassword },
  }).migrate();
}
