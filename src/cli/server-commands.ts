import type { Command } from 'commander';
import { ConfigurationError } from '../database/database.errors';
import { readOptions } from '../database/database.options';
import {
  resetEmbeddedPostgres,
  startEmbeddedPostgres,
  stopEmbeddedPostgres,
} from '../database/embedded/embedded-postgres';
import { CommandRefusedError } from './command.errors';
import type { Output } from './output';

/** Adds start, stop and reset of the embedded server. */
export function addServerCommands(program: Command, output: () => Output): void {
  program
    .command('start')
    .alias('db:start')
    .description('start the embedded PostgreSQL in the background')
    .addHelpText('after', '\nExample:\n  phi-db start')
    .action(async () => {
      const dir = embeddedFolder();
      const server = await startEmbeddedPostgres({ dir, background: true });
      const { host, port, database, appUser, pid } = server;
      output().text(
        `${server.started ? 'Started' : 'Already running'}: ${host}:${port}, database ${database}, process ${pid}.`,
      );
      output().text(
        `Log in as ${appUser}, phi_migrator or postgres; passwords in ${dir}/credentials.json. db:stop ends it.`,
      );
      output().emit({
        event: 'started',
        host,
        port,
        database,
        username: appUser,
        pid,
        alreadyRunning: !server.started,
      });
    });
  program
    .command('stop')
    .alias('db:stop')
    .description('stop the embedded PostgreSQL, whoever started it')
    .addHelpText('after', '\nExample:\n  phi-db stop')
    .action(async () => {
      const stopped = await stopEmbeddedPostgres(embeddedFolder());
      output().text(stopped ? 'Stopped.' : 'It was not running.');
      output().emit({ event: 'stopped', wasRunning: stopped });
    });
  program
    .command('reset')
    .alias('db:reset')
    .description('stop the embedded PostgreSQL and delete its data')
    .option('--yes', 'really delete')
    .addHelpText('after', '\nExample:\n  phi-db reset --yes')
    .action(async ({ yes }: { yes?: boolean }) => {
      const dir = embeddedFolder();
      if (!yes) {
        throw new CommandRefusedError(
          `All data of the embedded server in ${dir} would be deleted`,
          'Run db:reset -- --yes to do it.',
        );
      }
      await resetEmbeddedPostgres(dir);
      output().text(`The embedded server in ${dir} is gone. The next start makes a new one.`);
      output().emit({ event: 'reset', dir });
    });
}

function embeddedFolder(): string {
  const { embedded } = readOptions(process.env);
  if (embedded.enabled) return embedded.dir;
  throw new ConfigurationError(
    'DB_HOST or DATABASE_URL names another server, so this command, which is for the embedded one, does nothing',
    'Unset them first.',
  );
}
