import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions } from '../../../src';
import { sequelizeOptions } from '../../../src/database/connection/sequelize-options';
import { everythingOf, refusalOf } from '../../support/refusal';

const SECRET = 'Canary-7301';

const refusal = (env: Record<string, string>, overrides = {}) => refusalOf(() => readOptions(env, overrides));

describe('Options from the environment', () => {
  it('have defaults, and no default password [000-17] [000-10] [002-01] [004-03]', () => {
    expect(readOptions({ DB_HOST: 'db' })).toMatchObject({
      host: 'db',
      port: 5432,
      database: 'phi',
      username: 'phi_app',
      password: undefined,
      ssl: false,
      pool: { min: 2, max: 20, acquireTimeoutMs: 30_000, idleTimeoutMs: 30_000, connectionTimeoutMs: 5_000 },
      slowQueryThresholdMs: 1_000,
      prepared: true,
      migrateOnStart: false,
      embedded: { enabled: false, dir: '.data' },
      production: false,
    });
  });

  it('read every limit of the pool [000-11] [003-42]', () => {
    const env = {
      DB_POOL_MIN: '1',
      DB_POOL_MAX: '7',
      DB_POOL_ACQUIRE_TIMEOUT: '1000',
      DB_POOL_IDLE_TIMEOUT: '2000',
      DB_POOL_CONNECTION_TIMEOUT: '3000',
    };
    const options = readOptions(env);
    expect(options.pool).toEqual({
      min: 1,
      max: 7,
      acquireTimeoutMs: 1_000,
      idleTimeoutMs: 2_000,
      connectionTimeoutMs: 3_000,
    });
    expect(sequelizeOptions(options)).toMatchObject({
      pool: { min: 1, max: 7, acquire: 1_000, idle: 2_000 },
      dialectOptions: { connectionTimeoutMillis: 3_000 },
      synchronize: false,
      logging: false,
    });
  });

  it('name the replicas, each with a port of its own, and none by default', () => {
    const hosts = (list: string) => readOptions({ DB_HOST: 'db', DB_REPLICA_HOSTS: list }).replicas.hosts;
    expect(readOptions({ DB_HOST: 'db' }).replicas).toEqual({ hosts: [], maxLagMs: 1_000 });
    expect(hosts('replica-1, 10.0.0.2:5433,,[::1]:5434,[fe80::1]')).toEqual([
      { host: 'replica-1', port: 5432 },
      { host: '10.0.0.2', port: 5433 },
      { host: '::1', port: 5434 },
      { host: 'fe80::1', port: 5432 },
    ]);
    const options = readOptions({ DB_HOST: 'db', DB_REPLICA_HOSTS: 'one' }, { replicas: { maxLagMs: 500 } });
    expect(options.replicas).toEqual({ hosts: [{ host: 'one', port: 5432 }], maxLagMs: 500 });
  });

  it('never have the schema synchronised, however the database is given [000-18] [D25] [D26]', () => {
    for (const env of [
      {},
      { DB_HOST: 'db' },
      { DATABASE_URL: 'postgres://u:p@h/n' },
      { DB_HOST: 'db', NODE_ENV: 'production' },
    ]) {
      const { synchronize, pool } = sequelizeOptions(readOptions(env)) as { synchronize?: boolean; pool: object };
      expect(synchronize).toBe(false);
      expect(pool).not.toHaveProperty('validate');
    }
  });

  it('take a URL over the single variables, its parts decoded', () => {
    expect(
      readOptions({
        DATABASE_URL: 'postgres://us%40er:p%2Fw%3A@db.example:6000/na%20me',
        DB_HOST: 'other',
        DB_USERNAME: 'x',
      }),
    ).toMatchObject({
      host: 'db.example',
      port: 6000,
      database: 'na me',
      username: 'us@er',
      password: 'p/w:',
    });
    expect(readOptions({ DATABASE_URL: 'postgresql://[::1]:6000/n' })).toMatchObject({
      host: '::1',
      port: 6000,
      username: 'phi_app',
    });
  });

  it('read DB_USER where DB_USERNAME is not set, and count an empty text as not set', () => {
    expect(readOptions({ DB_USER: 'u' }).username).toBe('u');
    expect(readOptions({ DB_USER: 'u', DB_USERNAME: 'v', DB_PASSWORD: '' })).toMatchObject({
      username: 'v',
      password: undefined,
    });
  });

  it('use the application’s login for migrations unless there is another one', () => {
    expect(readOptions({ DB_USERNAME: 'u', DB_PASSWORD: 'p' }).migrator).toEqual({ username: 'u', password: 'p' });
    expect(readOptions({ DB_PASSWORD: 'p', DB_MIGRATOR_USERNAME: 'm' }).migrator).toEqual({
      username: 'm',
      password: undefined,
    });
  });

  it('start the embedded server, and migrate it, only where no database is given [000-19]', () => {
    expect(readOptions({})).toMatchObject({ embedded: { enabled: true }, migrateOnStart: true });
    expect(readOptions({ DB_HOST: 'db' })).toMatchObject({ embedded: { enabled: false }, migrateOnStart: false });
    expect(readOptions({ DATABASE_URL: 'postgres://h/n' })).toMatchObject({
      embedded: { enabled: false },
      migrateOnStart: false,
    });
    expect(readOptions({}, { host: 'db' })).toMatchObject({ embedded: { enabled: false }, migrateOnStart: false });
    expect(readOptions({ DB_MIGRATE_ON_START: 'true' }, { host: 'db' }).migrateOnStart).toBe(true);
  });
});

