import { Inject } from '@nestjs/common';
import type { CompletionStatus } from '../connection/scope';
import type { IsolationLevel } from '../connection/session-settings';
import type { ExecutionContext } from '../context/execution-context';

/** Token of the unit of work (003-03). */
export const UNIT_OF_WORK = 'IUnitOfWork';

/** `@Inject('IUnitOfWork')`. */
export const InjectUnitOfWork = (): ParameterDecorator & PropertyDecorator => Inject(UNIT_OF_WORK);

/** REQUIRED joins the open unit or begins one; NESTED is a savepoint inside it. */
export type Propagation = 'REQUIRED' | 'NESTED';

/** How a unit of work runs. Times in ms. */
export interface TransactionOptions {
  /** Default REQUIRED. */
  readonly propagation?: Propagation;
  /** Default: what the server is set to, usually READ COMMITTED. */
  readonly isolation?: IsolationLevel;
  /** True: the server refuses every write (25006). */
  readonly readOnly?: boolean;
  /** For the whole unit, default 30,000. */
  readonly timeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
}

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
   * @throws TimeoutError after `timeoutMs`: nothing was stored.
   */
  executeInTransaction<T>(
    fn: (uow: IUnitOfWork) => Promise<T>,
    context?: ExecutionContext,
    options?: TransactionOptions,
  ): Promise<T>;
  /** Runs `fn` detached from the open unit: what it writes stays, whatever becomes of the unit. */
  runOutsideTransaction<T>(fn: () => T): T;
  isInTransaction(): boolean;
  /** The hook may write; a throw rolls the unit back. */
  beforeCommit(hook: () => unknown): void;
  /** Runs after the commit, in order, outside the unit. A throw is reported and changes nothing. */
  afterCommit(hook: () => unknown): void;
  afterRollback(hook: (error: unknown) => unknown): void;
  afterCompletion(hook: (status: CompletionStatus) => unknown): void;
}
