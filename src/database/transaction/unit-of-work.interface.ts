import { Inject } from '@nestjs/common';
import type { CompletionStatus } from '../connection/scope/scope-hooks';
import type { IsolationLevel } from '../connection/session-settings';
import type { ExecutionContext } from '../context/execution-context';
import { getDataSourceToken } from './data-source-token';

/** Token of the unit of work (003-03). */
export const UNIT_OF_WORK = 'IUnitOfWork';

/** `@Inject('IUnitOfWork')`, or the unit of work of the data source named. */
export const InjectUnitOfWork = (dataSource?: string): ParameterDecorator & PropertyDecorator =>
  Inject(getDataSourceToken(UNIT_OF_WORK, dataSource));

/**
 * What a unit of work does about the one that is open already (the seven of Spring's TransactionDefinition):
 * REQUIRED joins it, or begins one · REQUIRES_NEW suspends it and begins another on a connection of its own · NESTED is
 * a savepoint inside it, or begins one · SUPPORTS joins it, or runs without a unit · NOT_SUPPORTED suspends it and runs
 * without a unit · MANDATORY joins it, and refuses without one · NEVER refuses with one.
 */
export type Propagation = 'REQUIRED' | 'REQUIRES_NEW' | 'NESTED' | 'SUPPORTS' | 'NOT_SUPPORTED' | 'MANDATORY' | 'NEVER';

/** How often, and after what, the whole callback is run again in a fresh transaction. Root units only. */
export interface RetryOptions {
  /** Attempts in all, 1 to 10; default 3. */
  readonly attempts?: number;
  /** True: a ConflictError of optimistic locking is retried, too. */
  readonly conflicts?: boolean;
}

/** How a unit of work runs. Times in ms. */
export interface TransactionOptions {
  /** Default REQUIRED. */
  readonly propagation?: Propagation;
  /** Default: what the server is set to, usually READ COMMITTED. */
  readonly isolation?: IsolationLevel;
  /** True: the server refuses every write (25006). */
  readonly readOnly?: boolean;
  /** For the whole unit, its attempts and the waits between them included; default 30,000. */
  readonly timeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  /** Serialisation failures (40001) and deadlocks (40P01) are retried: 3 attempts unless told otherwise; false: one. */
  readonly retry?: RetryOptions | false;
  /** True: repeating the callback is harmless even if it was stored, so that an unknown outcome is retried, too. */
  readonly idempotent?: boolean;
  /**
   * Name of the data source, where the application has several; default: the one that was injected. A unit on one is no
   * part of a unit on another: there is no two-phase commit.
   */
  readonly dataSource?: string;
  /** Aborts the unit: it is rolled back, and what it sends later is refused. */
  readonly signal?: AbortSignal;
}

/** What became of a transaction whose COMMIT was not answered (`pg_xact_status`). */
export type TransactionOutcome = 'committed' | 'rolled back' | 'in progress' | 'unknown';

/** Several writes as one: all of them are stored, or none. */
export interface IUnitOfWork {
  /**
   * Runs `fn` in a transaction. Repository calls inside join it without being passed anything; it commits when `fn`
   * returns and rolls back when `fn` throws.
   * @param fn Awaits everything it starts; what still runs when it returns rolls the unit back.
   * @param context Who acts; default: the ambient context.
   * @throws UnexpectedRollbackError when a failure inside was caught and ignored: nothing was stored.
   * @throws UnawaitedWorkError when `fn` returned while statements were running: nothing was stored.
   * @throws TransactionOutcomeUnknownError when the connection was lost during COMMIT.
   * @throws TimeoutError after `timeoutMs`, TransactionAbortedError when `signal` fired: nothing was stored.
   * @throws PropagationError when MANDATORY found no unit or NEVER found one: `fn` was not run.
   * @throws PoolSelfDeadlockError when a connection could never become free: nothing was stored.
   */
  executeInTransaction<T>(
    fn: (uow: IUnitOfWork) => Promise<T>,
    context?: ExecutionContext,
    options?: TransactionOptions,
  ): Promise<T>;
  /** Runs `fn` detached from the open unit: what it writes stays, whatever becomes of the unit. */
  runOutsideTransaction<T>(fn: () => T): T;
  isInTransaction(): boolean;
  /** Which attempt of the current unit this is, from 1; 0 outside a unit. */
  readonly attempt: number;
  /** Asks the server what became of a transaction, by the id of a TransactionOutcomeUnknownError. */
  outcomeOf(transactionId: string): Promise<TransactionOutcome>;
  /** The hook may write; a throw rolls the unit back. */
  beforeCommit(hook: () => unknown): void;
  /** Runs after the commit, in order, outside the unit. A throw is reported and changes nothing. */
  afterCommit(hook: () => unknown): void;
  afterRollback(hook: (error: unknown) => unknown): void;
  afterCompletion(hook: (status: CompletionStatus) => unknown): void;
}
