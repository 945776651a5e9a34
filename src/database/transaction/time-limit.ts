import { TimeoutError } from '../database.errors';
import { TransactionAbortedError } from '../transaction.errors';

/** What ends a unit of work from outside. */
export interface Limits {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** @throws TransactionAbortedError when the signal has fired. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new TransactionAbortedError(signal.reason);
}

/**
 * Runs `work` until it settles, takes longer than it may, or the signal fires.
 * @param giveUp Told the error right before the caller is.
 */
export async function withinLimits<T>(
  { timeoutMs, signal }: Limits,
  giveUp: (error: unknown) => void,
  work: () => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined && !signal) return work();
  refuseAborted(signal);
  let end!: (error: unknown) => void;
  const ended = new Promise<never>((_, reject) => {
    end = (error) => {
      giveUp(error);
      reject(error);
    };
  });
  const abort = (): void => end(new TransactionAbortedError(signal!.reason));
  const expire = (): void =>
    end(new TimeoutError('The unit of work took too long and was rolled back', 'Shorten it, or raise timeoutMs.'));
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, Math.max(0, timeoutMs));
  // After a shutdown no unit keeps the process alive; until then its connection does.
  timer?.unref();
  const forget = signal && whenAborted(signal, abort);
  try {
    return await Promise.race([work(), ended]);
  } finally {
    clearTimeout(timer);
    forget?.();
  }
}

/** What each signal ends, in one listener: Node takes more than ten for a leak, and warns. */
const ends = new WeakMap<AbortSignal, { readonly all: Set<() => void>; readonly listener: () => void }>();

/** @returns What takes `end` back; the last one takes the listener along. */
function whenAborted(signal: AbortSignal, end: () => void): () => void {
  let entry = ends.get(signal);
  if (!entry) {
    const all = new Set<() => void>();
    entry = { all, listener: () => all.forEach((each) => each()) };
    ends.set(signal, entry);
    signal.addEventListener('abort', entry.listener, { once: true });
  }
  const { all, listener } = entry;
  all.add(end);
  return () => {
    if (!all.delete(end) || all.size > 0) return;
    signal.removeEventListener('abort', listener);
    ends.delete(signal);
  };
}
