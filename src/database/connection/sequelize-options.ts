import * as pg from 'pg';
import type { SequelizeModuleOptions } from '@nestjs/sequelize';
import type { DatabaseOptions } from '../database.options';
import { parseTimestamp } from './parse-timestamp';

/** Every connection is pipelined: begin, tenant, statement and commit share one flight (phi-protection §1). */
class PipelinedClient extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super({ ...config, pipeline: true } as pg.ClientConfig);
  }
}

const getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === pg.types.builtins.TIMESTAMPTZ && format !== 'binary'
    ? parseTimestamp
    : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser;

const dialectModule = { ...pg, types: { ...pg.types, getTypeParser }, Client: PipelinedClient };

/** How long after the server's own limit the client gives up on an answer, in ms. */
export const ANSWER_MARGIN_MS = 5_000;

/**
 * Translates our options for @nestjs/sequelize. The schema is never synchronised from models (decision 1): the module
 * would do that by default (D25).
 */
export function sequelizeOptions(options: DatabaseOptions): SequelizeModuleOptions {
  return {
    dialect: 'postgres',
    dialectModule,
    host: options.host,
    port: options.port,
    database: options.database,
    username: options.username,
    ...(options.password === undefined ? {} : { password: options.password }),
    autoLoadModels: true,
    synchronize: false,
    // One try: a database that is not there should stop the boot with a clear message, at once.
    retryAttempts: 0,
    // SQL of Sequelize carries values inline.
    logging: false,
    timezone: '+00:00',
    define: { underscored: true, paranoid: true, timestamps: true },
    pool: {
      min: options.pool.min,
      max: options.pool.max,
      acquire: options.pool.acquireTimeoutMs,
      idle: options.pool.idleTimeoutMs,
    },
    dialectOptions: {
      application_name: 'nestjs-phi-database',
      keepAlive: true,
      connectionTimeoutMillis: options.pool.connectionTimeoutMs,
      statement_timeout: options.statementTimeoutMs,
      query_timeout: options.statementTimeoutMs + ANSWER_MARGIN_MS,
      ssl: options.ssl,
      // Begin and writes travel together. Where a begin is cancelled, what follows it would be autocommitted: only what
      // runs behind a begin that says READ WRITE may write.
      options: '-c default_transaction_read_only=on',
    },
  };
}
