import type { Sequelize } from 'sequelize-typescript';
import { ambient } from '../../context/ambient';
import type { ExecutionContext } from '../../context/execution-context';
import {
  NestedScopeActiveError,
  TransactionOutcomeUnknownError,
  TransactionScopeClosedError,
  UnexpectedRollbackError,
} from '../../transaction.errors';
import { Acting } from './acting';
import type { PooledClient } from '../connections';
import { RollbackReasons } from './rollback-reasons';
import { PhysicalTransaction } from './physical-transaction';
import { type Holder, placeOf } from './place';
import { isWrite, readOnlyUnit, readsOnly } from '../read-only';
import { Savepoint } from './savepoint';
import { ScopeHooks, type ScopeState } from './scope-hooks';
import { ScopeTransaction } from './scope-transaction';
import type { ScopeSetup } from './scope-setup';
import type { BeginOptions } from '../session-settings';
import type { Statement, StatementResult } from '../statement';
import { Turns } from './turns';
import { WorkUnderWay } from './work-under-way';

/**
 * One unit of work on one Sequelize instance: the state, the statements under way, and what they share. A scope with
 * a parent is a savepoint in the parent's transaction.
 */
export class Scope implements Holder {
  state: ScopeState = 'active';
  readonly hooks = new ScopeHooks();
  /** Why a commit could only turn out a rollback. */
  readonly reasons = new RollbackReasons();
  readonly options: BeginOptions;
  readonly attempt: number;
  /** The outermost unit, whose transaction this is. */
  readonly root: Scope;
  /** The object that Sequelize's own calls run on. */
  readonly transaction: ScopeTransaction<Scope>;
  private readonly physical: PhysicalTransaction;
  private readonly acting: Acting;
  /** This unit and those it is nested in. */
  readonly lineage: readonly Scope[];
  private readonly work: WorkUnderWay;
  private child?: Scope;
  private readonly turns = new Turns();
  private readonly savepoint?: Savepoint;
  private savepoints = 0;

  constructor(
    readonly sequelize: Sequelize,
    private readonly setup: ScopeSetup,
    readonly parent?: Scope,
    /** True: the savepoint stands for a transaction, with outcome, hooks and tenant of its own. */
    private readonly standsAlone = parent === undefined,
  ) {
    const whole = standsAlone ? undefined : parent;
    this.options = setup.options ?? {};
    this.attempt = whole?.attempt ?? setup.attempt ?? 1;
    this.root = whole?.root ?? this;
    this.physical =
      parent?.physical ?? new PhysicalTransaction(sequelize, this.options, setup.prepared, setup.audited === true);
    this.acting = whole?.acting ?? new Acting(setup.context);
    if (parent) this.savepoint = new Savepoint(parent.nextSavepoint(), standsAlone);
    this.lineage = [this, ...(parent?.lineage ?? [])];
    this.work = new WorkUnderWay((parent?.lineage ?? []).map(({ work }) => work));
    this.transaction = new ScopeTransaction(sequelize, this);
  }

  /** The context of the transaction, once it is known. */
  get context(): ExecutionContext | undefined {
    return this.acting.context;
  }

  /** Nothing can change the outcome any more. */
  get settled(): boolean {
    return this.state === 'committed' || this.state === 'rolled back' || this.state === 'unknown';
  }

  get holdsConnection(): boolean {
    return this.physical.holdsConnection;
  }

  /** Full id of the transaction; undefined while it has written nothing. */
  get transactionId(): string | undefined {
    return this.physical.transactionId;
  }

  /** True when the current chain of calls may send statements here. */
  get isOpen(): boolean {
    return this.closed === undefined;
  }

  /** @throws TransactionScopeClosedError when the unit has settled; NestedScopeActiveError while a nested one is open. */
  assertOpen(): void {
    this.assertUnsettled();
    if (this.child) throw new NestedScopeActiveError();
  }

  /** @throws TransactionScopeClosedError when the unit has settled. */
  assertUnsettled(): void {
    const { closed } = this;
    if (closed) throw new TransactionScopeClosedError(closed);
  }

  /** True where the current chain of calls may only read. */
  get refusesWrites(): boolean {
    return this.options.readOnly === true || this.readOnlyHere;
  }

  /** Runs statements inside the unit, in one flight. Rejects, never throws. */
  async send(statements: readonly Statement[], context?: ExecutionContext): Promise<StatementResult[]> {
    const write = this.readOnlyHere ? statements.find(isWrite) : undefined;
    if (write) throw readOnlyUnit(write.entity);
    return this.track(() => this.physical.send(statements, this.acting, context));
  }

  /** Runs one statement of Sequelize's own on the unit's connection. Rejects, never throws. */
  async runOnConnection<T>(sql: string, work: (transaction: ScopeTransaction) => Promise<T>): Promise<T> {
    const writes = !readsOnly(sql);
    if (writes && this.readOnlyHere) throw readOnlyUnit();
    return this.track(async () => {
      const client = await this.physical.connection(this.acting, ambient().context);
      // One for each statement: several may be under way, for several who act.
      const transaction = Object.create(this.transaction, {
        connection: { value: client satisfies PooledClient },
      }) as ScopeTransaction;
      try {
        return await work(transaction);
      } finally {
        if (writes) this.physical.noteWrite();
      }
    });
  }

  /** As `WorkUnderWay.hold`. @throws TransactionScopeClosedError, NestedScopeActiveError */
  hold(send: () => void): () => void {
    this.assertOpen();
    return this.work.hold(send);
  }

