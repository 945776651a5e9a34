import { Logger } from '@nestjs/common';
import type { Transaction } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import { type CompletionStatus, currentScope, Scope } from '../connection/scope';
import { type BeginOptions, ISOLATION_LEVELS, isStronger, twoClinics } from '../connection/session-settings';
import { currentContext, runWithScope } from '../context/ambient';
import type { ExecutionContext } from '../context/execution-context';
import { DatabaseError, TimeoutError } from '../database.errors';
import { TransactionOptionsError } from '../transaction.errors';
import type { DataSources } from './data-sources';
import type { IUnitOfWork, TransactionOptions, TransactionOutcome } from './unit-of-work.interface';

const DEFAULT_TIMEOUT_MS = 30_000;
/** What a timer of Node and a setting of PostgreSQL hold. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/**
 * The unit of work over ambient transactions. It holds no transaction itself: which unit a call belongs to is found
 * in the call's own chain, so one instance serves all requests at once (D03).
 */
export class UnitOfWork implements IUnitOfWork {
  private readonly logger = new Logger('UnitOfWork');

  constructor(
    private readonly sequelize: Sequelize,
    private readonly prepared: boolean,
    private readonly sources: DataSources,
  ) {}

  async executeInTransaction<T>(
    fn: (uow: IUnitOfWork) => Promise<T>,
    context: ExecutionContext | undefined = currentContext(),
    options: TransactionOptions = {},
  ): Promise<T> {
    if (options.dataSource !== undefined) {
      const { dataSource, ...there } = options;
      return this.sources.unitOfWork(dataSource).executeInTransaction(fn, context, there);
    }
    const { propagation = 'REQUIRED' } = options;
    if (propagation !== 'REQUIRED' && propagation !== 'NESTED') {
      throw new TransactionOptionsError('Unknown propagation', 'Use REQUIRED or NESTED.');
    }
    if (options.isolation && !ISOLATION_LEVELS.includes(options.isolation)) {
      throw new TransactionOptionsError('Unknown isolation level', `Use ${ISOLATION_LEVELS.join(', ')}.`);
    }
    const outer = currentScope(this.sequelize);
    if (!outer) return this.root(fn, context, options);
    refuseChange(outer, context, options);
    const inherited = context ?? outer.context;
    if (propagation === 'NESTED') return this.nested(outer, fn, inherited);
    outer.assertOpen();
    return this.joined(outer, fn, inherited);
  }

  runOutsideTransaction<T>(fn: () => T): T {
    return runWithScope(this.sequelize, undefined, currentContext(), fn);
  }

  isInTransaction(): boolean {
    return currentScope(this.sequelize)?.state === 'active';
  }

  get attempt(): number {
    return this.isInTransaction() ? 1 : 0;
  }

  async outcomeOf(transactionId: string): Promise<TransactionOutcome> {
    const scope = new Scope(this.sequelize, undefined, { readOnly: true }, this.prepared);
    try {
      const text = 'SELECT pg_xact_status($1::xid8) AS status';
      const [result] = await scope.send([{ text, values: [transactionId], operation: 'outcomeOf', write: false }]);
      const status = result!.rows[0]!.status as 'committed' | 'aborted' | 'in progress' | null;
      return status === 'aborted' ? 'rolled back' : (status ?? 'unknown');
    } finally {
      await scope.rollback();
    }
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
    if (transaction) transaction.afterCommit(() => this.reported('committed', hook));
    else if (scope) scope.hooks.afterCommit.push(hook);
    else await this.reported('committed', hook);
  }

  private open(): Scope {
    const scope = currentScope(this.sequelize);
    if (!scope)
      throw new TransactionOptionsError('No unit of work is open', 'Register hooks inside executeInTransaction.');
    scope.assertOpen();
    return scope;
  }

  private async root<T>(
    fn: (uow: IUnitOfWork) => Promise<T>,
    context: ExecutionContext | undefined,
    options: TransactionOptions,
  ): Promise<T> {
    const scope = new Scope(this.sequelize, context, beginOptions(options), this.prepared);
    const outside = context ?? currentContext();
    let failure: unknown;
    try {
      const result = await this.withinTime(scope, options, async () => {
        const returned = await this.inside(scope, context, fn);
        await this.runBeforeCommit(scope, context);
        return returned;
      });
      await scope.commit();
      return result;
    } catch (error) {
      failure = error;
      if (!scope.settled) await scope.rollback();
      throw error;
    } finally {
      // After the connection was given back: a hook that queries must not wait for its own unit.
      await runWithScope(this.sequelize, undefined, outside, () => this.runHooks(scope, failure));
    }
  }

  private async joined<T>(
    outer: Scope,
    fn: (uow: IUnitOfWork) => Promise<T>,
    context: ExecutionContext | undefined,
  ): Promise<T> {
    try {
      return await outer.host(() => this.inside(outer, context, fn));
    } catch (error) {
      // Whoever catches this must not commit half of the work.
      outer.markRollbackOnly(error);
      throw error;
    }
  }

