import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigurationError } from './database.errors';

/** One environment variable: how its text is read and, in `.describe`, its line of documentation. */
const milliseconds = z.coerce.number().int().min(1).max(3_600_000);
const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');
const count = z.coerce.number().int();
const text = z.string().min(1);
const url = z.url({ protocol: /^postgres(ql)?$/ }).refine(isDecodable, 'Invalid URL');

/** Every environment variable of the library. `.env.example` lists the same names. */
export const environmentSchema = z.object({
  DATABASE_URL: url.optional().describe('postgres://user:password@host:port/name; wins over DB_HOST and its like'),
  DB_HOST: text.optional().describe('host of PostgreSQL; without it and DATABASE_URL the embedded server is used'),
  DB_PORT: count.min(1).max(65_535).default(5432).describe('port of PostgreSQL'),
  DB_NAME: text.default('phi').describe('name of the database'),
  DB_USERNAME: text.optional().describe('login of the application; default phi_app'),
  DB_USER: text.optional().describe('read when DB_USERNAME is not set'),
  DB_PASSWORD: text.optional().describe('password of the application; no default'),
  DB_MIGRATOR_USERNAME: text.optional().describe('login that runs migrations; default DB_USERNAME'),
  DB_MIGRATOR_PASSWORD: text.optional().describe('password of the migrator'),
  DB_SSL: flag.default(false).describe('true: TLS to the server'),
  DB_SSL_REJECT_UNAUTHORIZED: flag.default(true).describe('false: do not verify the certificate; for development only'),
  DB_SSL_CA: text.optional().describe('path of a PEM file with the certificate authority'),
  DB_POOL_MIN: count.min(0).max(1000).default(2).describe('connections kept open'),
  DB_POOL_MAX: count.min(1).max(1000).default(20).describe('connections at most'),
  DB_POOL_ACQUIRE_TIMEOUT: milliseconds.default(30_000).describe('ms a call waits for a free connection'),
  DB_POOL_IDLE_TIMEOUT: milliseconds.default(30_000).describe('ms after which an idle connection is closed'),
  DB_POOL_CONNECTION_TIMEOUT: milliseconds.default(5_000).describe('ms a new connection may take'),
  DB_REPLICA_HOSTS: text
    .refine((list) => readHosts(list) !== undefined, 'Invalid list')
    .optional()
    .describe('hosts of streaming replicas for reads, as host or host:port, by commas; default: none'),
  DB_REPLICA_MAX_LAG: milliseconds
    .min(100)
    .default(1_000)
    .describe('ms that a replica may lag behind; one that lags more is not read from'),
  DB_STATEMENT_TIMEOUT: milliseconds.default(30_000).describe('ms after which the server cancels a statement'),
  DB_SLOW_QUERY_THRESHOLD: milliseconds.default(1_000).describe('ms from which a statement is logged as slow'),
  DB_LOG_QUERIES: flag.optional().describe('log every statement, without values; default: in development only'),
  DB_PREPARED: flag.default(true).describe('false: no named prepared statements, for poolers that cannot keep them'),
  DB_MIGRATE_ON_START: flag
    .optional()
    .describe('apply pending migrations when the application starts; default: embedded server only'),
  DB_MIGRATIONS_DIR: text
    .optional()
    .describe('folder of migrations of the application, applied after the ones of the package'),
  DB_EMBEDDED_DIR: text.default('.data').describe('folder of the embedded server'),
  DB_CURSOR_KEY: text
    .regex(/^[A-Za-z0-9+/]{43}=$/, '32 bytes in base64')
    .optional()
    .describe('key of the cursors of findPage, 32 bytes in base64; needed in production'),
  AUDIT_ENABLED: flag
    .default(true)
    .describe('true; the database audits every write in any case, and false is refused in production'),
  NODE_ENV: text.optional().describe('production, development or test'),
});

/** Names under these prefixes must be known: a misspelt one would silently fall back to a default. */
const OWN_PREFIX = /^(DB|AUDIT)_/;

export interface ConnectionLogin {
  readonly username: string;
  readonly password?: string;
}

/** Where a replica listens. */
export interface ReplicaHost {
  readonly host: string;
  readonly port: number;
}

