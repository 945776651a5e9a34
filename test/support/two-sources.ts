import { getConnectionToken } from '@nestjs/sequelize';
import { Test, type TestingModule } from '@nestjs/testing';
import { Column, DataType, type Sequelize, Table } from 'sequelize-typescript';
import {
  Database,
  DatabaseModule,
  type ExecutionContext,
  getDataSourceToken,
  type IUnitOfWork,
  readOptions,
  repositoryFor,
  TenantModel,
  UNIT_OF_WORK,
} from '../../src';
import { SchoolRepository } from '../../src/domains';
import { createTestDatabase, type TestDatabase } from './database';
import { nurseOf } from './database-app';

/** A school of the reporting database: a model class has one database, so it has a class of its own there. */
@Table({ tableName: 'schools', modelName: 'ReportedSchool' })
export class ReportedSchool extends TenantModel<ReportedSchool> {
  @Column(DataType.STRING(200))
  declare name: string;

  @Column(DataType.STRING(50))
  declare code: string;
}

export class ReportedSchoolRepository extends repositoryFor(ReportedSchool) {}

/** One of the two databases, as the application sees it and as it is. */
export interface Source {
  readonly db: TestDatabase;
  readonly database: Database;
  readonly unitOfWork: IUnitOfWork;
  readonly sequelize: Sequelize;
  /** Codes of the stored schools that begin with `prefix`, by a superuser. */
  stored(prefix: string): Promise<string[]>;
}

/** An application with the default database, A, and one named `reporting`, B. */
export interface TwoSourceApp {
  readonly module: TestingModule;
  readonly a: Source;
  readonly b: Source;
  readonly schools: SchoolRepository;
  readonly reported: ReportedSchoolRepository;
  readonly nurse: ExecutionContext;
  close(): Promise<void>;
}

export const school = (code: string) => ({ name: `School ${code}`, code });

const CLINIC = '0190a000-0000-7000-8000-00000000000a';

/** Starts it: two connections for A, one for B. The clinic is stored in both. */
export async function startTwoSources(): Promise<TwoSourceApp> {
  const [dbA, dbB] = [await createTestDatabase(), await createTestDatabase()];
  const pool = { min: 0, acquireTimeoutMs: 5_000 };
  const module = await Test.createTestingModule({
    imports: [
      DatabaseModule.forRoot(readOptions(dbA.env, { pool: { ...pool, max: 2 } })),
      DatabaseModule.forRoot({ ...readOptions(dbB.env, { pool: { ...pool, max: 1 } }), name: 'reporting' }),
      DatabaseModule.forFeature([SchoolRepository]),
      DatabaseModule.forFeature([ReportedSchoolRepository], 'reporting'),
    ],
  }).compile();
  module.enableShutdownHooks([]);
  await module.init();
  const sourceOf = async (db: TestDatabase, name?: string): Promise<Source> => {
    const truth = await db.superClient();
    await truth.query('INSERT INTO clinics (id, name) VALUES ($1, $2)', [CLINIC, 'Clinic A']);
    return {
      db,
      database: module.get<Database>(getDataSourceToken(Database, name)),
      unitOfWork: module.get<IUnitOfWork>(getDataSourceToken(UNIT_OF_WORK, name)),
      sequelize: module.get<Sequelize>(getConnectionToken(name)),
      stored: async (prefix) => {
        const { rows } = await truth.query<{ code: string }>(
          'SELECT code FROM schools WHERE starts_with(code, $1) ORDER BY 1',
          [prefix],
        );
        return rows.map(({ code }) => code);
      },
    };
  };
  return {
    module,
    a: await sourceOf(dbA),
    b: await sourceOf(dbB, 'reporting'),
    schools: module.get(SchoolRepository),
    reported: module.get(ReportedSchoolRepository),
    nurse: nurseOf(CLINIC),
    close: async () => {
      await module.close();
      await Promise.all([dbA.drop(), dbB.drop()]);
    },
  };
}
