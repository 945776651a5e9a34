import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { INestApplicationContext } from '@nestjs/common';
import type { Command } from 'commander';
import type { DatabaseOptions } from '../database/database.options';
import { migratorConfig, withMigrationSession } from '../database/migration/migration-session';
import { migrationSources } from '../database/migration/migration-sources';
import { Migrator } from '../database/migration/migrator';
import type { SeedContext } from '../database/seeding/define-seed';
import { markProduction } from '../database/seeding/environment-marker';
import { chooseSeeds, refuseProduction, runSeeds } from '../database/seeding/run-seeds';
import { list, whole } from './arguments';
import { CommandRefusedError, MigrationsPendingError, SeedUsageError } from './command.errors';
import type { Output } from './output';
import type * as SeedModuleFile from './seed.module';
import { withDatabase } from './with-database';

interface SeedCommandOptions {
  readonly set: readonly string[];
  readonly only?: readonly string[];
  readonly from?: string;
  readonly clinic?: string;
  readonly seed: number;
  readonly dir?: string;
}

/** The set of this package that reads input files. */
const IMPORT_SET = 'synthea';

/** Adds seed and mark-production. */
export function addSeedCommands(program: Command, output: () => Output): void {
  program
    .command('seed')
    .alias('db:seed')
    .description('fill the database; a second run changes nothing')
    .option('--set <names>', 'reference, development (dev), test or synthea; may be repeated', list)
    .option('--from <folder>', 'input files of the set')
    .option('--clinic <id>', 'clinic that reference data is for')
    .option('--seed <number>', 'fixes every random choice', whole, 42)
    .option('--only <names>', 'seeds of the sets to run', list)
    .option('--dir <folder>', 'folder of the sets instead of the one of this package')
    .addHelpText('after', '\nExamples:\n  phi-db seed --set dev\n  phi-db seed --set synthea --from ../synthea/csv')
    .action(async (given: Partial<SeedCommandOptions> & { seed: number }) => {
      const options = { ...given, set: given.set ?? ['development'] };
      refuseUsage(options);
      await withDatabase((database) => seed(database, output(), options));
    });
  program
    .command('mark-production')
    .alias('db:mark-production')
    .description('mark the database as production: it then refuses test data for good')
    .option('--yes', 'really mark it')
    .addHelpText('after', '\nExample:\n  phi-db mark-production --yes')
    .action(async ({ yes }: { yes?: boolean }) => {
      if (!yes) throw new CommandRefusedError('The mark cannot be taken away', 'Run mark-production --yes to set it.');
      await withDatabase((database) =>
        withMigrationSession(migratorConfig(database), ({ client }) => markProduction(client)),
      );
      output().text('The database is marked as production.');
      output().emit({ event: 'marked' });
    });
}

/** What is wrong with the command itself is said before a server is started or migrated. */
function refuseUsage({ set: sets, only, from, dir: directory }: SeedCommandOptions): void {
  chooseSeeds({ sets, ...(only ? { only } : {}), ...(directory ? { directory } : {}) });
  if (from === undefined && !directory && sets.includes(IMPORT_SET)) {
    throw new SeedUsageError(`The set ${IMPORT_SET} needs --from`, 'Give the csv folder of a Synthea export.');
  }
  if (from !== undefined && !existsSync(from)) {
    throw new SeedUsageError(`There is no folder ${from}`, 'Give an existing one with --from.');
  }
}

async function seed(database: DatabaseOptions, output: Output, options: SeedCommandOptions): Promise<void> {
  const connection = migratorConfig(database);
  await refuseProduction({ sets: options.set, connection, production: database.production });
  await bringUpToDate(database);
  const application = await openApplication(database, output);
  try {
    const names = await runSeeds({
      sets: options.set,
      connection,
      production: database.production,
      context: contextOf(application, output, options),
      ...(options.only ? { only: options.only } : {}),
      ...(options.dir ? { directory: options.dir } : {}),
    });
    output.text(`${names.length} seed(s) done: ${names.join(', ')}.`);
    output.emit({ event: 'done', names });
  } finally {
    await application.close();
  }
}

/** The embedded server is migrated by the way; on another server that is the operator's decision. */
async function bringUpToDate(database: DatabaseOptions): Promise<void> {
  const migrator = new Migrator({ connection: migratorConfig(database), sources: migrationSources(database) });
  if (database.migrateOnStart) {
    await migrator.migrate();
    return;
  }
  const pending = (await migrator.status()).filter(({ state }) => state === 'pending').length;
  if (pending > 0) throw new MigrationsPendingError(`${pending} migration(s) are pending`, 'Run db:migrate first.');
}

/** Nest and the domain are loaded here only: the other commands start faster without them. */
async function openApplication(database: DatabaseOptions, output: Output): Promise<INestApplicationContext> {
  const { NestFactory } = await import('@nestjs/core');
  const { seedModule } = createRequire(__filename)('./seed.module') as typeof SeedModuleFile;
  const line = (message: unknown): void => output.note(String(message));
  return NestFactory.createApplicationContext(seedModule(database), {
    abortOnError: false,
    logger: { log: () => undefined, warn: line, error: line },
  });
}

function contextOf(
  application: INestApplicationContext,
  output: Output,
  { from, clinic, seed: number }: SeedCommandOptions,
): SeedContext {
  return {
    get: (token) => application.get(token as string, { strict: false }),
    options: { seed: number, ...(from ? { from } : {}), ...(clinic ? { clinic } : {}) },
    progress: (total, label) => output.progress(total, label),
    log: (text) => output.note(text),
    emit: (record) => output.emit(record),
  };
}