/** Everything the library can be told. Times in ms. */
export interface DatabaseOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly password?: string;
  /** Login that runs migrations. */
  readonly migrator: ConnectionLogin;
  /** `false`, or what Node's TLS takes; `rejectUnauthorized` is true unless switched off. */
  readonly ssl: false | { readonly rejectUnauthorized: boolean; readonly ca?: string };
  readonly pool: {
    readonly min: number;
    readonly max: number;
    readonly acquireTimeoutMs: number;
    readonly idleTimeoutMs: number;
    readonly connectionTimeoutMs: number;
  };
  /** Streaming replicas that may serve reads, with the login and the database of the primary. */
  readonly replicas: {
    readonly hosts: readonly ReplicaHost[];
    readonly maxLagMs: number;
  };
  readonly statementTimeoutMs: number;
  readonly slowQueryThresholdMs: number;
  readonly logQueries: boolean;
  readonly prepared: boolean;
  /** Key of the cursors of findPage: 32 bytes in base64, the same in every process. */
  readonly cursorKey?: string;
  readonly migrateOnStart: boolean;
  /** Folder of the application's own migrations, applied after the package's. */
  readonly migrations?: { readonly dir?: string };
  /** The embedded server is used when no host is given. */
  readonly embedded: { readonly enabled: boolean; readonly dir: string };
  readonly production: boolean;
}

/** What `DatabaseModule.forRoot` takes: options, each over what the environment says. */
export type DatabaseModuleOptions = Partial<Omit<DatabaseOptions, 'pool' | 'replicas' | 'embedded'>> & {
  readonly pool?: Partial<DatabaseOptions['pool']>;
  readonly replicas?: Partial<DatabaseOptions['replicas']>;
  readonly embedded?: Partial<DatabaseOptions['embedded']>;
};

type Environment = z.infer<typeof environmentSchema>;

/**
 * Reads the options from environment variables.
 * @param env Usually `process.env`; empty strings count as not set.
 * @param overrides Options given in code; they win.
 * @throws ConfigurationError that names each unknown or invalid variable and what is allowed, never its value.
 */
export function readOptions(
  env: Record<string, string | undefined> = process.env,
  overrides: DatabaseModuleOptions = {},
): DatabaseOptions {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const problems = Object.keys(given)
    .filter((name) => OWN_PREFIX.test(name) && !(name in environmentSchema.shape))
    .map((name) => `${name} is not a known variable`);
  const parsed = environmentSchema.safeParse(given);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]) as keyof typeof environmentSchema.shape;
    // zod's message names what was expected; the value itself may be a secret and is described by its length only.
    problems.push(
      `${name} (${given[name]?.length ?? 0} characters) is not valid: ${issue.message} (${environmentSchema.shape[name].description})`,
    );
  }
  if (!parsed.success || problems.length > 0) {
    throw new ConfigurationError(
      `Invalid database configuration:\n  ${problems.join('\n  ')}`,
      'Correct the variables named above; .env.example lists all of them.',
    );
  }
  const fromEnvironment = build(parsed.data);
  const code = withoutUndefined(overrides);
  const enabled = code.embedded?.enabled ?? (fromEnvironment.embedded.enabled && !code.host);
  const options: DatabaseOptions = {
    ...fromEnvironment,
    ...code,
    pool: { ...fromEnvironment.pool, ...withoutUndefined(code.pool ?? {}) },
    replicas: { ...fromEnvironment.replicas, ...withoutUndefined(code.replicas ?? {}) },
    embedded: { ...fromEnvironment.embedded, ...withoutUndefined(code.embedded ?? {}), enabled },
    migrateOnStart: code.migrateOnStart ?? parsed.data.DB_MIGRATE_ON_START ?? enabled,
  };
  if (options.pool.min > options.pool.max) {
    throw new ConfigurationError('DB_POOL_MIN is larger than DB_POOL_MAX', 'Raise DB_POOL_MAX or lower DB_POOL_MIN.');
  }
  if (options.replicas.hosts.length > 0 && enabled) {
    throw new ConfigurationError(
      'DB_REPLICA_HOSTS is set, and the database is the embedded server, which has no replicas',
      'Set DB_HOST or DATABASE_URL, or remove DB_REPLICA_HOSTS.',
    );
  }
  if (options.production && !parsed.data.AUDIT_ENABLED) {
    throw new ConfigurationError(
      'AUDIT_ENABLED=false is refused in production',
      'Remove AUDIT_ENABLED (45 CFR 164.312(b)).',
    );
  }
  return options;
}

