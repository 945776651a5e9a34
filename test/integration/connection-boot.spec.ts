import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  ConfigurationError,
  DatabaseModule,
  type DatabaseModuleOptions,
  readOptions,
  UnavailableError,
} from '../../src';
import { StudentRepository } from '../../src/domains';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database';
import { testServer } from '../support/test-server';

let db: TestDatabase;
let silent: Server;
const sockets = new Set<Socket>();

beforeAll(async () => {
  db = await createTestDatabase();
  // Takes connections and never says a word: a half-open host.
  silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
  await db?.drop();
});

const boot = (overrides: DatabaseModuleOptions, database: TestDatabase = db): Promise<TestingModule> =>
  Test.createTestingModule({
    imports: [
      DatabaseModule.forRoot(readOptions(database.env, overrides)),
      DatabaseModule.forFeature([StudentRepository]),
    ],
  }).compile();

/** What stopped the boot. */
const refusal = (overrides: DatabaseModuleOptions): Promise<unknown> =>
  boot(overrides).then(
    () => 'booted',
    (error: unknown) => error,
  );

const closedPort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const pool = { connectionTimeoutMs: 500 };

describe('the boot', () => {
  it('stops where nobody listens, and names the host and port [D25] [004-08] [U80]', async () => {
    const port = await closedPort();
    const error = await refusal({ port, pool });
    expect(error).toBeInstanceOf(UnavailableError);
    expect((error as Error).message).toBe(`PostgreSQL at 127.0.0.1:${port} cannot be reached (ECONNREFUSED)`);
    expect((error as UnavailableError).hint).toContain('DB_HOST');
  });

  it('stops where the name of the host is not known [D25]', async () => {
    const error = await refusal({ host: 'no-such-host.invalid', pool });
    expect(error).toBeInstanceOf(UnavailableError);
    expect((error as Error).message).toMatch(/no-such-host\.invalid:\d+ cannot be reached/);
  });

  it('stops where the host takes the connection and never answers [D25] [U82]', async () => {
    const { port } = silent.address() as AddressInfo;
    const error = await refusal({ port, pool });
    expect(error).toBeInstanceOf(UnavailableError);
    expect((error as Error).message).toContain('cannot be reached');
  });

  it('stops where the login is refused, and never says the password [D25]', async () => {
    const error = await refusal({ password: 'hunter2-secret' });
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      sqlState: '28P01',
      message: expect.stringContaining('refuses the login'),
    });
    expect(JSON.stringify(error) + String(error) + (error as Error).stack).not.toContain('hunter2');
    expect((error as Error).cause).toBeUndefined();
  });

  it('stops where the database does not exist, and where TLS is asked for and not offered', async () => {
    expect(await refusal({ database: 'no_such_database' })).toMatchObject({
      message: expect.stringContaining('has no such database'),
    });
    expect(await refusal({ ssl: { rejectUnauthorized: true } })).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('does not speak TLS'),
      hint: expect.stringContaining('DB_SSL'),
    });
  });

  it('stops where no password was given, and names the variable', async () => {
    expect(await refusal({ password: '' })).toMatchObject({
      message: expect.stringMatching(/asks \w+ for a password, and none was given/),
      hint: 'Set DB_PASSWORD.',
    });
  });

  it('stops for a superuser: row security would not bind it [000-02]', async () => {
    const { superuser, superuserPassword } = testServer();
    const error = await refusal({ username: superuser, password: superuserPassword });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(/superuser/);
    expect((error as ConfigurationError).hint).toContain('phi_app');
  });

  it.each([
    ['the migrator, whose policy lets every row through', (own: string) => `GRANT phi_migrator TO ${own}`],
    ['one that may become the owner', (own: string) => `GRANT phi_owner TO ${own}`],
    ['one with BYPASSRLS', (own: string) => `ALTER ROLE ${own} BYPASSRLS`],
    [
      'one that may become a role with BYPASSRLS',
      (own: string) => `CREATE ROLE ${own}_strong BYPASSRLS; GRANT ${own}_strong TO ${own}`,
    ],
  ])('stops for a login that is %s', async (_, empower) => {
    const own = `boot_${db.name}`;
    const truth = await db.superClient();
    await truth.query(
      `CREATE ROLE ${own} LOGIN NOINHERIT PASSWORD 'secret'; GRANT CONNECT ON DATABASE ${db.name} TO ${own}; ${empower(own)}`,
    );
    try {
      expect(await refusal({ username: own, password: 'secret' })).toBeInstanceOf(ConfigurationError);
    } finally {
      await truth.query(
        `REVOKE CONNECT ON DATABASE ${db.name} FROM ${own}; DROP ROLE IF EXISTS ${own}_strong; DROP ROLE ${own}`,
      );
    }
  });

  it('that stopped leaves no session behind', async () => {
    await refusal({ username: db.env.DB_MIGRATOR_USERNAME!, password: db.env.DB_MIGRATOR_PASSWORD! });
    const truth = await db.superClient();
    const { rows } = await truth.query(
      `SELECT usename FROM pg_stat_activity WHERE datname = current_database() AND usename IN ('phi_app', 'phi_migrator')`,
    );
    expect(rows).toEqual([]);
  });

  it('never makes a table from a model, though models are loaded by themselves [D25] [000-18]', async () => {
    const empty = await createEmptyDatabase();
    try {
      const module = await boot({}, empty);
      await module.init();
      await module.close();
      const { rows } = await (
        await empty.superClient()
      ).query(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`);
      expect(rows).toEqual([]);
    } finally {
      await empty.drop();
    }
  });
});
