import { type INestApplicationContext, Logger } from '@nestjs/common';
import { DEMO_CLINIC_ID } from '../../seeders/development/demo-identity';
import { OPEN_DATABASE } from '../database/database.module';
import { migratorConfig } from '../database/migration/migration-session';
import type { OpenDatabase } from '../database/open-database';
import type { SeedContext } from '../database/seeding/define-seed';
import { runSeeds } from '../database/seeding/run-seeds';
import { createSystemExecutionContext } from '../index';
import { ClinicRepository } from '../domains';

const SEED = 42;

/**
 * Fills an embedded database with the development set, once: when the demo clinic is there, or the database is a server
 * of its own, nothing is done.
 * @returns Whether the database is the embedded one.
 */
export async function seedDemoData(app: INestApplicationContext): Promise<boolean> {
  const { options, embedded } = app.get<OpenDatabase>(OPEN_DATABASE, { strict: false });
  if (!embedded || options.production) return embedded !== undefined;
  const context = createSystemExecutionContext({
    clinicId: DEMO_CLINIC_ID,
    reason: 'Looks whether the demo data is there',
  });
  if (await app.get(ClinicRepository, { strict: false }).exists(DEMO_CLINIC_ID, { context, withDeleted: true }))
    return true;
  await runSeeds({ sets: ['development'], connection: migratorConfig(options), context: seedContext(app) });
  return true;
}

function seedContext(app: INestApplicationContext): SeedContext {
  const logger = new Logger('Seed');
  return {
    get: (token) => app.get(token as string, { strict: false }),
    options: { seed: SEED },
    progress: () => ({ advance: () => undefined, done: () => undefined }),
    log: (text) => logger.log(text),
    emit: () => undefined,
  };
}