  private nested<T>(
    outer: Scope,
    fn: (uow: IUnitOfWork) => Promise<T>,
    context: ExecutionContext | undefined,
  ): Promise<T> {
    let failure: unknown;
    return outer.nest(
      async (scope) => {
        try {
          const result = await this.inside(scope, context, fn);
          await scope.commit();
          return result;
        } catch (error) {
          failure = error;
          if (!scope.settled) await scope.rollback();
          throw error;
        }
      },
      // On the outer unit: it may be the only connection there is.
      async (scope) => {
        if (scope.state === 'rolled back') await this.runHooks(scope, failure);
      },
    );
  }

  private inside<T>(
    scope: Scope,
    context: ExecutionContext | undefined,
    fn: (uow: IUnitOfWork) => Promise<T>,
  ): Promise<T> {
    return runWithScope(this.sequelize, scope, context, async () => {
      const result = await fn(this);
      if (typeof (result as { subscribe?: unknown } | null | undefined)?.subscribe === 'function') {
        throw new TransactionOptionsError(
          'The callback of a unit of work returned an Observable, whose work would run after the commit',
          'Return a promise, for example with lastValueFrom.',
        );
      }
      return result;
    });
  }

  private async runBeforeCommit(scope: Scope, context: ExecutionContext | undefined): Promise<void> {
    const { beforeCommit } = scope.hooks;
    if (beforeCommit.length === 0) return;
    scope.finish();
    await runWithScope(this.sequelize, scope, context, async () => {
      // By index: a hook may add another one.
      for (let i = 0; i < beforeCommit.length; i += 1) await beforeCommit[i]!();
    });
  }

  /** A callback that takes too long is rejected, its connection closed, and what it sends later refused. */
  private async withinTime<T>(scope: Scope, options: TransactionOptions, work: () => Promise<T>): Promise<T> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    let timer: NodeJS.Timeout | undefined;
    const expiry = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        scope.abandon();
        reject(
          new TimeoutError('The unit of work took too long and was rolled back', 'Shorten it, or raise timeoutMs.'),
        );
      }, timeoutMs);
      // After a shutdown no unit keeps the process alive; until then its connection does.
      timer.unref();
    });
    try {
      return await Promise.race([work(), expiry]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hooks come after the outcome and cannot change it: a throw is reported, never passed on. */
  private async runHooks(scope: Scope, error: unknown): Promise<void> {
    const status = scope.state as CompletionStatus;
    const hooks: (() => unknown)[] = status === 'committed' ? [...scope.hooks.afterCommit] : [];
    if (status === 'rolled back') hooks.push(...scope.hooks.afterRollback.map((hook) => () => hook(error)));
    hooks.push(...scope.hooks.afterCompletion.map((hook) => () => hook(status)));
    for (const hook of hooks) await this.reported(status, hook);
  }

  private async reported(status: CompletionStatus, hook: () => unknown): Promise<void> {
    try {
      await hook();
    } catch (thrown) {
      // Only the kind of error: its message is the application's and may carry values.
      const kind =
        thrown instanceof DatabaseError ? thrown.code : thrown instanceof Error ? thrown.name : typeof thrown;
      this.logger.error(`A hook failed after the unit of work was ${status}: ${kind}`);
    }
  }
}

function beginOptions(options: TransactionOptions): BeginOptions {
  const statementTimeoutMs = options.statementTimeoutMs ?? options.timeoutMs;
  for (const [name, value] of Object.entries({
    timeoutMs: options.timeoutMs,
    statementTimeoutMs,
    lockTimeoutMs: options.lockTimeoutMs,
  })) {
    if (value !== undefined && !(value >= 1 && value <= MAX_TIMEOUT_MS)) {
      throw new TransactionOptionsError(
        `${name} must be a number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`,
        'Correct the option.',
      );
    }
  }
  return {
    ...(options.isolation ? { isolation: options.isolation } : {}),
    ...(options.readOnly ? { readOnly: true } : {}),
    ...(statementTimeoutMs ? { statementTimeoutMs } : {}),
    ...(options.lockTimeoutMs ? { lockTimeoutMs: options.lockTimeoutMs } : {}),
  };
}

/** What an open transaction cannot change any more is an error, never ignored. */
function refuseChange(outer: Scope, context: ExecutionContext | undefined, options: TransactionOptions): void {
  if (context && outer.context && context.clinicId !== outer.context.clinicId) throw twoClinics();
  if (options.isolation && isStronger(options.isolation, outer.options.isolation)) {
    throw new TransactionOptionsError(
      'The open unit of work has a weaker isolation level',
      'Set it on the outermost unit.',
    );
  }
  if (options.readOnly === false && outer.options.readOnly) {
    throw new TransactionOptionsError(
      'The open unit of work is read-only',
      'Begin the outermost unit without readOnly.',
    );
  }
}
