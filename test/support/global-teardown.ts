import { rmSync } from 'node:fs';
import { withClient } from '../../src/database/embedded/bootstrap';
import './global-setup';
import { superuserConfig, type TestServer } from './test-server';

/** Leaves nothing behind: the own server is removed, on an external one the databases of this run are dropped. */
export default async function globalTeardown(): Promise<void> {
  const run = globalThis.phiTestRun;
  if (!run) return;
  if (!run.embedded) return dropDatabases(run.server);
  await run.embedded.handle.stop();
  rmSync(run.embedded.folder, { recursive: true, force: true });
}

async function dropDatabases(server: TestServer): Promise<void> {
  await withClient(superuserConfig(server, 'postgres'), async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [`${server.prefix}_`],
    );
    for (const { datname } of rows)
      await client.query(`DROP DATABASE ${client.escapeIdentifier(datname)} WITH (FORCE)`);
  });
}
