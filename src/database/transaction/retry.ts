import { setTimeout as sleep } from 'node:timers/promises';
import type { Scope } from '../connection/scope/scope';
import { ConflictError, DeadlockError, UnavailableError } from '../database.errors';
import { TransactionOutcomeUnknownError } from '../transaction.errors';
import { refuseAborted } from './time-limit';
import type { TransactionOptions } from './unit-of-work.interface';

const DEFAULT_ATTEMPTS = 3;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;
/** Errors wrap errors; nobody wraps deeper than this. */
const MAX_DEPTH = 10;

/** Errors that a unit has given up on: a unit around it does not start the same again. */
const givenUp = new WeakSet<object>();

/** Errors of the application that a conflict inside a savepoint led to. */
const blamed = new WeakSet<object>();

/** Notes that a conflict with another transaction is behind an error that may not tell so. */
export function blameConflict(error: unknown): void {
  if (typeof error === 'object' && error !== null) blamed.add(error);
}

/** How often an outermost unit may run its callback, and after what. */
export class Retry {
  private readonly attempts: number;
  private readonly conflicts: boolean;
  private readonly idempotent: boolean;

  constructor({ retry, idempotent = false }: TransactionOptions) {
    this.attempts = retry === false ? 1 : (retry?.attempts ?? DEFAULT_ATTEMPTS);
    this.conflicts = retry !== false && retry?.conflicts === true;
    this.idempotent = idempotent;
  }

  /**
   * Waits until the next attempt may begin: full jitter, so that units which met do not meet again.
   * @param deadline On the clock of `performance.now()`.
   * @throws The error itself where nothing is to be repeated; TransactionAbortedError when the signal fires.
   */
  async afterFailure(error: unknown, scope: Scope, deadline: number, signal: AbortSignal | undefined): Promise<void> {
    const waitMs = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (scope.attempt - 1));
    const inTime = performance.now() + waitMs < deadline;
    if (scope.attempt >= this.attempts || !inTime || !this.isTransient(error, scope)) {
      if (typeof error === 'object' && error !== null) givenUp.add(error);
      throw error;
    }
    refuseAborted(signal);
    try {
      await sleep(waitMs, undefined, signal ? { signal } : {});
    } finally {
      refuseAborted(signal);
    }
  }

  private isTransient(error: unknown, scope: Scope): boolean {
    const chain = causesOf(error);
    if (chain.some((cause) => givenUp.has(cause))) return false;
    const isOne = (...kinds: readonly (abstract new (...args: never[]) => object)[]): boolean =>
      chain.some((cause) => kinds.some((kind) => cause instanceof kind));
    if (this.idempotent && isOne(TransactionOutcomeUnknownError, UnavailableError)) return true;
    if (scope.state !== 'rolled back' || isOne(TransactionOutcomeUnknownError)) return false;
    if (scope.reasons.metConflict || chain.some((cause) => blamed.has(cause))) return true;
    return isOne(DeadlockError) || (this.conflicts && isOne(ConflictError));
  }
}

/** The error and what it is put down to. */
function causesOf(error: unknown): readonly object[] {
  const chain: object[] = [];
  let next = error;
  while (typeof next === 'object' && next !== null && chain.length < MAX_DEPTH) {
    chain.push(next);
    next = (next as { cause?: unknown }).cause;
  }
  return chain;
}
