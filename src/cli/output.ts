import { SingleBar } from 'cli-progress';
import { DatabaseError } from '../database/database.errors';
import type { SeedProgress } from '../database/seeding/define-seed';

/**
 * Writes results: text for people, and with `--json` one JSON object a line on stdout, where people's text moves to
 * stderr.
 */
export class Output {
  constructor(private readonly json: boolean) {}

  /** A result for people. */
  text(line: string): void {
    (this.json ? process.stderr : process.stdout).write(`${line}\n`);
  }

  /** What is going on; never part of a result. */
  note(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** A result for programs. */
  emit(record: Readonly<Record<string, unknown>>): void {
    if (this.json) process.stdout.write(`${JSON.stringify(record)}\n`);
  }

  /** What happened and what to do next. Errors of other kinds are defects: those show their stack. */
  error(error: unknown): void {
    const known = error instanceof DatabaseError ? error : undefined;
    const unexpected = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.note(`${red(known ? known.code : 'Unexpected error')}: ${known ? known.message : unexpected}`);
    if (known) this.note(known.hint);
    this.emit({
      event: 'error',
      code: known?.code ?? 'UNEXPECTED',
      message: error instanceof Error ? error.message : String(error),
      ...(known ? { hint: known.hint } : {}),
      ...(known?.sqlState ? { sqlState: known.sqlState } : {}),
    });
  }

  /** A bar on stderr where a person watches; elsewhere one line at the end. */
  progress(total: number, label: string): SeedProgress {
    let count = 0;
    const bar = process.stderr.isTTY
      ? new SingleBar({
          format: `${label} {bar} {value}/{total} {percentage}% eta {eta_formatted}`,
          hideCursor: true,
          stream: process.stderr,
        })
      : undefined;
    bar?.start(total, 0);
    return {
      advance: (by = 1) => {
        count += by;
        bar?.update(count);
      },
      done: () => {
        bar?.stop();
        if (!bar) this.note(`${label}: ${count}/${total}`);
      },
    };
  }
}

/** Colour only where a terminal shows it and nobody asked for none (no-color.org). */
function red(text: string): string {
  return process.stderr.isTTY && !process.env.NO_COLOR ? `\u001B[31m${text}\u001B[39m` : text;
}
