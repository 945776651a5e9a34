import { createHash } from 'node:crypto';
import type { ClientConfig } from 'pg';
import type { EmbeddedServer } from '../../src/database/embedded/embedded-postgres';

/** The server of one Jest run, handed from the global set-up to the workers through the environment. */
export interface TestServer {
  readonly host: string;
  readonly port: number;
  readonly superuser: string;
  readonly superuserPassword: string;
  readonly appPassword: string;
  readonly migratorPassword: string;
  /** Every database of this run begins with it, so that runs can share an external server. */
  readonly prefix: string;
  /** Roles, extensions and schemas only. */
  readonly bootstrapped: string;
  /** Bootstrapped and migrated. */
  readonly migrated: string;
}

const VARIABLE = 'PHI_TEST_SERVER';

/** Makes the server known to this process and to workers started after the call. */
export function publishTestServer(server: TestServer): void {
  process.env[VARIABLE] = JSON.stringify(server);
}

/** The server of this run. */
export function testServer(): TestServer {
  const text = process.env[VARIABLE];
  if (!text) throw new Error('No test server: Jest runs without test/support/global-setup.ts');
  return JSON.parse(text) as TestServer;
}

/** A superuser's connection to one database of the server. */
export function superuserConfig(server: TestServer, database: string): ClientConfig {
  return { host: server.host, port: server.port, user: server.superuser, password: server.superuserPassword, database };
}

export function ofEmbedded(server: EmbeddedServer): TestServer {
  return describeServer({
    host: server.host,
    port: server.port,
    superuser: server.superuser,
    superuserPassword: server.superuserPassword,
    appPassword: server.appPassword,
    migratorPassword: server.migratorPassword,
  });
}

/** An external server. Roles are shared by all who use it, so their passwords follow from its address. */
export function ofUrl(address: string): TestServer {
  const url = new URL(address);
  const password = (login: string): string => createHash('sha256').update(`${login} ${address}`).digest('hex');
  return describeServer({
    host: url.hostname,
    port: Number(url.port || 5432),
    superuser: decodeURIComponent(url.username),
    superuserPassword: decodeURIComponent(url.password),
    appPassword: password('app'),
    migratorPassword: password('migrator'),
  });
}

function describeServer(login: Omit<TestServer, 'prefix' | 'bootstrapped' | 'migrated'>): TestServer {
  const prefix = `phi_test_${process.pid}`;
  return { ...login, prefix, bootstrapped: `${prefix}_bootstrapped`, migrated: `${prefix}_migrated` };
}
