import { type Command, Option } from 'commander';
import { readOptions } from '../database/database.options';
import { createMigration, newMigrationFolder } from '../database/migration/create-migration';
import { migrationId } from '../database/migration/migration-files';
import { migratorConfig } from '../database/migration/migration-session';
import { migrationSources } from '../database/migration/migration-sources';
import { type MigrationStatus } from '../database/migration/migration-status';
import { type MigrationEvent, type MigrationRange, Migrator } from '../database/migration/migrator';
import { duration, positive } from './arguments';
import { EXIT } from './exit-code';
import type { Output } from './output';
import { withDatabase } from './with-database';

interface RunOptions extends MigrationRange {
  readonly dir?: string;
  readonly lockWait?: number;
  readonly allowOutOfOrder?: boolean;
  readonly redo?: boolean;
  readonly yesProduction?: boolean;
}

const APPLICATION_FOLDER = [
  '--dir <folder>',
  'folder of migrations of the application (default: DB_MIGRATIONS_DIR)',
] as const;
const YES_PRODUCTION = ['--yes-production', 'also on a database that is marked as production'] as const;

/** Adds migrate, rollback, status, create-migration and repair, with the aliases of the source documents. */
export function addMigrationCommands(program: Command, output: () => Output): void {
  addMigrate(program, output);
  addRollback(program, output);
  addStatus(program, output);
  addCreateMigration(program, output);
  addRepair(program, output);
}

function addMigrate(program: Command, output: () => Output): void {
  ranged(program.command('migrate').aliases(['db:migrate', 'migrate:up']))
    .description('apply pending migrations')
    .option('--allow-out-of-order', 'also apply files that are older than what has been applied')
    .addHelpText(
      'after',
      '\nExamples:\n  phi-db migrate\n  phi-db migrate --plan\n  phi-db migrate --to 0007 --lock-wait 5m',
    )
    .action(async (options: RunOptions) => {
      const names = await run(output(), options, (migrator) => migrator.migrate(options));
      report(output(), options, names, 'applied', 'Nothing to apply: the database is up to date.');
    });
}

function addRollback(program: Command, output: () => Output): void {
  const action = async (options: RunOptions): Promise<void> => {
    const range = { ...options, production: options.yesProduction === true };
    const names = await run(output(), options, (migrator) => migrator.rollback(range));
    report(output(), options, names, options.redo ? 'applied again' : 'rolled back', 'Nothing to roll back.');
  };
  ranged(program.command('rollback').alias('db:rollback'))
    .description('undo the last applied migrations, the latest first; --to 0 undoes all')
    .option('--redo', 'then apply them again')
    .option(...YES_PRODUCTION)
    .addHelpText(
      'after',
      '\nExamples:\n  phi-db rollback\n  phi-db rollback --step 3 --plan\n  phi-db rollback --to 0002',
    )
    .action(action);
  ranged(program.command('migrate:down').argument('[n]', 'how many', positive))
    .description('the same as rollback --step n')
    .option(...YES_PRODUCTION)
    .addHelpText('after', '\nExample:\n  phi-db migrate:down 2')
    .action((step: number | undefined, options: RunOptions) => action({ ...options, ...(step ? { step } : {}) }));
}

function addStatus(program: Command, output: () => Output): void {
  program
    .command('status')
    .aliases(['db:status', 'migrate:status'])
    .description('list migrations and whether they are applied; changes nothing')
    .option(...APPLICATION_FOLDER)
    .option('--check', 'exit with 3 when migrations are pending, with 5 when files do not fit the history')
    .addHelpText('after', '\nExamples:\n  phi-db status\n  phi-db status --check --json')
    .action(async ({ dir, check }: { dir?: string; check?: boolean }) => {
      const statuses = await run(output(), dir ? { dir } : {}, (migrator) => migrator.status());
      for (const status of statuses) {
        const since = status.appliedAt ? `  ${status.appliedAt.toISOString()}` : '';
        output().text(`${status.state.padEnd(13)}${migrationId(status)}${since}`);
        output().emit({ event: 'migration', ...status });
      }
      if (statuses.length === 0) output().text('There are no migrations.');
      if (check) process.exitCode = checkCode(statuses);
    });
}

function addCreateMigration(program: Command, output: () => Output): void {
  program
    .command('create-migration')
    .alias('db:create-migration')
    .description('write an empty migration with the next number')
    .argument('<name...>', 'what it does, in words')
    .option('--sql', 'plain SQL (default)')
    .addOption(new Option('--ts', 'TypeScript').conflicts('sql'))
    .option('--dir <folder>', 'where it goes (default: DB_MIGRATIONS_DIR)')
    .addHelpText(
      'after',
      '\nExamples:\n  phi-db create-migration add nickname\n  phi-db create-migration backfill-nicknames --ts --dir db',
    )
    .action((words: string[], { ts, dir }: { ts?: boolean; dir?: string }) => {
      const folder = newMigrationFolder(dir ?? readOptions(process.env).migrations?.dir);
      const path = createMigration(words.join(' '), folder, ts ? 'ts' : 'sql');
      output().text(`Created ${path}. Write its up and its down part, then run db:migrate.`);
      output().emit({ event: 'created', path });
    });
}

function addRepair(program: Command, output: () => Output): void {
  program
    .command('repair')
    .alias('db:repair')
    .description('decide what a migration counts as that was cut while it ran outside a transaction')
    .argument('<name>', 'its name, as status shows it')
    .addOption(new Option('--as <state>', 'what it counts as').choices(['applied', 'pending']).makeOptionMandatory())
    .option(...APPLICATION_FOLDER)
    .addHelpText('after', '\nExample:\n  phi-db repair 0012-index-students --as pending')
    .action(async (name: string, options: { as: 'applied' | 'pending' } & RunOptions) => {
      await run(output(), options, (migrator) => migrator.repair(name, options.as));
      output().text(`${name} counts as ${options.as} now.`);
      output().emit({ event: 'repaired', name, as: options.as });
    });
}

function ranged(command: Command): Command {
  return command
    .option('--to <name>', 'name or number of the migration to stop at; application:0001 where both sources have it')
    .option('--step <n>', 'how many', positive)
    .option('--plan', 'only show what would run')
    .option('--lock-wait <time>', 'how long to wait for another migrating process (default: 60s)', duration)
    .option(...APPLICATION_FOLDER);
}

function run<T>(output: Output, options: RunOptions, work: (migrator: Migrator) => Promise<T>): Promise<T> {
  return withDatabase((database) =>
    work(
      new Migrator({
        connection: migratorConfig(database),
        sources: options.dir ? { application: options.dir } : migrationSources(database),
        ...(options.lockWait === undefined ? {} : { lockWaitMs: options.lockWait }),
        onEvent: (event: MigrationEvent) => {
          output.emit({ ...event });
          if (event.ms !== undefined) output.text(`${event.event} ${migrationId(event)} (${event.ms} ms)`);
        },
      }),
    ),
  );
}

function report(output: Output, { plan }: RunOptions, names: readonly string[], done: string, none: string): void {
  if (names.length === 0) output.text(none);
  else if (plan) names.forEach((name) => output.text(`would be ${done}: ${name}`));
  else output.text(`${names.length} migration(s) ${done}.`);
  output.emit({ event: plan ? 'plan' : 'done', names });
}

function checkCode(statuses: readonly MigrationStatus[]): number {
  const states = new Set(statuses.map(({ state }) => state));
  if (states.has('interrupted')) return EXIT.partial;
  if (states.has('edited') || states.has('missing') || states.has('out-of-order')) return EXIT.history;
  return states.has('pending') ? EXIT.pending : 0;
}
