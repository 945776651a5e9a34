import { createServer, connect as connectTo, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { startChild } from '../support/child';
import { createEmptyDatabase, type TestDatabase } from '../support/database';
import { MigrationFolder, migratorOf, runnerFor } from '../support/migration-folder';

let database: TestDatabase;
let folder: MigrationFolder;

beforeEach(async () => {
  database = await createEmptyDatabase();
  folder = new MigrationFolder();
});

afterEach(async () => {
  folder.remove();
  await database.drop();
});

async function holdLock(): Promise<() => Promise<void>> {
  const holder = await database.migratorClient();
  await holder.query(`SET application_name = 'other deployer'; SELECT pg_advisory_lock(${0x70_68_69}, 1)`);
  return async () => {
    await holder.query(`SELECT pg_advisory_unlock(${0x70_68_69}, 1)`);
  };
}

describe('two deployers', () => {
  it('apply everything once when they start together as processes', async () => {
    folder
      .sql('0001-table', 'CREATE TABLE counted (runs int); INSERT INTO counted VALUES (0);')
      .sql('0002-data', 'UPDATE counted SET runs = runs + 1; SELECT pg_sleep(0.2);')
      .sql('0003-more', 'UPDATE counted SET runs = runs + 10;');
    const deploy = (): ReturnType<typeof startChild> =>
      startChild('src/cli.ts', ['migrate', '--json', '--dir', folder.path], { env: { ...database.env } });
    const results = await Promise.all([deploy(), deploy()].map((child) => child.ended()));
    expect(results.map(({ code, stderr }) => ({ code, failed: stderr.includes('failed') }))).toEqual([
      { code: 0, failed: false },
      { code: 0, failed: false },
    ]);
    const migrated = results.flatMap(({ stdout }) =>
      stdout.split('\n').filter((line) => /"migrated".*"application"/.test(line)),
    );
    expect(migrated).toHaveLength(3);
    const client = await database.superClient();
    await expect(client.query('SELECT runs FROM counted')).resolves.toMatchObject({ rows: [{ runs: 11 }] });
  });

  it('wait for each other for a bounded time, and the message names the holder', async () => {
    folder.sql('0001-one', 'CREATE TABLE one (id int);');
    const release = await holdLock();
    await expect(runnerFor(database, [folder], { lockWaitMs: 250 }).migrate()).rejects.toMatchObject({
      code: 'MIGRATION_LOCKED',
      message: expect.stringMatching(/backend \d+ \(other deployer, connected for \d+ s\)/),
    });
    const waiting = runnerFor(database, [folder], { lockWaitMs: 20_000 }).migrate();
    await release();
    await expect(waiting).resolves.toEqual(['0001-one']);
  });

  it('do not deadlock when one of them creates an index concurrently', async () => {
    folder
      .sql('0001-table', 'CREATE TABLE big AS SELECT generate_series(1, 1000) AS id;')
      .write(
        '0002-index.sql',
        '-- migrate:no-transaction\n-- migrate:up\nSELECT pg_sleep(0.3);\nCREATE INDEX CONCURRENTLY i ON big (id);\n',
      );
    const both = await Promise.all([runnerFor(database, [folder]).migrate(), runnerFor(database, [folder]).migrate()]);
    expect(both.flat()).toHaveLength(2);
  });
});

describe('a connection pooler', () => {
  let proxy: Server;

  afterEach(() => new Promise((resolve) => proxy.close(resolve)));

  it('is recognised by its process ids and refused', async () => {
    proxy = createServer((socket) => forward(socket, database)).listen(0, '127.0.0.1');
    await new Promise((resolve) => proxy.once('listening', resolve));
    const { port } = proxy.address() as AddressInfo;
    folder.sql('0001-one', 'CREATE TABLE one (id int);');
    await expect(
      runnerFor(database, [folder], { connection: { ...migratorOf(database), port } }).migrate(),
    ).rejects.toMatchObject({
      code: 'DATABASE_CONFIGURATION',
      message: expect.stringContaining('pooler'),
    });
  });
});

/**
 * Passes bytes on, but gives the client a process id of its own, as PgBouncer does (message BackendKeyData: K, length
 * 12, id, key).
 */
function forward(client: Socket, { host, port }: TestDatabase): void {
  const server = connectTo(port, host);
  client.pipe(server);
  server.on('data', (chunk: Buffer) => {
    const at = chunk.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
    if (at >= 0) chunk.writeInt32BE(1, at + 5);
    client.write(chunk);
  });
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}
