import { inspect } from 'node:util';
import { Logger, type LoggerService } from '@nestjs/common';

/** Everything that the process would have shown to somebody. */
export interface CapturedOutput {
  /** All lines so far. */
  text(): string;
  /** Gives the outputs back. */
  stop(): void;
}

/** Collects what goes to Nest's logger, at every level, to the console and to the process's streams. */
export function captureOutput(): CapturedOutput {
  const lines: string[] = [];
  const note = (...parts: unknown[]): void => {
    lines.push(parts.map((part) => (typeof part === 'string' ? part : inspect(part, { depth: 10 }))).join(' '));
  };
  const collector: LoggerService = { log: note, error: note, warn: note, debug: note, verbose: note, fatal: note };
  Logger.overrideLogger(collector);
  const spies = [
    ...(['log', 'info', 'warn', 'error', 'debug', 'trace'] as const).map((method) =>
      jest.spyOn(console, method).mockImplementation(note),
    ),
    ...[process.stdout, process.stderr].map((stream) =>
      jest.spyOn(stream, 'write').mockImplementation((chunk: unknown) => {
        note(String(chunk));
        return true;
      }),
    ),
  ];
  return {
    text: () => lines.join('\n'),
    stop: () => {
      spies.forEach((spy) => spy.mockRestore());
      Logger.overrideLogger(['fatal']);
    },
  };
}
