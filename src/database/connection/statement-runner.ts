import { Logger } from '@nestjs/common';
import type { QueryResult } from 'pg';
import { Transaction } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import { currentContext } from '../context/ambient';
import type { ExecutionContext } from '../context/execution-context';
import type { DatabaseOptions } from '../database.options';
import { TransactionOutcomeUnknownError, UnexpectedRollbackError } from '../transaction.errors';
import { destroy, inOneWrite, release } from './connections';
import { isServerAnswer, mapError, sqlStateOf } from './error-mapper';
import { fingerprint } from './fingerprint';
import { inLoneScope } from './scope/lone-scope';
import { query, toResult } from './scope/physical-transaction';
import { currentOwnTransaction, ownConnection, ownTransactionSettings, refuseOtherDatabase } from './own-transaction';
import { acquireInChain } from './pool-pressure';
import type { Writer } from './replica/recent-writes';
import { noteWrite, replicasOf, writerOf } from './replica/replicas';
import { stageOf } from './scope/rehearsal';
import { currentScope, scopeBehind } from './scope/current-scope';
import { ScopeTransaction } from './scope/scope-transaction';
import { beginText, contextSetting, tenantSetting } from './session-settings';
import type { Row, Statement, StatementResult } from './statement';

export interface RunOptions {
  /** Who acts; wins over the ambient context. */
  readonly context?: ExecutionContext;
  /** An open Sequelize transaction to join. */
  readonly transaction?: Transaction;
  /** True: never from a replica. */
  readonly fresh?: boolean;
}

export type RunnerOptions = Pick<DatabaseOptions, 'prepared' | 'slowQueryThresholdMs' | 'logQueries'> &
  Partial<Pick<DatabaseOptions, 'cursorKey' | 'production'>>;

/**
 * The one door through which a repository's statements go. It alone knows the unit of work, the tenant, logging and
 * error mapping (architecture, "How a statement runs").
 */
export class StatementRunner {
  private readonly logger = new Logger('Database');

  constructor(
    readonly sequelize: Sequelize,
    readonly options: RunnerOptions,
  ) {}

  /**
   * Runs one statement: inside the current unit of work, else in a transaction of its own.
   * @throws One of the errors of database.errors, never an error of the driver.
   */
  async run<R = Row>(statement: Statement, options: RunOptions = {}): Promise<StatementResult<R>> {
    const [result] = await this.runAll([statement], options);
    return result as StatementResult<R>;
  }

  /** Runs statements in order, in one flight and one transaction. */
  async runAll(statements: readonly Statement[], options: RunOptions = {}): Promise<StatementResult[]> {
    const started = performance.now();
    try {
      const results = await this.dispatch(statements, options);
      this.log(statements, started);
      return results;
    } catch (error) {
      const mapped = mapError(error, statements[0]?.entity);
      this.log(statements, started, mapped.sqlState ?? mapped.code);
      throw mapped;
    }
  }

  private async dispatch(statements: readonly Statement[], options: RunOptions): Promise<StatementResult[]> {
    const context = options.context ?? currentContext();
    const transaction = options.transaction ?? currentOwnTransaction(this.sequelize);
    refuseOtherDatabase(this.sequelize, transaction);
    if (transaction && !(transaction instanceof ScopeTransaction)) {
      this.note(statements, context, writerOf(transaction));
      return this.join(transaction, statements, context);
    }
    const scope = scopeBehind(transaction) ?? currentScope(this.sequelize);
    if (!scope && stageOf(this.sequelize)) {
      const setup = { context, prepared: this.options.prepared };
      return inLoneScope(this.sequelize, setup, (alone) => alone.send(statements));
    }
    if (!scope) return this.alone(statements, context, options.fresh);
    this.note(statements, context ?? scope.context, scope.root);
    return scope.send(statements, context);
  }

  /** In a transaction of its own, on a replica where one may serve. */
  private async alone(
    statements: readonly Statement[],
    context: ExecutionContext | undefined,
    fresh: boolean | undefined,
  ): Promise<StatementResult[]> {
    const replicas = replicasOf(this.sequelize);
    if (!replicas) return this.flight(this.sequelize, statements, context);
    const replica = fresh || !statements.every(isRead) ? undefined : replicas.pick(context);
    const connections = replica?.usable;
    if (replica && connections) {
      try {
        return await this.flight(connections, statements, context);
      } catch (error) {
        if (!replica.failed(error)) throw error;
      }
    }
    const writer = { settled: false };
    this.note(statements, context, writer);
    try {
      return await this.flight(this.sequelize, statements, context);
    } finally {
      writer.settled = true;
    }
  }

