import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Pool } from 'pg';
import { Sequelize } from 'sequelize';
import {
  createExecutionContext,
  createSystemExecutionContext,
  DatabaseModule,
  type IUnitOfWork,
  readOptions,
  repositoryFor,
  UNIT_OF_WORK,
} from '../../../src';
import type { EmbeddedServer } from '../../../src/database/embedded/embedded-postgres';
import { PlainRecord, ProtectedRecord } from '../record';
import { Ours, type RecordRepository } from './ours';
import { ACTOR, CLINIC, type Peer, POOL_SIZE } from './peer';
import { PlainSequelize } from './plain-sequelize';
import { RawPg } from './raw-pg';

/** No peer closes a connection while the others have their turn. */
const IDLE_MS = 3_600_000;

class PlainRecordRepository extends repositoryFor(PlainRecord) {}
class ProtectedRecordRepository extends repositoryFor(ProtectedRecord) {}

@Module({})
class BenchmarkModule {}

/** All peers, each library with one pool of its own. */
export interface Peers {
  readonly all: readonly Peer[];
  close(): Promise<void>;
}

/** Connects the peers as the application's login. */
export async function openPeers(server: EmbeddedServer): Promise<Peers> {
  const { host, port, database, appUser: user, appPassword: password } = server;
  const pool = new Pool({ host, port, database, user, password, max: POOL_SIZE, idleTimeoutMillis: 0 });
  const sequelize = new Sequelize({
    dialect: 'postgres',
    host,
    port,
    database,
    username: user,
    password,
    logging: false,
    pool: { min: POOL_SIZE, max: POOL_SIZE, idle: IDLE_MS },
  });
  const options = readOptions(
    {},
    {
      host,
      port,
      database,
      username: user,
      password,
      pool: { min: POOL_SIZE, max: POOL_SIZE, idleTimeoutMs: IDLE_MS },
    },
  );
  const app = await NestFactory.createApplicationContext(
    {
      module: BenchmarkModule,
      imports: [
        DatabaseModule.forRoot(options),
        DatabaseModule.forFeature([PlainRecordRepository, ProtectedRecordRepository]),
      ],
    },
    { logger: ['error', 'warn'] },
  );
  const unitOfWork = app.get<IUnitOfWork>(UNIT_OF_WORK);
  const ours = (token: unknown): RecordRepository => app.get(token as never);
  return {
    all: [
      new RawPg(pool, 'off'),
      new PlainSequelize(sequelize, 'off'),
      new Ours(ours(PlainRecordRepository), unitOfWork, createSystemExecutionContext(), 'off'),
      new RawPg(pool, 'on'),
      new PlainSequelize(sequelize, 'on'),
      new Ours(
        ours(ProtectedRecordRepository),
        unitOfWork,
        createExecutionContext({ ...ACTOR, clinicId: CLINIC }),
        'on',
      ),
    ],
    close: async () => {
      await Promise.all([pool.end(), sequelize.close(), app.close()]);
    },
  };
}
