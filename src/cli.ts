#!/usr/bin/env node
import 'reflect-metadata';
import { CommanderError } from 'commander';
import { exitCodeOf } from './cli/exit-code';
import { createProgram, outputOf } from './cli/program';

// Whoever reads the output may stop early, as head does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

/** Runs one command. The exit code says how it ended; the list is in the help. */
async function main(): Promise<void> {
  const program = createProgram();
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    const output = outputOf(program);
    if (!(error instanceof CommanderError)) output.error(error);
    // commander has printed its own message, for people.
    else if (error.exitCode !== 0) output.emit({ event: 'error', code: 'USAGE', message: error.message });
  }
}

void main();
