import { randomBytes } from 'node:crypto';
import { Client, type ClientConfig } from 'pg';
import { APP_LOGIN, bootstrapDatabase, MIGRATOR_LOGIN, withClient } from '../../src/database/embedded/bootstrap';
import { superuserConfig, testServer } from './test-server';

/** A private database of one spec. Call `drop` in `afterAll`. */
export interface TestDatabase {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Variables that point `readOptions` and the command line at this database. */
  readonly env: Readonly<Record<string, string>>;
  /** Connected as phi_app. Closed by `drop` if the spec does not. */
  appClient(): Promise<Client>;
  /** Connected as phi_migrator. */
  migratorClient(): Promise<Client>;
  /** Connected as a superuser: row security does not apply. */
  superClient(): Promise<Client>;
  /** Closes the clients, cuts every other session and removes the database. */
  drop(): Promise<void>;
}

/** A database with all migrations applied. */
export function createTestDatabase(): Promise<TestDatabase> {
  return cloneDatabase(testServer().migrated);
}

/** A database with roles, extensions and schemas, and no migration applied. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return cloneDatabase(testServer().bootstrapped);
}

async function cloneDatabase(template: string): Promise<TestDatabase> {
  const server = testServer();
  const name = `${server.prefix}_${randomBytes(6).toString('hex')}`;
  await withClient(superuserConfig(server, 'postgres'), async (client) => {
    // PostgreSQL refuses to clone a template while another session does.
    await client.query(`SELECT pg_advisory_lock(hashtext('phi:test:clone'))`);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    // A clone does not inherit the grants and settings of the database itself. An empty password changes none.
    await bootstrapDatabase(superuserConfig(server, name), { app: '', migrator: '' });
  });
  const { host, port, appPassword, migratorPassword } = server;
  const clients: Client[] = [];
  const connect = async (config: ClientConfig): Promise<Client> => {
    const client = new Client({ host, port, database: name, ...config });
    // Specs cut connections on purpose; the statement that fails tells them.
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  return {
    name,
    host,
    port,
    env: {
      DB_HOST: host,
      DB_PORT: String(port),
      DB_NAME: name,
      DB_USERNAME: APP_LOGIN,
      DB_PASSWORD: appPassword,
      DB_MIGRATOR_USERNAME: MIGRATOR_LOGIN,
      DB_MIGRATOR_PASSWORD: migratorPassword,
    },
    appClient: () => connect({ user: APP_LOGIN, password: appPassword }),
    migratorClient: () => connect({ user: MIGRATOR_LOGIN, password: migratorPassword }),
    superClient: () => connect(superuserConfig(server, name)),
    drop: async () => {
      await Promise.allSettled(clients.map((client) => client.end()));
      await dropDatabase(name);
    },
  };
}

/** Removes a database even while sessions use it. */
export async function dropDatabase(name: string): Promise<void> {
  await withClient(superuserConfig(testServer(), 'postgres'), async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`);
  });
}
