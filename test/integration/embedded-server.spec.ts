import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type ClientConfig } from 'pg';
import { withClient } from '../../src/database/embedded/bootstrap';
import {
  type EmbeddedServer,
  resetEmbeddedPostgres,
  startEmbeddedPostgres,
  stopEmbeddedPostgres,
} from '../../src/database/embedded/embedded-postgres';
import { findPostmaster } from '../../src/database/embedded/postmaster';
import { pidExists } from '../../src/database/embedded/process-identity';
import { type Child, startChild } from '../support/child';
import { temporaryFolder } from '../support/temporary-folder';
import { waitUntil } from '../support/wait-until';

const folder = temporaryFolder();
const dir = join(folder, 'server');
const children: Child[] = [];

function application(mode?: 'exit'): Child {
  const child = startChild('test/support/embedded-process.ts', mode ? [dir, mode] : [dir]);
  children.push(child);
  return child;
}

async function reached(child: Child): Promise<EmbeddedServer> {
  return JSON.parse(await child.firstLine()) as EmbeddedServer;
}

function superuser(server: EmbeddedServer): ClientConfig {
  const { host, port, database, superuser: user, superuserPassword: password } = server;
  return { host, port, database, user, password };
}

afterEach(async () => {
  for (const { process: child } of children.splice(0)) child.kill('SIGKILL');
  await stopEmbeddedPostgres(dir);
});

afterAll(async () => {
  await resetEmbeddedPostgres(dir);
  rmSync(folder, { recursive: true, force: true });
});

