import type { QueryConfig, QueryResult } from 'pg';
import type { Sequelize } from 'sequelize-typescript';
import type { ExecutionContext } from '../context/execution-context';
import { UnavailableError } from '../database.errors';
import {
  TransactionOutcomeUnknownError,
  TransactionScopeClosedError,
  UnexpectedRollbackError,
} from '../transaction.errors';
import { acquire, destroy, inOneWrite, isAlive, type PooledClient, release } from './connections';
import { isServerAnswer, mapError } from './error-mapper';
import { type BeginOptions, beginText, contextSetting, tenantSetting, twoClinics } from './session-settings';
import type { Row, Statement, StatementResult } from './statement';

/**
 * One transaction on one connection of the pool. It begins lazily, in the same flight as its first statement: on a
 * pipelined connection the begin, the tenant and the statement travel together (phi-protection §1).
 */
export class PhysicalTransaction {
  private opening?: Promise<PooledClient>;
  private client?: PooledClient;
  private begun = false;
  /** The end was sent or the connection given up: what follows would run on someone else's transaction. */
  private ended = false;
  /** The connection or the begin failed: nothing can be stored any more, whoever caught the error. */
  private broken?: { readonly error: unknown };
  private clinicId?: string;
  /** The settings that hold on the connection now. */
  private said = '';

  constructor(
    private readonly sequelize: Sequelize,
    private context: ExecutionContext | undefined,
    private readonly options: BeginOptions,
    private readonly prepared: boolean,
  ) {
    this.clinicId = context?.clinicId;
  }

  /** The connection with the transaction open on it, for Sequelize's own statements. */
  async connection(context?: ExecutionContext): Promise<PooledClient> {
    const client = await this.open();
    await this.flight(client, this.beforehand(context), []);
    if (this.ended) throw new TransactionScopeClosedError('settled');
    return client;
  }

  /** Sends statements in one flight and answers their results in order; the first failure rejects. */
  async send(statements: readonly Statement[], context?: ExecutionContext): Promise<StatementResult[]> {
    const client = await this.open();
    return this.flight(client, this.beforehand(context), statements);
  }

  /** Sends a statement of transaction control, such as SAVEPOINT. */
  async control(text: string): Promise<void> {
    const client = await this.open();
    const begin = this.begun ? [] : this.beforehand(this.context);
    // Rolling back to a savepoint also takes back a SET LOCAL made since: tenant and actor must be said again, later,
    // because a failed transaction takes nothing but the rollback.
    this.said = '';
    await this.flight(client, begin, [{ text, values: [], operation: 'transaction', write: false }]);
  }

  /**
   * Commits and gives the connection back.
   * @throws UnexpectedRollbackError when PostgreSQL answered ROLLBACK, or could never have answered anything else: a
   * failed statement had been ignored.
   * @throws UnavailableError when the connection was lost before COMMIT was sent.
   * @throws TransactionOutcomeUnknownError when the connection was lost meanwhile.
   */
  async commit(): Promise<void> {
    this.ended = true;
    const { client, broken } = this;
    if (broken) {
      await this.rollback();
      throw new UnexpectedRollbackError(broken.error);
    }
    if (!client || !this.begun) return this.giveBack();
    if (!isAlive(client)) {
      this.discard();
      throw new UnavailableError(
        'The connection was lost before COMMIT; nothing was stored',
        'Repeat the unit of work.',
      );
    }
    let result: QueryResult;
    try {
      result = await client.query('COMMIT');
    } catch (error) {
      if (!isServerAnswer(error)) {
        this.discard();
        throw new TransactionOutcomeUnknownError(mapError(error));
      }
      // A deferred constraint failed: PostgreSQL has rolled back.
      this.giveBack();
      throw mapError(error);
    }
    this.giveBack();
    if (result.command !== 'COMMIT') throw new UnexpectedRollbackError();
  }

  /** Rolls back and gives the connection back. Never throws: a connection that cannot roll back is closed. */
  async rollback(): Promise<void> {
    this.ended = true;
    try {
      if (this.client && this.begun) await this.client.query('ROLLBACK');
      this.giveBack();
    } catch {
      this.discard();
    }
  }

  /** Closes the connection without waiting: the server rolls back. */
  discard(): void {
    this.ended = true;
    if (this.client) destroy(this.sequelize, this.client);
    this.client = undefined;
  }

  private open(): Promise<PooledClient> {
    this.opening ??= acquire(this.sequelize).then(
      (client) => {
        if (this.ended) {
          // The unit was given up while it waited for a connection.
          release(this.sequelize, client);
          throw new TransactionScopeClosedError('settled');
        }
        this.client = client;
        return client;
      },
      (error: unknown) => {
        const mapped = mapError(error);
        this.broken = { error: mapped };
        throw mapped;
      },
    );
    return this.opening;
  }

  private async flight(
    client: PooledClient,
    before: readonly string[],
    statements: readonly Statement[],
  ): Promise<StatementResult[]> {
    if (this.ended) throw new TransactionScopeClosedError('settled');
    const begins = before[0]?.startsWith('START') ?? false;
    const flight = inOneWrite(client, () => [
      ...before.map((text) => client.query(text)),
      ...statements.map((statement) => query(client, statement, this.prepared)),
    ]);
    const settled = await Promise.allSettled(flight);
    const failed = settled.findIndex((outcome) => outcome.status === 'rejected');
    if (failed >= 0) {
      const { reason } = settled[failed] as PromiseRejectedResult;
      const entity = statements[Math.max(0, failed - before.length)]?.entity;
      const mapped = mapError(reason, entity);
      if (!isServerAnswer(reason) || (begins && failed === 0)) this.broken ??= { error: mapped };
      throw mapped;
    }
    return settled
      .slice(before.length)
      .map((outcome) => toResult((outcome as PromiseFulfilledResult<QueryResult>).value));
  }

  /**
   * What must go ahead of a statement: the begin, and who acts where that changed. An explicit context wins over the
   * unit's own. The first context that names a clinic gives the transaction its tenant, which then stays.
   */
  private beforehand(context: ExecutionContext | undefined): string[] {
    this.context ??= context;
    this.clinicId ??= context?.clinicId;
    if (context && context !== this.context && context.clinicId !== this.clinicId) throw twoClinics();
    const settings = tenantSetting(this.clinicId) + contextSetting(context ?? this.context);
    const changed = settings !== this.said;
    this.said = settings;
    if (this.begun) return changed && settings ? [settings] : [];
    this.begun = true;
    return [beginText(settings, this.options)];
  }

  private giveBack(): void {
    if (this.client) release(this.sequelize, this.client);
    this.client = undefined;
  }
}

/** Sends one statement on a connection, by the extended protocol: one text can then never smuggle in a second. */
export function query(client: PooledClient, statement: Statement, prepared: boolean): Promise<QueryResult> {
  const config: QueryConfig & { queryMode: 'extended' } = {
    text: statement.text,
    values: statement.values as unknown[],
    queryMode: 'extended',
    name: prepared ? statement.name : undefined,
  };
  return client.query(config);
}

/** Reduces what the driver answers to rows, count and tag. */
export function toResult(result: QueryResult): StatementResult<Row> {
  return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0, command: result.command };
}
