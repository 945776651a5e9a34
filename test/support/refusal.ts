import { inspect } from 'node:util';
import { DatabaseError } from '../../src';

/** The library's error that `work` throws. Fails when there is none, or another one. */
export function refusalOf(work: () => unknown): DatabaseError {
  try {
    work();
  } catch (error) {
    return coded(error);
  }
  throw new Error('Nothing was refused');
}

/** The library's error that `promise` rejects with. Fails when there is none, or another one. */
export async function rejectionOf(promise: Promise<unknown>): Promise<DatabaseError> {
  try {
    await promise;
  } catch (error) {
    return coded(error);
  }
  throw new Error('Nothing was refused');
}

/** Everything of an error that a log, an answer or a debugger could show: message, hint, stack, fields, causes. */
export function everythingOf(error: unknown): string {
  const parts: string[] = [];
  for (
    let at: unknown = error, depth = 0;
    at !== undefined && depth < 10;
    at = (at as { cause?: unknown }).cause, depth += 1
  ) {
    parts.push(String(at), (at as Error).stack ?? '', JSON.stringify(at), inspect(at, { depth: 10, showHidden: true }));
  }
  return parts.join('\n');
}

function coded(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  throw new Error('Something else than the library refused', { cause: error });
}