  /** Reads that come after a write must see it. */
  private note(statements: readonly Statement[], context: ExecutionContext | undefined, writer: Writer): void {
    for (const { write, text } of statements) if (write) noteWrite(this.sequelize, text, context, writer);
  }

  /** Runs on the connection of a transaction that the caller opened with Sequelize. */
  private async join(
    transaction: Transaction,
    statements: readonly Statement[],
    context: ExecutionContext | undefined,
  ): Promise<StatementResult[]> {
    const connection = ownConnection(transaction);
    const settings = ownTransactionSettings(transaction, context);
    const flight = inOneWrite(connection, () => [
      ...(settings ? [connection.query(settings)] : []),
      ...statements.map((statement) => query(connection, statement, this.options.prepared)),
    ]);
    const results = await allOf<QueryResult>(flight);
    return results.slice(settings ? 1 : 0).map(toResult);
  }

  /** Begin, statements and commit in one flight. A read without a tenant needs neither begin nor commit. */
  private async flight(
    sequelize: Sequelize,
    statements: readonly Statement[],
    context: ExecutionContext | undefined,
  ): Promise<StatementResult[]> {
    const writes = statements.some((statement) => statement.write);
    // Before a connection is taken: a context that is refused must not keep one.
    const settings = tenantSetting(context?.clinicId) + (writes ? contextSetting(context) : '');
    const client = await acquireInChain(sequelize);
    const bare = statements.length === 1 && !writes && !context?.clinicId;
    const flight = inOneWrite(client, () => [
      ...(bare ? [] : [client.query(beginText(settings, { readOnly: sequelize !== this.sequelize }))]),
      ...statements.map((statement) => query(client, statement, this.options.prepared)),
      ...(bare ? [] : [client.query('COMMIT')]),
    ]);
    const settled = await Promise.allSettled(flight);
    const failedAt = settled.findIndex((outcome) => outcome.status === 'rejected');
    const failure: unknown = failedAt < 0 ? undefined : (settled[failedAt] as PromiseRejectedResult).reason;
    const connectionLost = failure !== undefined && !isServerAnswer(failure);
    if (connectionLost) destroy(sequelize, client);
    else release(sequelize, client);
    // COMMIT was already on its way: unless the server said that it stopped before it, the outcome of a write is open.
    const stoppedBefore = sqlStateOf(failure) !== undefined && failedAt < settled.length - 1;
    if (connectionLost && writes && !stoppedBefore) {
      throw new TransactionOutcomeUnknownError(mapError(failure));
    }
    if (failure !== undefined) throw failure;
    const results = settled.map((outcome) => (outcome as PromiseFulfilledResult<Parameters<typeof toResult>[0]>).value);
    if (!bare && results.at(-1)?.command !== 'COMMIT') throw new UnexpectedRollbackError();
    const first = bare ? 0 : 1;
    return results.slice(first, first + statements.length).map(toResult);
  }

  /** Says what ran and how long it took; values are never logged (004-07). */
  private log(statements: readonly Statement[], started: number, failure?: string): void {
    const ms = performance.now() - started;
    const slow = ms >= this.options.slowQueryThresholdMs;
    if (!slow && !this.options.logQueries && !failure) return;
    const names = statements.map((statement) => statement.operation).join(', ');
    if (failure) this.logger.debug(`${names} failed with ${failure} after ${Math.round(ms)} ms`);
    else if (slow)
      this.logger.warn(
        `Slow: ${names} took ${Math.round(ms)} ms: ${statements.map((s) => fingerprint(s.text)).join('; ')}`,
      );
    else this.logger.debug(`${names} ${ms.toFixed(1)} ms`);
  }
}

/** What a replica can serve: a repository's own reading statement that locks nothing. */
function isRead({ write, entity }: Statement): boolean {
  return !write && entity !== undefined;
}

/** Like Promise.all, but waits for all before it rejects: nothing is still on the wire when the caller goes on. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}