  /** From now on the unit can only roll back; `error` becomes the cause that the caller is told. */
  markRollbackOnly(error: unknown): void {
    this.reasons.noteCause(error);
  }

  /** Runs an inner unit, which must settle before this one does. */
  host<T>(unit: () => Promise<T>): Promise<T> {
    return this.work.host(unit);
  }

  /**
   * Opens a savepoint; siblings queue, and this unit takes no statements until it settles.
   * @param afterwards Runs when this unit takes statements again, and before the next sibling.
   * @param how `readOnly`: writes are refused until the savepoint ends. `standsFor`: it stands for that transaction.
   */
  nest<T>(
    work: (nested: Scope) => Promise<T>,
    afterwards: (nested: Scope) => Promise<void>,
    { readOnly = false, standsFor }: { readonly readOnly?: boolean; readonly standsFor?: ScopeSetup } = {},
  ): Promise<T> {
    const turn = this.turns.take(async () => {
      await this.work.drain();
      this.assertOpen();
      const options = readOnly ? { ...this.options, readOnly } : this.options;
      const setup = standsFor ?? { ...this.setup, options };
      const nested = new Scope(this.sequelize, setup, this, standsFor !== undefined);
      this.child = nested;
      try {
        await this.control(nested.savepoint!.begin(nested.options.readOnly === true && !this.options.readOnly));
        return await work(nested);
      } finally {
        this.child = undefined;
        await this.turns.ahead(() => afterwards(nested));
      }
    });
    return this.host(() => turn);
  }

  /** The callback has returned: statements of beforeCommit hooks may still come. */
  finish(): void {
    this.refuseEnd();
    this.state = 'finishing';
  }

  /**
   * Commits, or releases the savepoint. Afterwards the unit has settled, unless it throws UnawaitedWorkError.
   * @throws UnawaitedWorkError when something of the unit still runs.
   * @throws UnexpectedRollbackError when the unit could only roll back.
   * @throws TransactionOutcomeUnknownError when the connection was lost during COMMIT.
   */
  async commit(): Promise<void> {
    this.refuseEnd();
    this.state = 'committing';
    const { marked } = this.reasons;
    if (marked) {
      await this.rollback();
      throw marked;
    }
    if (this.savepoint) return this.release(this.savepoint.release);
    try {
      await this.physical.commit(this.acting);
      this.state = 'committed';
    } catch (error) {
      // A COMMIT that was cancelled before it began leaves the connection in the failed transaction.
      if (this.holdsConnection) await this.physical.rollback();
      this.state = error instanceof TransactionOutcomeUnknownError ? 'unknown' : 'rolled back';
      throw this.reasons.explain(error);
    }
  }

  /** Refuses new statements, waits for those under way, and rolls back. Never throws. */
  async rollback(): Promise<void> {
    this.state = 'rolled back';
    await this.work.drain();
    if (!this.savepoint) return this.physical.rollback();
    // The savepoint has gone with the outer one: naming it would end what is left of the transaction.
    if (this.isOrphan) return;
    try {
      await this.control(this.savepoint.rollback);
    } catch (error) {
      this.parent!.markRollbackOnly(error);
    }
  }

  /** Gives the whole transaction up without waiting: the connection is closed and the server rolls back. */
  abandon(error: unknown): void {
    const { root } = this;
    if (root.settled || root.state === 'committing') return;
    root.markRollbackOnly(error);
    // A savepoint that stands for a transaction is rolled back like any other, once nothing runs in it.
    root.state = root.savepoint ? 'committing' : 'rolled back';
    if (root.savepoint) this.physical.cancel();
    else this.physical.discard();
  }

  /** The state that keeps the current chain of calls from sending anything; undefined: nothing does. */
  private get closed(): ScopeState | undefined {
    // A nested unit cannot outlive the unit it is part of. While hooks run, what the callback left behind is late.
    return this.lineage.find(
      (scope) =>
        scope.state !== 'active' && !(scope.state === 'finishing' && placeOf(this.sequelize).hooksOf === scope.root),
    )?.state;
  }

  /** True when a unit that this one is nested in has ended before it. */
  private get isOrphan(): boolean {
    return this.lineage.some((scope) => scope !== this && scope.settled);
  }

  private get readOnlyHere(): boolean {
    return placeOf(this.sequelize).readOnlyIn === this.root;
  }

  private control(texts: readonly string[]): Promise<void> {
    return this.physical.control(texts, this.acting);
  }

  private async release(texts: readonly string[]): Promise<void> {
    try {
      await this.control(texts);
    } catch (error) {
      await this.rollback();
      throw this.reasons.explain(new UnexpectedRollbackError(this.reasons.any ? undefined : error));
    }
    if (!this.standsAlone) this.hooks.hoistTo(this.parent!.hooks);
    this.state = 'committed';
  }

  /** @throws UnawaitedWorkError; UnexpectedRollbackError when the unit was given up meanwhile. */
  private refuseEnd(): void {
    if (this.settled || this.isOrphan) throw this.reasons.marked ?? new UnexpectedRollbackError();
    this.work.refuseUnawaited();
  }

  private async track<T>(work: () => Promise<T>): Promise<T> {
    this.assertOpen();
    this.work.sendHeld();
    const promise = work();
    this.work.add(promise);
    try {
      return await promise;
    } catch (error) {
      this.reasons.noteFailure(error);
      throw error;
    } finally {
      this.work.delete(promise);
    }
  }

  private nextSavepoint(): number {
    // Numbered by the outermost unit, so that no two have one name.
    return this.parent ? this.parent.nextSavepoint() : ++this.savepoints;
  }
}
