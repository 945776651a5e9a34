#!/usr/bin/env node
import 'reflect-metadata';
import { Command } from 'commander';
import { exitCodeOf } from './cli/exit-code';
import { addMigrationCommands } from './cli/migration-commands';
import { Output } from './cli/output';
import { addSeedCommands } from './cli/seed-command';
import { addServerCommands } from './cli/server-commands';

// Whoever reads the output may stop early, as head does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

/** Runs one command. The exit code says how it ended; the list is in the help. */
async function main(): Promise<void> {
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
  const output = (): Output => new Output(program.opts<{ json?: boolean }>().json === true);
  addMigrationCommands(program, output);
  addSeedCommands(program, output);
  addServerCommands(program, output);
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    // commander has printed its own message.
    if (!(error instanceof Error && 'exitCode' in error)) output().error(error);
  }
}

void main();
