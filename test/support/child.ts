import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');

/** How a process ended and what it wrote. */
export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of the project's own code, run from the sources. */
export interface Child {
  readonly process: ChildProcess;
  /** The first line it writes to stdout. Rejects with its stderr when it ends without one. */
  firstLine(): Promise<string>;
  /** Resolves when it has ended. */
  ended(): Promise<ChildResult>;
}

/**
 * Starts `node script arguments`.
 * @param env Replaces every DB_ variable of this process.
 */
export function startChild(script: string, args: readonly string[], options: SpawnOptions = {}): Child {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(DB_|DATABASE_URL|NODE_ENV|JEST)/.test(name));
  const child = spawn(process.execPath, ['-r', '@swc-node/register', join(ROOT, script), ...args], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...options,
    env: { ...Object.fromEntries(inherited), ...options.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code, signal]): ChildResult => ({ code, signal, stdout, stderr }));
  return {
    process: child,
    ended: () => ended,
    firstLine: async () => {
      while (!stdout.includes('\n')) {
        const over = await Promise.race([
          once(child.stdout as NodeJS.ReadableStream, 'data').then(() => false),
          ended.then(() => true),
        ]);
        if (over && !stdout.includes('\n')) throw new Error(`The process ended without a line: ${stderr}`);
      }
      return stdout.slice(0, stdout.indexOf('\n'));
    },
  };
}

/** Runs the command line of this package to its end. */
export function runCli(args: readonly string[], options: SpawnOptions = {}): Promise<ChildResult> {
  const child = startChild('src/cli.ts', args, options);
  child.process.stdin?.end();
  return child.ended();
}
