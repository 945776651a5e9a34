'use strict';

const { execFileSync, spawnSync } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const installations = '/usr/lib/postgresql';

/** PostgreSQL refuses to run as root; root runs it as this user. */
function owner() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function freePort() {
  const script = `const server = require('node:net').createServer();
    server.listen(0, '127.0.0.1', () => { console.log(server.address().port); server.close(); });`;
  return execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim();
}

/** Starts a server of its own in a folder of its own. */
function startOwn() {
  const versions = existsSync(installations)
    ? readdirSync(installations)
        .map(Number)
        .toSorted((a, b) => a - b)
    : [];
  const version = versions.find((candidate) => candidate >= 15);
  if (version === undefined) {
    throw new Error('No PostgreSQL here: set DB_HOST, DB_PORT, PGUSER and PGPASSWORD, or install postgresql-15.');
  }
  const bin = (program) => join(installations, String(version), 'bin', program);
  const folder = mkdtempSync(join(tmpdir(), 'server-'));
  const account = owner();
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid);
  const data = join(folder, 'data');
  const port = freePort();
  const password = randomBytes(12).toString('hex');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account.uid !== undefined) chownSync(passwordFile, account.uid, account.gid);
  const options = { ...account, cwd: folder, stdio: 'ignore' };
  const auth = ['-A', 'scram-sha-256', '-U', 'postgres', `--pwfile=${passwordFile}`];
  execFileSync(bin('initdb'), ['-D', data, '-E', 'UTF8', '--no-sync', ...auth], options);
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off`;
  execFileSync(bin('pg_ctl'), ['-D', data, '-w', '-l', join(folder, 'log'), '-o', settings, 'start'], options);
  const stop = () => {
    spawnSync(bin('pg_ctl'), ['-D', data, '-m', 'immediate', 'stop'], options);
    rmSync(folder, { recursive: true, force: true });
  };
  return { host: '127.0.0.1', port, user: 'postgres', password, stop };
}

/**
 * A PostgreSQL for acceptance scripts: the one the environment names, else one of its own.
 * @returns {{ version: string, env: Record<string, string>, createDatabase: (name: string, bootstrap: string) => void,
 *   stop: () => void }} `env` holds what the application reads.
 */
function startServer() {
  const { DB_HOST, DB_PORT = '5432', PGUSER = 'postgres', PGPASSWORD = '' } = process.env;
  const server = DB_HOST
    ? { host: DB_HOST, port: DB_PORT, user: PGUSER, password: PGPASSWORD, stop: () => {} }
    : startOwn();
  const passwords = { app: randomBytes(12).toString('hex'), migrator: randomBytes(12).toString('hex') };
  const psql = (database, ...args) =>
    execFileSync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', database, ...args], {
      encoding: 'utf8',
      env: {
        ...process.env,
        PGHOST: server.host,
        PGPORT: server.port,
        PGUSER: server.user,
        PGPASSWORD: server.password,
        PGOPTIONS: '-c client_min_messages=warning',
      },
    });
  return {
    version: psql('postgres', '-At', '-c', 'SHOW server_version').trim(),
    env: {
      DB_HOST: server.host,
      DB_PORT: server.port,
      DB_USERNAME: 'phi_app',
      DB_PASSWORD: passwords.app,
      DB_MIGRATOR_USERNAME: 'phi_migrator',
      DB_MIGRATOR_PASSWORD: passwords.migrator,
    },
    createDatabase: (name, bootstrap) => {
      psql('postgres', '-c', `CREATE DATABASE ${name}`);
      psql(
        name,
        '-1',
        '-c',
        `SET bootstrap.app_password = '${passwords.app}'`,
        '-c',
        `SET bootstrap.migrator_password = '${passwords.migrator}'`,
        '-f',
        bootstrap,
      );
    },
    stop: server.stop,
  };
}

module.exports = { startServer };
