import type { Transaction } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import { inLoneScope, inNewScope } from '../connection/scope/lone-scope';
import { type Place, placeOf } from '../connection/scope/place';
import { rehearse } from '../connection/scope/rehearsal';
import { currentScope } from '../connection/scope/current-scope';
import type { Scope } from '../connection/scope/scope';
import type { CompletionStatus } from '../connection/scope/scope-hooks';
import type { ScopeSetup } from '../connection/scope/scope-setup';
import { runInOwnTransaction } from '../connection/own-transaction';
import { currentContext, runWithScope } from '../context/ambient';
import type { ExecutionContext } from '../context/execution-context';
import { InvalidInputError } from '../database.errors';
import { TransactionOptionsError } from '../transaction.errors';
import { Completion } from './completion';
import type { DataSources } from './data-sources';
import { courseOf } from './propagation';
import { blameConflict, Retry } from './retry';
import { type Limits, refuseAborted, withinLimits } from './time-limit';
import { beginOptions, refuseChange, refuseWithoutTransaction, requireOptions } from './transaction-options';
import type { IUnitOfWork, TransactionOptions, TransactionOutcome } from './unit-of-work.interface';

const DEFAULT_TIMEOUT_MS = 30_000;

type Callback<T> = (uow: IUnitOfWork) => Promise<T>;

/** What an attempt came to. */
type Ended<T> = ({ readonly result: T } | { readonly error: unknown }) & { readonly scope?: Scope };

/**
 * The unit of work over ambient transactions. It holds no transaction itself: which unit a call belongs to is found
 * in the call's own chain, so one instance serves all requests at once (D03).
 */
export class UnitOfWork implements IUnitOfWork {
  private readonly completion: Completion;

  constructor(
    private readonly sequelize: Sequelize,
    private readonly prepared: boolean,
    private readonly sources: DataSources,
  ) {
    this.completion = new Completion(sequelize, prepared);
  }

  async executeInTransaction<T>(
    fn: Callback<T>,
    context: ExecutionContext | undefined = currentContext(),
    options: TransactionOptions = {},
  ): Promise<T> {
    requireOptions(options);
    if (options.dataSource !== undefined) {
      const { dataSource, ...there } = options;
      return this.sources.unitOfWork(dataSource).executeInTransaction(fn, context, there);
    }
    const outer = currentScope(this.sequelize);
    // Late work of a settled unit begins no transaction of its own either: detaching is explicit.
    outer?.assertUnsettled();
    const course = courseOf(options.propagation ?? 'REQUIRED', outer !== undefined);
    refuseAborted(options.signal);
    if (course === 'begin') return this.root(fn, context, options);
    if (course === 'without') return this.without(fn, context, options);
    refuseChange(outer!, context, options);
    const inherited = context ?? outer!.context;
    if (course === 'nest') return this.nested(outer!, fn, inherited, options);
    outer!.assertOpen();
    return this.joined(outer!, fn, inherited, options);
  }

  runOutsideTransaction<T>(fn: () => T): T {
    return runInOwnTransaction(this.sequelize, undefined, currentContext(), fn);
  }

  isInTransaction(): boolean {
    return currentScope(this.sequelize)?.isOpen ?? false;
  }

  get attempt(): number {
    const scope = currentScope(this.sequelize);
    return scope?.isOpen ? scope.attempt : 0;
  }

  async outcomeOf(transactionId: string): Promise<TransactionOutcome> {
    if (typeof transactionId !== 'string' || !/^\d{1,20}$/.test(transactionId)) {
      throw new InvalidInputError(
        'The id of a transaction is a row of digits',
        'Pass the transactionId of a TransactionOutcomeUnknownError.',
      );
    }
    return inLoneScope(this.sequelize, { options: { readOnly: true }, prepared: this.prepared }, async (scope) => {
      const text = 'SELECT pg_xact_status($1::xid8) AS status';
      const [result] = await scope.send([{ text, values: [transactionId], operation: 'outcomeOf', write: false }]);
      const status = result!.rows[0]!.status as 'committed' | 'aborted' | 'in progress' | null;
      return status === 'aborted' ? 'rolled back' : (status ?? 'unknown');
    });
  }

  beforeCommit(hook: () => unknown): void {
    this.open().hooks.beforeCommit.push(hook);
  }

  afterCommit(hook: () => unknown): void {
    this.open().hooks.afterCommit.push(hook);
  }

  afterRollback(hook: (error: unknown) => unknown): void {
    this.open().hooks.afterRollback.push(hook);
  }

  afterCompletion(hook: (status: CompletionStatus) => unknown): void {
    this.open().hooks.afterCompletion.push(hook);
  }

  /**
   * Runs `hook` once what was just written is committed: after the current unit or the caller's own transaction, or
   * now. A throw is reported.
   */
  async whenCommitted(hook: () => unknown, transaction?: Transaction): Promise<void> {
    const scope = currentScope(this.sequelize);
    if (transaction) transaction.afterCommit(() => this.completion.reported('committed', hook));
    else if (scope) scope.hooks.afterCommit.push(hook);
    else await this.completion.reported('committed', hook);
  }

  private open(): Scope {
    const scope = currentScope(this.sequelize);
    if (!scope)
      throw new TransactionOptionsError('No unit of work is open', 'Register hooks inside executeInTransaction.');
    scope.assertOpen();
    return scope;
  }

  /** Runs everything on this database in one transaction that is always rolled back; for `withRollback`. */
  rehearse<T>(fn: () => Promise<T>, runsAfterCommit: boolean): Promise<T> {
    return rehearse(this.sequelize, this.prepared, runsAfterCommit, fn);
  }

