import type { QueryConfig, QueryResult } from 'pg';
import type { Sequelize } from 'sequelize-typescript';
import type { ExecutionContext } from '../context/execution-context';
import {
  TenantDeniedError,
  TransactionOutcomeUnknownError,
  TransactionScopeClosedError,
  UnexpectedRollbackError,
} from '../database.errors';
import { acquire, destroy, type PooledClient, release } from './connections';
import { isServerAnswer, mapError } from './error-mapper';
import { type BeginOptions, beginText, contextSetting } from './session-settings';
import type { Row, Statement, StatementResult } from './statement';

/**
 * One transaction on one connection of the pool. It begins lazily, in the same flight as its first statement: on a
 * pipelined connection the begin, the tenant and the statement travel together (phi-protection §1).
 */
export class PhysicalTransaction {
  private opening?: Promise<PooledClient>;
  private client?: PooledClient;
  private begun?: Promise<unknown>;
  private lost = false;
  private actor?: string;

  constructor(
    private readonly sequelize: Sequelize,
    private context: ExecutionContext | undefined,
    private readonly options: BeginOptions,
    private readonly prepared: boolean,
  ) {}

  /** True once a statement was sent: before that there is nothing to commit. */
  get started(): boolean {
    return this.begun !== undefined;
  }

  /** The connection with the transaction open on it, for Sequelize's own statements. */
  async connection(context?: ExecutionContext): Promise<PooledClient> {
    const client = await this.open();
    await this.flight(client, [], context);
    return client;
  }

  /** Sends statements in one flight and answers their results in order; the first failure rejects. */
  async send(statements: readonly Statement[], context?: ExecutionContext): Promise<StatementResult[]> {
    const client = await this.open();
    return this.flight(client, statements, context);
  }

  /** Sends a statement of transaction control, such as SAVEPOINT. */
  async control(text: string): Promise<void> {
    // Rolling back to a savepoint also takes back a SET LOCAL made since: who acts must be said again.
    this.actor = undefined;
    await this.send([{ text, values: [], operation: 'transaction', write: false }]);
  }

  /**
   * Commits and gives the connection back.
   * @throws UnexpectedRollbackError when PostgreSQL answered ROLLBACK: a failed statement had been ignored.
   * @throws TransactionOutcomeUnknownError when the connection was lost meanwhile.
   */
  async commit(): Promise<void> {
    if (!this.client || !this.begun) return this.giveBack();
    let result: QueryResult;
    try {
      result = await this.client.query('COMMIT');
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
    try {
      await this.opening;
      if (this.client && this.begun && !this.lost) await this.client.query('ROLLBACK');
      this.giveBack();
    } catch {
      this.discard();
    }
  }

  /** Closes the connection without waiting: the server rolls back. */
  discard(): void {
    if (this.client && !this.lost) destroy(this.sequelize, this.client);
    this.lost = true;
  }

  private open(): Promise<PooledClient> {
    this.opening ??= acquire(this.sequelize).then(
      (client) => {
        this.client = client;
        if (!this.lost) return client;
        // The unit was given up while it waited for a connection.
        release(this.sequelize, client);
        throw new TransactionScopeClosedError('rolled back');
      },
      (error: unknown) => {
        throw mapError(error);
      },
    );
    return this.opening;
  }

  private async flight(
    client: PooledClient,
    statements: readonly Statement[],
    context: ExecutionContext | undefined,
  ): Promise<StatementResult[]> {
    const control: Promise<unknown>[] = [];
    if (!this.begun) {
      this.context ??= context;
      this.begun = client.query(beginText(this.context, this.options));
      this.actor = contextSetting(this.context);
      control.push(this.begun);
    }
    const actor = this.switchActor(context);
    if (actor) control.push(client.query(actor));
    const work = statements.map((statement) => query(client, statement, this.prepared));
    const settled = await Promise.allSettled([...control, ...work]);
    const failed = settled.findIndex((outcome) => outcome.status === 'rejected');
    if (failed >= 0) {
      const entity = statements[Math.max(0, failed - control.length)]?.entity;
      throw mapError((settled[failed] as PromiseRejectedResult).reason, entity);
    }
    return settled
      .slice(control.length)
      .map((outcome) => toResult((outcome as PromiseFulfilledResult<QueryResult>).value));
  }

  /** An explicit context wins over the unit's own; the clinic of a transaction stays what it began with. */
  private switchActor(context: ExecutionContext | undefined): string | undefined {
    if (!context) return undefined;
    if (context.clinicId !== this.context?.clinicId) {
      throw new TenantDeniedError(
        'One unit of work cannot serve two clinics',
        'Run a unit of work for each clinic, with a context that names it.',
      );
    }
    const actor = contextSetting(context);
    if (actor === this.actor) return undefined;
    this.actor = actor;
    return actor;
  }

  private giveBack(): void {
    if (this.client && !this.lost) release(this.sequelize, this.client);
    this.lost = true;
  }
}

/** Sends one statement on a connection, by the extended protocol: one text can then never smuggle in a second. */
export function query(client: PooledClient, statement: Statement, prepared: boolean): Promise<QueryResult> {
  const config: QueryConfig & { queryMode: 'extended' } = {
    text: statement.text,
    values: statement.values as unknown[],
    queryMode: 'extended',
    ...(prepared && statement.name ? { name: statement.name } : {}),
  };
  return client.query(config);
}

/** Reduces what the driver answers to rows, count and tag. */
export function toResult(result: QueryResult): StatementResult<Row> {
  return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0, command: result.command };
}
