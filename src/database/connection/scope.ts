import { Transaction } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import { ambient } from '../context/ambient';
import type { ExecutionContext } from '../context/execution-context';
import {
  NestedScopeActiveError,
  TransactionOptionsError,
  TransactionOutcomeUnknownError,
  TransactionScopeClosedError,
  UnawaitedWorkError,
  UnexpectedRollbackError,
} from '../transaction.errors';
import type { PooledClient } from './connections';
import { mapError } from './error-mapper';
import { PhysicalTransaction } from './physical-transaction';
import type { BeginOptions } from './session-settings';
import type { Statement, StatementResult } from './statement';

/** How a unit of work stands. `finishing`: the callback returned, beforeCommit hooks may still run statements. */
export type ScopeState = 'active' | 'finishing' | 'committing' | 'committed' | 'rolled back' | 'unknown';

export type CompletionStatus = Extract<ScopeState, 'committed' | 'rolled back' | 'unknown'>;

/** Work that hangs on the outcome of a unit of work. */
export class ScopeHooks {
  readonly beforeCommit: (() => unknown)[] = [];
  readonly afterCommit: (() => unknown)[] = [];
  readonly afterRollback: ((error: unknown) => unknown)[] = [];
  readonly afterCompletion: ((status: CompletionStatus) => unknown)[] = [];

  /** Hooks of a savepoint belong to the outer unit once it is released. */
  hoistTo(outer: ScopeHooks): void {
    outer.beforeCommit.push(...this.beforeCommit);
    outer.afterCommit.push(...this.afterCommit);
    outer.afterRollback.push(...this.afterRollback);
    outer.afterCompletion.push(...this.afterCompletion);
  }
}

/** What Sequelize is given as its transaction; only the scope may commit it. */
export class ScopeTransaction extends Transaction {
  constructor(
    sequelize: Sequelize,
    readonly scope: Scope,
  ) {
    super(sequelize, {});
  }

  override commit(): Promise<void> {
    return Promise.reject(
      new TransactionOptionsError(
        'A unit of work commits itself',
        'Return from its callback instead of calling commit.',
      ),
    );
  }

  override rollback(): Promise<void> {
    this.scope.markRollbackOnly(
      new TransactionOptionsError('rollback() was called', 'Throw to roll back a unit of work.'),
    );
    return Promise.resolve();
  }

  override afterCommit(fn: (transaction: this) => void | Promise<void>): void {
    this.scope.hooks.afterCommit.push(() => fn(this));
  }
}

/**
 * One unit of work on one Sequelize instance: the state, the statements under way, and what they share. A scope with
 * a parent is a savepoint in the parent's transaction.
 */
export class Scope {
  state: ScopeState = 'active';
  readonly hooks = new ScopeHooks();
  /** The object that Sequelize's own calls run on. */
  readonly transaction: ScopeTransaction;
  private readonly physical: PhysicalTransaction;
  /** This unit and those it is nested in. */
  private readonly lineage: readonly Scope[];
  /** Statements on the wire, those of nested units included. */
  private readonly running = new Set<Promise<unknown>>();
  /** What waits for the end of the tick, to be sent together with more of its kind. */
  private readonly held = new Set<() => void>();
  /** Inner units, joined or nested, that have not settled. */
  private units = 0;
  /** First error of a statement: what a commit that turns out a rollback is put down to. */
  private failure?: { readonly error: unknown };
  private rollbackCause?: { readonly error: unknown };
  private child?: Scope;
  private nesting: Promise<unknown> = Promise.resolve();
  private savepoints = 0;
  private savepoint?: string;

  constructor(
    readonly sequelize: Sequelize,
    readonly context: ExecutionContext | undefined,
    readonly options: BeginOptions,
    prepared: boolean,
    readonly parent?: Scope,
  ) {
    this.physical = parent ? parent.physical : new PhysicalTransaction(sequelize, context, options, prepared);
    this.lineage = [this, ...(parent?.lineage ?? [])];
    this.transaction = new ScopeTransaction(sequelize, this);
  }

  /** True when nothing can change the outcome any more. */
  get settled(): boolean {
    return this.state === 'committed' || this.state === 'rolled back' || this.state === 'unknown';
  }

  /** @throws TransactionScopeClosedError when the unit has settled; NestedScopeActiveError while a nested one is open. */
  assertOpen(): void {
    // A nested unit cannot outlive the unit it is part of.
    for (const scope of this.lineage) {
      if (scope.state !== 'active' && scope.state !== 'finishing') throw new TransactionScopeClosedError(scope.state);
    }
    if (this.child) throw new NestedScopeActiveError();
  }

  /** Runs statements inside the unit, in one flight. Rejects, never throws. */
  async send(statements: readonly Statement[], context?: ExecutionContext): Promise<StatementResult[]> {
    return this.track(() => this.physical.send(statements, context));
  }

  /** Runs Sequelize's own work on the unit's connection. Rejects, never throws. */
  async runOnConnection<T>(work: (transaction: ScopeTransaction) => Promise<T>): Promise<T> {
    return this.track(async () => {
      const client = await this.physical.connection(ambient().context);
      Object.assign(this.transaction, { connection: client satisfies PooledClient });
      return work(this.transaction);
    });
  }