/** `undefined` in code means that the environment decides. */
function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** True when the parts of a URL can be decoded: `%zz` cannot. */
function isDecodable(address: string): boolean {
  try {
    return decodeURIComponent(address).length > 0;
  } catch {
    return false;
  }
}

function build(env: Environment): DatabaseOptions {
  const url = env.DATABASE_URL ? new URL(env.DATABASE_URL) : undefined;
  const username = url?.username ? decodeURIComponent(url.username) : (env.DB_USERNAME ?? env.DB_USER ?? 'phi_app');
  const password = url?.password ? decodeURIComponent(url.password) : env.DB_PASSWORD;
  return {
    // A URL writes an IPv6 address in brackets, a socket does not.
    host: url?.hostname.replace(/^\[|\]$/g, '') ?? env.DB_HOST ?? '127.0.0.1',
    port: url ? Number(url.port || 5432) : env.DB_PORT,
    database: url ? decodeURIComponent(url.pathname.slice(1)) || env.DB_NAME : env.DB_NAME,
    username,
    password,
    migrator: {
      username: env.DB_MIGRATOR_USERNAME ?? username,
      password: env.DB_MIGRATOR_USERNAME ? env.DB_MIGRATOR_PASSWORD : password,
    },
    ssl: tls(env, url),
    pool: {
      min: env.DB_POOL_MIN,
      max: env.DB_POOL_MAX,
      acquireTimeoutMs: env.DB_POOL_ACQUIRE_TIMEOUT,
      idleTimeoutMs: env.DB_POOL_IDLE_TIMEOUT,
      connectionTimeoutMs: env.DB_POOL_CONNECTION_TIMEOUT,
    },
    replicas: { hosts: readHosts(env.DB_REPLICA_HOSTS ?? '') ?? [], maxLagMs: env.DB_REPLICA_MAX_LAG },
    statementTimeoutMs: env.DB_STATEMENT_TIMEOUT,
    slowQueryThresholdMs: env.DB_SLOW_QUERY_THRESHOLD,
    logQueries: env.DB_LOG_QUERIES ?? env.NODE_ENV === 'development',
    prepared: env.DB_PREPARED,
    ...(env.DB_CURSOR_KEY ? { cursorKey: env.DB_CURSOR_KEY } : {}),
    migrateOnStart: env.DB_MIGRATE_ON_START ?? !(url || env.DB_HOST),
    ...(env.DB_MIGRATIONS_DIR ? { migrations: { dir: env.DB_MIGRATIONS_DIR } } : {}),
    embedded: { enabled: !(url || env.DB_HOST), dir: env.DB_EMBEDDED_DIR },
    production: env.NODE_ENV === 'production',
  };
}

/** Reads `host`, `host:port` or `[IPv6]:port`, by commas; undefined where one of them is neither. */
function readHosts(list: string): ReplicaHost[] | undefined {
  const hosts: ReplicaHost[] = [];
  for (const item of list.split(',').map((part) => part.trim())) {
    if (item === '') continue;
    const [, host = '', port = '5432'] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(item) ?? [];
    if (!host || Number(port) < 1 || Number(port) > 65_535) return undefined;
    hosts.push({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
  }
  return hosts;
}

function tls(env: Environment, url: URL | undefined): DatabaseOptions['ssl'] {
  const mode = url?.searchParams.get('sslmode');
  if (!env.DB_SSL && (mode === null || mode === undefined || mode === 'disable')) return false;
  return {
    rejectUnauthorized: env.DB_SSL_REJECT_UNAUTHORIZED,
    ...(env.DB_SSL_CA ? { ca: readAuthority(env.DB_SSL_CA) } : {}),
  };
}

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigurationError('DB_SSL_CA cannot be read', 'Give the path of a readable PEM file.', { cause });
  }
}
