import { randomUUID } from 'node:crypto';
import { getConnectionToken } from '@nestjs/sequelize';
import { Test, type TestingModule } from '@nestjs/testing';
import type { Client } from 'pg';
import type { Sequelize } from 'sequelize-typescript';
import {
  Database,
  DatabaseModule,
  type ExecutionContext,
  type IUnitOfWork,
  readOptions,
  UNIT_OF_WORK,
} from '../../src';
import { SchoolRepository } from '../../src/domains';
import { nurseOf } from './database-app';
import type { ReplicatedServer } from './standby';
import { waitUntil } from './wait-until';

/** An application that reads from a standby. */
export interface ReplicaApp {
  readonly module: TestingModule;
  readonly database: Database;
  readonly unitOfWork: IUnitOfWork;
  readonly schools: SchoolRepository;
  readonly sequelize: Sequelize;
  /** How many replicas are in use. */
  usable(): Promise<number>;
  close(): Promise<void>;
}

/** Starts it. @param hosts Of the replicas; default: the standby. */
export async function startReplicaApp(
  server: ReplicatedServer,
  maxLagMs: number,
  hosts = [{ host: server.host, port: server.standbyPort }],
): Promise<ReplicaApp> {
  const { primary } = server;
  const options = readOptions(
    {
      DB_HOST: primary.host,
      DB_PORT: String(primary.port),
      DB_NAME: primary.database,
      DB_USERNAME: primary.appUser,
      DB_PASSWORD: primary.appPassword,
      DB_REPLICA_HOSTS: hosts.map(({ host, port }) => `${host}:${port}`).join(', '),
    },
    { replicas: { maxLagMs }, pool: { min: 0, max: 5 } },
  );
  const module = await Test.createTestingModule({
    imports: [DatabaseModule.forRoot(options), DatabaseModule.forFeature([SchoolRepository])],
  }).compile();
  module.enableShutdownHooks([]);
  await module.init();
  const database = module.get(Database);
  return {
    module,
    database,
    unitOfWork: module.get<IUnitOfWork>(UNIT_OF_WORK),
    schools: module.get(SchoolRepository),
    sequelize: module.get<Sequelize>(getConnectionToken()),
    usable: async () => (await database.getConnectionStatus()).replicas?.usable ?? 0,
    close: () => module.close(),
  };
}

/** A clinic with one school, stored behind the application's back and there on the standby. */
export interface StoredSchool {
  readonly nurse: ExecutionContext;
  readonly id: string;
  readonly code: string;
}

/** Stores it. */
export async function plantSchool(primary: Client, standby: Client): Promise<StoredSchool> {
  const [clinicId, id] = [randomUUID(), randomUUID()];
  const code = id.slice(0, 8);
  await primary.query('INSERT INTO clinics (id, name) VALUES ($1, $2)', [clinicId, code]);
  await primary.query('INSERT INTO schools (id, clinic_id, name, code) VALUES ($1, $2, $3, $3)', [id, clinicId, code]);
  await waitUntil(
    'the standby has the school',
    async () => (await standby.query('SELECT 1 FROM schools WHERE id = $1', [id])).rowCount === 1,
  );
  return { nurse: nurseOf(clinicId), id, code };
}

/** Runs `work`, and says whether a session of the application's pool did something on the standby meanwhile. */
export async function servedBy(standby: Client, work: () => Promise<unknown>): Promise<'replica' | 'primary'> {
  const activity = async () => {
    const { rows } = await standby.query<{ seen: string }>(
      `SELECT concat(count(*), ' ', max(state_change)) AS seen FROM pg_stat_activity
      WHERE usename = 'phi_app' AND application_name = 'nestjs-phi-database'`,
    );
    return rows[0]!.seen;
  };
  const before = await activity();
  await work();
  return (await activity()) === before ? 'primary' : 'replica';
}