  /**
   * Counts work as running that is sent a little later: when the answer of this is called, or right before the next
   * statement, so that statements keep the order of their calls.
   * @param send Sends the work on this unit before it returns. Called once.
   * @throws TransactionScopeClosedError, NestedScopeActiveError
   */
  hold(send: () => void): () => void {
    this.assertOpen();
    let sent!: () => void;
    const waiting = new Promise<void>((resolve) => {
      sent = resolve;
    });
    for (const scope of this.lineage) scope.running.add(waiting);
    const sendOnce = (): void => {
      if (!this.held.delete(sendOnce)) return;
      send();
      for (const scope of this.lineage) scope.running.delete(waiting);
      sent();
    };
    this.held.add(sendOnce);
    return sendOnce;
  }

  /** From now on the unit can only roll back; `error` becomes the cause that the caller is told. */
  markRollbackOnly(error: unknown): void {
    this.rollbackCause ??= { error };
  }

  /** Runs an inner unit, which must settle before this one does. */
  async host<T>(unit: () => Promise<T>): Promise<T> {
    this.units += 1;
    try {
      return await unit();
    } finally {
      this.units -= 1;
    }
  }

  /**
   * Opens a savepoint; siblings queue, and this unit takes no statements until it settles.
   * @param afterwards Runs when this unit takes statements again, and before the next sibling.
   */
  nest<T>(work: (nested: Scope) => Promise<T>, afterwards: (nested: Scope) => Promise<void>): Promise<T> {
    const turn = this.nesting.then(async () => {
      this.assertOpen();
      await this.drain();
      const nested = new Scope(this.sequelize, this.context, this.options, false, this);
      nested.savepoint = `unit_${this.nextSavepoint()}`;
      this.child = nested;
      try {
        await this.physical.control(`SAVEPOINT ${nested.savepoint}`);
        return await work(nested);
      } finally {
        this.child = undefined;
        await afterwards(nested);
      }
    });
    this.nesting = turn.catch(() => undefined);
    return this.host(() => turn);
  }

  /** The callback has returned: statements of beforeCommit hooks may still come. */
  finish(): void {
    this.refuseUnawaited();
    this.state = 'finishing';
  }

  /**
   * Commits, or releases the savepoint. Afterwards the unit has settled, unless it throws UnawaitedWorkError.
   * @throws UnawaitedWorkError when something of the unit still runs.
   * @throws UnexpectedRollbackError when the unit could only roll back.
   * @throws TransactionOutcomeUnknownError when the connection was lost during COMMIT.
   */
  async commit(): Promise<void> {
    this.refuseUnawaited();
    this.state = 'committing';
    if (this.rollbackCause) {
      await this.rollback();
      throw new UnexpectedRollbackError(this.rollbackCause.error);
    }
    if (this.savepoint) return this.release(this.savepoint);
    try {
      await this.physical.commit();
      this.state = 'committed';
    } catch (error) {
      this.state = error instanceof TransactionOutcomeUnknownError ? 'unknown' : 'rolled back';
      throw this.explained(error);
    }
  }

  /** Refuses new statements, waits for those under way, and rolls back. Never throws. */
  async rollback(): Promise<void> {
    this.state = 'rolled back';
    await this.drain();
    if (!this.savepoint) return this.physical.rollback();
    try {
      await this.physical.control(`ROLLBACK TO SAVEPOINT ${this.savepoint}`);
      await this.physical.control(`RELEASE SAVEPOINT ${this.savepoint}`);
    } catch (error) {
      this.parent!.markRollbackOnly(error);
    }
  }

  /** Gives the unit up without waiting for anything: the connection is closed and the server rolls back. */
  abandon(): void {
    this.state = 'rolled back';
    this.physical.discard();
  }

  private async release(savepoint: string): Promise<void> {
    try {
      await this.physical.control(`RELEASE SAVEPOINT ${savepoint}`);
    } catch (error) {
      await this.rollback();
      throw new UnexpectedRollbackError(this.failure ? mapError(this.failure.error) : error);
    }
    this.hooks.hoistTo(this.parent!.hooks);
    this.state = 'committed';
  }

  private explained(error: unknown): unknown {
    const unexplained = error instanceof UnexpectedRollbackError && error.cause === undefined && this.failure;
    return unexplained ? new UnexpectedRollbackError(mapError(unexplained.error)) : error;
  }

  /** @throws UnawaitedWorkError: half of what still runs must not be committed. */
  private refuseUnawaited(): void {
    const unawaited = this.running.size + this.units;
    if (unawaited > 0) throw new UnawaitedWorkError(unawaited);
  }

  private async track<T>(work: () => Promise<T>): Promise<T> {
    this.assertOpen();
    for (const send of this.held) send();
    const promise = work();
    for (const scope of this.lineage) scope.running.add(promise);
    try {
      return await promise;
    } catch (error) {
      this.failure ??= { error };
      throw error;
    } finally {
      for (const scope of this.lineage) scope.running.delete(promise);
    }
  }

  private async drain(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled(this.running);
  }

  private nextSavepoint(): number {
    // Numbered by the root: a name used twice would roll back the wrong level.
    return this.parent ? this.parent.nextSavepoint() : ++this.savepoints;
  }
}

/** The unit of work that the current chain of calls runs in, on this Sequelize instance. */
export function currentScope(sequelize: Sequelize): Scope | undefined {
  return ambient().scopes.get(sequelize) as Scope | undefined;
}