  /** Attempts of an outermost unit, each a transaction with hooks of its own. */
  private async root<T>(
    fn: Callback<T>,
    context: ExecutionContext | undefined,
    options: TransactionOptions,
  ): Promise<T> {
    const retry = new Retry(options);
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    const deadline = performance.now() + timeoutMs;
    const setup = { context, options: beginOptions(options), prepared: this.prepared, audited: true };
    for (let attempt = 1; ; attempt += 1) {
      const limits = { timeoutMs: deadline - performance.now(), signal };
      const { scope, ...ended } = await this.once({ ...setup, attempt }, fn, limits);
      if ('result' in ended) return ended.result;
      if (!scope) throw ended.error;
      await retry.afterFailure(ended.error, scope, deadline, signal);
    }
  }

  /** One attempt, with its hooks. Never throws. */
  private async once<T>(setup: ScopeSetup, fn: Callback<T>, limits: Limits): Promise<Ended<T>> {
    const outside = setup.context ?? currentContext();
    let scope: Scope | undefined;
    const ended: Ended<T> = await inNewScope(this.sequelize, setup, (opened) => {
      scope = opened;
      return this.transact(opened, fn, setup.context, limits);
    }).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    if (!scope) return ended;
    const failure = 'error' in ended ? ended.error : undefined;
    if ('error' in ended) await this.completion.recordFailure(scope, failure);
    // After the connection was given back: a hook that queries must not wait for its own unit.
    const opened = scope;
    await runWithScope(this.sequelize, undefined, outside, () => this.completion.runHooks(opened, failure));
    return { ...ended, scope };
  }

  /** The callback, its beforeCommit hooks, and the end of the transaction. */
  private async transact<T>(
    scope: Scope,
    fn: Callback<T>,
    context: ExecutionContext | undefined,
    limits: Limits,
  ): Promise<T> {
    const outer = placeOf(this.sequelize);
    const place = { ...outer, holders: [...outer.holders, scope], innermost: scope };
    try {
      const result = await withinLimits(limits, giveUp(scope), async () => {
        const returned = await this.inside(scope, context, fn, place);
        await this.runBeforeCommit(scope, context, place);
        return returned;
      });
      await scope.commit();
      return result;
    } catch (error) {
      if (!scope.settled) await scope.rollback();
      throw error;
    }
  }

  private async joined<T>(
    outer: Scope,
    fn: Callback<T>,
    context: ExecutionContext | undefined,
    options: TransactionOptions,
  ): Promise<T> {
    const here = placeOf(this.sequelize);
    const place = { ...here, innermost: outer, ...(options.readOnly ? { readOnlyIn: outer.root } : {}) };
    try {
      return await outer.host(() => withinLimits(options, giveUp(outer), () => this.inside(outer, context, fn, place)));
    } catch (error) {
      // Whoever catches this must not commit half of the work.
      outer.markRollbackOnly(error);
      throw error;
    }
  }

  private nested<T>(
    outer: Scope,
    fn: Callback<T>,
    context: ExecutionContext | undefined,
    options: TransactionOptions,
  ): Promise<T> {
    let failure: unknown;
    return outer.nest(
      async (scope) => {
        const place = { ...placeOf(this.sequelize), innermost: scope };
        try {
          const result = await withinLimits(options, giveUp(scope), () => this.inside(scope, context, fn, place));
          await scope.commit();
          return result;
        } catch (error) {
          failure = error;
          if (scope.reasons.metConflict) blameConflict(error);
          if (!scope.settled) await scope.rollback();
          throw error;
        }
      },
      // On the outer unit: it may be the only connection there is.
      async (scope) => {
        if (scope.state === 'rolled back') await this.completion.runHooks(scope, failure);
      },
      { readOnly: options.readOnly === true },
    );
  }

  /** Each statement commits by itself; a limit ends the call, and not what it has stored. */
  private without<T>(fn: Callback<T>, context: ExecutionContext | undefined, options: TransactionOptions): Promise<T> {
    refuseWithoutTransaction(options);
    return withinLimits(
      options,
      () => undefined,
      () => this.inside(undefined, context, fn),
    );
  }

  private inside<T>(
    scope: Scope | undefined,
    context: ExecutionContext | undefined,
    fn: Callback<T>,
    place?: Place,
  ): Promise<T> {
    const run = async (): Promise<T> => {
      const result = await fn(this);
      if (typeof (result as { subscribe?: unknown } | null | undefined)?.subscribe === 'function') {
        throw new TransactionOptionsError(
          'The callback of a unit of work returned an Observable, whose work would run after the commit',
          'Return a promise, for example with lastValueFrom.',
        );
      }
      return result;
    };
    return runWithScope(this.sequelize, scope, context, run, place);
  }

  private async runBeforeCommit(scope: Scope, context: ExecutionContext | undefined, place: Place): Promise<void> {
    const { beforeCommit } = scope.hooks;
    // Of a unit that can only roll back none runs: there is no commit to come.
    if (beforeCommit.length === 0 || scope.reasons.any) return;
    scope.finish();
    const run = async (): Promise<void> => {
      // By index: a hook may add another one.
      for (let i = 0; i < beforeCommit.length; i += 1) await beforeCommit[i]!();
    };
    await runWithScope(this.sequelize, scope, context, run, { ...place, hooksOf: scope });
  }
}

/** Ends the whole transaction: half of it must not be stored. */
const giveUp =
  (scope: Scope) =>
  (error: unknown): void =>
    scope.abandon(error);
