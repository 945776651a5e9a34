import { Command } from 'commander';
import { addMigrationCommands } from './migration-commands';
import { Output } from './output';
import { addSeedCommands } from './seed-command';
import { addServerCommands } from './server-commands';

/** All commands of `phi-db`. Wrong usage throws a CommanderError, anything else the error of the command. */
export function createProgram(): Command {
  const program = new Command('phi-db')
    .description('Runs the database around the application: migrations, seeds and the embedded server.')
    .option('--json', 'results as one JSON object a line on stdout; text for people goes to stderr')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('Add --help for the options and examples.')
    .exitOverride()
    .addHelpText(
      'after',
      `
Without DB_HOST and DATABASE_URL the embedded PostgreSQL is used (DB_EMBEDDED_DIR, default .data).
Exit codes: 0 ok, 1 defect, 2 usage or configuration, 3 pending, 5 history mismatch, 7 failed and rolled back,
8 partial, 11 refused, 75 locked by another process.`,
    );
  const output = (): Output => outputOf(program);
  addMigrationCommands(program, output);
  addSeedCommands(program, output);
  addServerCommands(program, output);
  return program;
}

/** The output that the options ask for. */
export function outputOf(program: Command): Output {
  return new Output(program.opts<{ json?: boolean }>().json === true);
}