describe('TLS by the environment', () => {
  it('verifies the certificate unless that is switched off [002-02] [003-45] [000-06]', () => {
    expect(readOptions({ DB_SSL: 'true' }).ssl).toEqual({ rejectUnauthorized: true });
    expect(readOptions({ DB_SSL: '1', DB_SSL_REJECT_UNAUTHORIZED: 'false' }).ssl).toEqual({
      rejectUnauthorized: false,
    });
    expect(readOptions({ DB_SSL: 'false' }).ssl).toBe(false);
  });

  it.each(['require', 'verify-ca', 'verify-full', 'prefer', 'no-verify'])(
    'is on and verified by sslmode=%s of the URL',
    (mode) => {
      expect(readOptions({ DATABASE_URL: `postgres://h/n?sslmode=${mode}` }).ssl).toEqual({ rejectUnauthorized: true });
    },
  );

  it('is off by sslmode=disable, and not where DB_SSL asks for it', () => {
    expect(readOptions({ DATABASE_URL: 'postgres://h/n?sslmode=disable' }).ssl).toBe(false);
    expect(readOptions({ DATABASE_URL: 'postgres://h/n?sslmode=disable', DB_SSL: 'true' }).ssl).toEqual({
      rejectUnauthorized: true,
    });
  });

  it('reads the authority from a file, and says so when it cannot', () => {
    const folder = mkdtempSync(join(tmpdir(), 'phi-options-'));
    try {
      writeFileSync(join(folder, 'ca.pem'), 'PEM');
      expect(readOptions({ DB_SSL: 'true', DB_SSL_CA: join(folder, 'ca.pem') }).ssl).toEqual({
        rejectUnauthorized: true,
        ca: 'PEM',
      });
      expect(refusal({ DB_SSL: 'true', DB_SSL_CA: join(folder, 'none.pem') }).message).toBe('DB_SSL_CA cannot be read');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('Options that are wrong', () => {
  it.each<[string, string, RegExp]>([
    ['DB_PORT', SECRET, /DB_PORT \(11 characters\) is not valid: .*number.*port of PostgreSQL/],
    ['DB_PORT', '0', /DB_PORT \(1 characters\).*>=1/],
    ['DB_PORT', '65536', /<=65535/],
    ['DB_PORT', '5432.5', /expected int/],
    ['DB_POOL_MAX', '0', /DB_POOL_MAX/],
    ['DB_POOL_MAX', '-1', /DB_POOL_MAX/],
    ['DB_POOL_IDLE_TIMEOUT', 'soon', /DB_POOL_IDLE_TIMEOUT/],
    ['DB_SSL', 'yes', /DB_SSL .*"true"\|"false"/],
    ['DB_SSL_REJECT_UNAUTHORIZED', 'no', /DB_SSL_REJECT_UNAUTHORIZED/],
    ['DB_PREPARED', 'TRUE', /DB_PREPARED/],
    ['DATABASE_URL', `mysql://user:${SECRET}@host/name`, /DATABASE_URL \(34 characters\) is not valid: Invalid URL/],
    ['DATABASE_URL', SECRET, /DATABASE_URL/],
    ['DATABASE_URL', `postgres://user:${SECRET}%zz@host/name`, /DATABASE_URL/],
    ['DB_REPLICA_HOSTS', 'one,two:port', /DB_REPLICA_HOSTS .*Invalid list/],
    ['DB_REPLICA_HOSTS', 'one:70000', /DB_REPLICA_HOSTS/],
    ['DB_REPLICA_HOSTS', `postgres://user:${SECRET}@host`, /DB_REPLICA_HOSTS/],
    ['DB_REPLICA_MAX_LAG', '99', /DB_REPLICA_MAX_LAG .*>=100/],
    ['DB_PASSWROD', SECRET, /DB_PASSWROD is not a known variable/],
    ['DB_POOLMAX', '5', /DB_POOLMAX is not a known variable/],
    ['AUDIT_ENABLE', 'true', /AUDIT_ENABLE is not a known variable/],
  ])('stop the boot: %s=%s is named, described, and not repeated', (name, value, message) => {
    const error = refusal({ [name]: value });
    expect(error).toMatchObject({ code: 'DATABASE_CONFIGURATION' });
    expect(error.message).toMatch(message);
    expect(everythingOf(error)).not.toContain(SECRET);
  });

  it('are all named at once', () => {
    const { message } = refusal({ DB_PORT: 'x', DB_SSL: 'x', DB_NONSENSE: 'x', DB_POOL_MIN: '-1' });
    for (const name of ['DB_PORT', 'DB_SSL', 'DB_NONSENSE', 'DB_POOL_MIN']) expect(message).toContain(name);
  });

  it('contradict each other: more connections kept than allowed', () => {
    expect(refusal({ DB_POOL_MIN: '5', DB_POOL_MAX: '4' }).message).toBe('DB_POOL_MIN is larger than DB_POOL_MAX');
    expect(refusal({}, { pool: { max: 1 } }).message).toBe('DB_POOL_MIN is larger than DB_POOL_MAX');
  });

  it('contradict each other: replicas of the embedded server', () => {
    expect(refusal({ DB_REPLICA_HOSTS: 'one' }).message).toMatch(/the embedded server, which has no replicas/);
  });

  it('switch the audit off in production [003-40]', () => {
    expect(refusal({ NODE_ENV: 'production', AUDIT_ENABLED: 'false' }).message).toMatch(/refused in production/);
    expect(readOptions({ AUDIT_ENABLED: 'false' }).production).toBe(false);
  });

  it('do not come from variables of others', () => {
    expect(() => readOptions({ PATH: '/bin', DATABASE_NAME: 'x', PGHOST: 'x', DBUS: 'x' })).not.toThrow();
  });
});

describe('Options in code', () => {
  it('win over the environment, one by one', () => {
    const options = readOptions({ DB_HOST: 'a', DB_POOL_MAX: '9', DB_NAME: 'n' }, { host: 'b', pool: { min: 1 } });
    expect(options).toMatchObject({ host: 'b', database: 'n', pool: { min: 1, max: 9 } });
  });

  it('leave to the environment what is undefined', () => {
    const options = readOptions(
      { DB_HOST: 'a', DB_PASSWORD: 'p', DB_POOL_MAX: '9' },
      { password: undefined, port: undefined, pool: { max: undefined } },
    );
    expect(options).toMatchObject({ password: 'p', port: 5432, pool: { max: 9 } });
  });
});