describe('the embedded server', () => {
  it('has the locale, time zone, settings and extensions that are asked for [000-03] [000-04] [000-05]', async () => {
    const server = await startEmbeddedPostgres({ dir });
    await withClient(superuser(server), async (client) => {
      const { rows } = await client.query<{ name: string; setting: string }>(
        `SELECT name, current_setting(name) AS setting FROM pg_settings WHERE name = ANY($1)`,
        [
          [
            'server_encoding',
            'TimeZone',
            'max_connections',
            'shared_buffers',
            'effective_cache_size',
            'work_mem',
            'maintenance_work_mem',
          ],
        ],
      );
      expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
        server_encoding: 'UTF8',
        TimeZone: 'UTC',
        max_connections: '100',
        shared_buffers: '256MB',
        effective_cache_size: '1GB',
        work_mem: '4MB',
        maintenance_work_mem: '64MB',
      });
      const extensions = await client.query<{ extname: string }>('SELECT extname FROM pg_extension');
      expect(extensions.rows.map(({ extname }) => extname)).toEqual(
        expect.arrayContaining(['uuid-ossp', 'pgcrypto', 'pg_trgm', 'unaccent', 'pg_stat_statements']),
      );
      expect((await client.query('SELECT count(*) FROM pg_stat_statements')).rowCount).toBe(1);
    });
    await server.stop();
  });

  it('keeps its data, port and passwords over a restart', async () => {
    const first = await startEmbeddedPostgres({ dir });
    await withClient(superuser(first), (client) => client.query('CREATE TABLE kept AS SELECT 42 AS answer'));
    await first.stop();
    expect(pidExists(first.pid)).toBe(false);
    const second = await startEmbeddedPostgres({ dir });
    expect(second.started).toBe(true);
    expect(second.port).toBe(first.port);
    const { rows } = await withClient(superuser(second), (client) => client.query('SELECT answer FROM kept'));
    expect(rows).toEqual([{ answer: 42 }]);
    await second.stop();
  });

  it('listens on 127.0.0.1 only, wants a password, and keeps the passwords from others', async () => {
    const server = await startEmbeddedPostgres({ dir });
    await expect(
      withClient({ ...superuser(server), password: 'wrong' }, () => Promise.resolve()),
    ).rejects.toMatchObject({ code: '28P01' });
    const { rows } = await withClient(superuser(server), (client) =>
      client.query(
        `SELECT current_setting('listen_addresses') AS addresses,
                current_setting('unix_socket_directories') AS sockets`,
      ),
    );
    expect(rows).toEqual([{ addresses: '127.0.0.1', sockets: '' }]);
    expect(statSync(join(dir, 'credentials.json')).mode & 0o077).toBe(0);
    await server.stop();
  });

  it('writes no value of a failed statement to its log', async () => {
    const server = await startEmbeddedPostgres({ dir });
    await withClient(superuser(server), async (client) => {
      await expect(client.query(`SELECT 'canary-7f3a'::int`)).rejects.toMatchObject({ code: '22P02' });
      await expect(client.query('SELECT $1::uuid', ['canary-7f3a'])).rejects.toMatchObject({ code: '22P02' });
    });
    await server.stop();
    expect(readFileSync(join(dir, 'postgres.log'), 'utf8')).not.toContain('canary');
  });

  it('moves to another port when the old one is taken', async () => {
    const first = await startEmbeddedPostgres({ dir });
    await first.stop();
    const other = createServer().listen(first.port, '127.0.0.1');
    const second = await startEmbeddedPostgres({ dir });
    expect(second.port).not.toBe(first.port);
    await second.stop();
    await new Promise((resolve) => other.close(resolve));
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('stops with an application that gets %s', async (signal) => {
    const child = application();
    const { pid } = await reached(child);
    child.process.kill(signal);
    await expect(child.ended()).resolves.toMatchObject({ signal });
    expect(pidExists(pid)).toBe(false);
  });

  it('stops with an application that is interrupted while it starts', async () => {
    const child = application();
    await waitUntil('the server is starting', () => findPostmaster(join(dir, 'data')) !== undefined);
    child.process.kill('SIGINT');
    await expect(child.ended()).resolves.toMatchObject({ signal: 'SIGINT' });
    expect(findPostmaster(join(dir, 'data'))).toBeUndefined();
  });

  it('stops with an application that exits', async () => {
    const child = application('exit');
    const { pid } = await reached(child);
    await expect(child.ended()).resolves.toMatchObject({ code: 0 });
    await waitUntil('the server has ended', () => !pidExists(pid));
  });

  it('outlives an application that is killed, and the next one takes it over', async () => {
    const killed = application();
    const first = await reached(killed);
    killed.process.kill('SIGKILL');
    await killed.ended();
    const next = await startEmbeddedPostgres({ dir });
    expect({ pid: next.pid, started: next.started }).toEqual({ pid: first.pid, started: false });
    await next.stop();
    expect(pidExists(first.pid)).toBe(false);
  });

  it('stays while a second application uses it, and goes with the last one', async () => {
    const [first, second] = [application(), application()];
    const servers = await Promise.all([reached(first), reached(second)]);
    expect(new Set(servers.map(({ pid }) => pid)).size).toBe(1);
    expect(servers.filter(({ started }) => started)).toHaveLength(1);
    const server = servers[0] as EmbeddedServer;
    first.process.kill('SIGTERM');
    await first.ended();
    await withClient(superuser(server), (client) => client.query('SELECT 1'));
    second.process.kill('SIGTERM');
    await second.ended();
    expect(pidExists(server.pid)).toBe(false);
  });

  it('runs on after its starter when it was started in the background, until it is stopped', async () => {
    const started = await startEmbeddedPostgres({ dir, background: true });
    await started.stop();
    const visitor = await startEmbeddedPostgres({ dir });
    await visitor.stop();
    expect(pidExists(started.pid)).toBe(true);
    await expect(stopEmbeddedPostgres(dir)).resolves.toBe(true);
    expect(pidExists(started.pid)).toBe(false);
    await expect(stopEmbeddedPostgres(dir)).resolves.toBe(false);
  });

  it('recovers after the server itself was killed', async () => {
    const first = await startEmbeddedPostgres({ dir });
    process.kill(first.pid, 'SIGKILL');
    await waitUntil('the server is gone', () => findPostmaster(join(dir, 'data')) === undefined);
    const second = await startEmbeddedPostgres({ dir });
    expect(second.started).toBe(true);
    await second.stop();
    await first.stop();
  });

  it('does not take another program for the server when the pid file is stale', async () => {
    const first = await startEmbeddedPostgres({ dir });
    await first.stop();
    writeFileSync(
      join(dir, 'data', 'postmaster.pid'),
      `${process.pid}\n${join(dir, 'data')}\n1\n${first.port}\n\n\n\nready\n`,
    );
    const second = await startEmbeddedPostgres({ dir });
    expect(second.pid).not.toBe(process.pid);
    await second.stop();
  });

  it('takes over the lock of a process that died', async () => {
    writeFileSync(join(dir, 'lock'), JSON.stringify({ pid: 2 ** 22 + 1, started: '' }));
    const server = await startEmbeddedPostgres({ dir });
    await server.stop();
    expect(existsSync(join(dir, 'lock'))).toBe(false);
  });

  it('leaves nothing but the folder after a reset', async () => {
    const server = await startEmbeddedPostgres({ dir });
    await resetEmbeddedPostgres(dir);
    expect(pidExists(server.pid)).toBe(false);
    expect(existsSync(join(dir, 'data'))).toBe(false);
    expect(existsSync(join(dir, 'credentials.json'))).toBe(false);
    await server.stop();
  });
});
