import type { Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  createExecutionContext,
  createSystemExecutionContext,
  Database,
  DatabaseModule,
  type DatabaseModuleOptions,
  type ExecutionContext,
  type Feature,
  type IUnitOfWork,
  readOptions,
  UNIT_OF_WORK,
} from '../../src';
import { ClinicRepository } from '../../src/domains';
import { createTestDatabase, type TestDatabase } from './database';

/** An application context on a database of its own, as phi_app. */
export interface DatabaseApp {
  readonly db: TestDatabase;
  readonly module: TestingModule;
  readonly database: Database;
  readonly unitOfWork: IUnitOfWork;
  get<T>(token: abstract new (...args: never[]) => T): T;
  /** Closes the application and removes the database. */
  close(): Promise<void>;
}

/**
 * Starts the library with some features.
 * @param overrides Options over those of the test database, such as a pool of one.
 * @param services Injectables of the test's own.
 */
export async function startDatabaseApp(
  features: readonly Feature[],
  overrides: Omit<DatabaseModuleOptions, 'host'> = {},
  services: readonly Type<unknown>[] = [],
): Promise<DatabaseApp> {
  const db = await createTestDatabase();
  const options = readOptions(db.env, overrides);
  const module = await Test.createTestingModule({
    imports: [DatabaseModule.forRoot(options), DatabaseModule.forFeature([ClinicRepository, ...features])],
    providers: [...services],
  }).compile();
  module.enableShutdownHooks([]);
  await module.init();
  return {
    db,
    module,
    database: module.get(Database),
    unitOfWork: module.get<IUnitOfWork>(UNIT_OF_WORK),
    get: (token) => module.get(token),
    close: async () => {
      await module.close();
      await db.drop();
    },
  };
}

/** Two clinics stored, and a nurse's context for each. */
export interface TwoClinics {
  readonly a: ExecutionContext;
  readonly b: ExecutionContext;
}

const CLINIC_A = '0190a000-0000-7000-8000-00000000000a';
const CLINIC_B = '0190b000-0000-7000-8000-00000000000b';

/** Stores two clinics with the ids that the contexts name. */
export async function plantClinics(app: DatabaseApp): Promise<TwoClinics> {
  for (const [id, name] of [
    [CLINIC_A, 'Clinic A'],
    [CLINIC_B, 'Clinic B'],
  ] as const) {
    await app.get(ClinicRepository).create({ id, name }, createSystemExecutionContext({ clinicId: id }));
  }
  return { a: nurseOf(CLINIC_A), b: nurseOf(CLINIC_B) };
}

/** A nurse's context. */
export function nurseOf(clinicId: string): ExecutionContext {
  return createExecutionContext({
    userId: '0190c000-0000-7000-8000-00000000000c',
    userRole: 'NURSE',
    clinicId,
    requestId: `request-of-${clinicId.slice(-1)}`,
    ipAddress: '192.0.2.10',
  });
}
