import type { QueryConfig, QueryResult } from 'pg';
import type { Sequelize } from 'sequelize-typescript';
import type { ExecutionContext } from '../../context/execution-context';
import { UnavailableError } from '../../database.errors';
import {
  TransactionOutcomeUnknownError,
  TransactionScopeClosedError,
  UnexpectedRollbackError,
} from '../../transaction.errors';
import type { Acting } from './acting';
import { cancelStatement } from '../cancel-statement';
import { destroy, inOneWrite, isAlive, type PooledClient, release } from '../connections';
import { isServerAnswer, mapError, sqlStateOf } from '../error-mapper';
import { COMMITTED, TRANSACTION_ID } from './outcome-event';
import { lend } from './lent-connection';
import type { Holder } from './place';
import { acquireInChain } from '../pool-pressure';
import { isWrite } from '../read-only';
import { ANSWER_MARGIN_MS } from '../sequelize-options';
import { type BeginOptions, beginText } from '../session-settings';
import type { Row, Statement, StatementResult } from '../statement';

/**
 * One transaction on one connection of the pool. It begins lazily, in the same flight as its first statement: on a
 * pipelined connection the begin, the tenant and the statement travel together (phi-protection §1).
 */
export class PhysicalTransaction implements Holder {
  /** Full id of the transaction, known once it has written. */
  transactionId?: string;
  private mayHaveWritten = false;
  /** The answer about the id that is on its way: COMMIT waits for it, or a lost COMMIT could not be asked about. */
  private asking?: Promise<void>;
  private opening?: Promise<PooledClient>;
  private client?: PooledClient;
  private begun = false;
  /** The end was sent or the connection given up: what follows would run on someone else's transaction. */
  private ended = false;
  /** The connection or the begin failed: nothing can be stored any more, whoever caught the error. */
  private broken?: { readonly error: unknown };
  /** The settings that hold on the connection now. */
  private said = '';
  /** How long the client waits for an answer: longer than the server, whose limit the unit may have raised. */
  private readonly answerWithinMs?: number;

  /** @param audited True: what it wrote is committed together with an event of the outcome. */
  constructor(
    private readonly sequelize: Sequelize,
    private readonly options: BeginOptions,
    private readonly prepared: boolean,
    private readonly audited: boolean,
  ) {
    const { statementTimeoutMs } = options;
    if (statementTimeoutMs) this.answerWithinMs = statementTimeoutMs + ANSWER_MARGIN_MS;
  }

  get holdsConnection(): boolean {
    return this.client !== undefined;
  }

  /** The connection with the transaction open on it, for Sequelize's own statements. */
  async connection(acting: Acting, context?: ExecutionContext): Promise<PooledClient> {
    const client = await this.open();
    // The begin is answered before Sequelize sends: behind a failed one its statement would run outside any transaction.
    await this.flight(client, this.beforehand(acting, context), []);
    const beforehand = (): string[] => {
      if (this.ended) throw new TransactionScopeClosedError('settled');
      return this.beforehand(acting, context);
    };
    return lend(client, beforehand, this.answerWithinMs);
  }

  /** Sends statements in one flight and answers their results in order; the first failure rejects. */
  async send(statements: readonly Statement[], acting: Acting, context?: ExecutionContext): Promise<StatementResult[]> {
    const client = await this.open();
    this.mayHaveWritten ||= statements.some(({ write }) => write);
    const asks = this.audited && this.transactionId === undefined && statements.some(isWrite);
    const sent = asks ? [...statements, TRANSACTION_ID] : statements;
    const results = await this.flight(client, this.beforehand(acting, context), sent);
    if (asks) this.learn(results.pop()!);
    return results;
  }

  /** Sequelize has written on the connection: asks for the id of the transaction, ahead of whatever comes next. */
  noteWrite(): void {
    this.mayHaveWritten = true;
    const { client } = this;
    if (!this.audited || this.transactionId !== undefined || !client || this.ended) return;
    this.asking = this.ask(client, TRANSACTION_ID).then(
      (result) => this.learn(toResult(result)),
      () => undefined,
    );
  }

  /** Sends statements of transaction control, such as SAVEPOINT. */
  async control(texts: readonly string[], acting: Acting): Promise<void> {
    const client = await this.open();
    const begin = this.begun ? [] : this.beforehand(acting);
    // Rolling back to a savepoint also takes back a SET LOCAL made since: tenant and actor must be said again, later,
    // because a failed transaction takes nothing but the rollback.
    this.said = '';
    const statements = texts.map((text) => ({ text, values: [], operation: 'transaction', write: false }));
    await this.flight(client, begin, statements);
  }

  /**
   * Commits and gives the connection back.
   * @throws UnexpectedRollbackError when PostgreSQL answered ROLLBACK, or could never have answered anything else: a
   * failed statement had been ignored.
   * @throws UnavailableError when the connection was lost before COMMIT was sent.
   * @throws TransactionOutcomeUnknownError when the connection was lost meanwhile.
   * @throws DatabaseError when the event of the outcome could not be stored: nothing was.
   */
  async commit(acting: Acting): Promise<void> {
    this.ended = true;
    const { client, broken } = this;
    if (broken) {
      await this.rollback();
      throw new UnexpectedRollbackError(broken.error);
    }
    if (!client || !this.begun) return this.giveBack();
    await this.asking;
    if (!isAlive(client)) {
      this.discard();
      throw new UnavailableError(
        'The connection was lost before COMMIT; nothing was stored',
        'Repeat the unit of work.',
      );
    }
    const tells = this.audited && this.mayHaveWritten;
    const settings = tells ? this.beforehand(acting) : [];
    const settled = await Promise.allSettled(
      inOneWrite(client, () => [
        ...settings.map((text) => this.tell(client, text)),
        ...(tells ? [this.ask(client, COMMITTED)] : []),
        this.tell(client, 'COMMIT'),
      ]),
    );
    const end = settled.pop()!;
    const before = settled.find((outcome) => outcome.status === 'rejected')?.reason as unknown;
    if (end.status === 'rejected') throw this.lostOrRefused(end.reason, before);
    this.giveBack();
    if (end.value.command === 'COMMIT') return;
    // 25P02: the transaction had failed before.
    const state = sqlStateOf(before);
    throw state && state !== '25P02' ? mapError(before, COMMITTED.entity) : new UnexpectedRollbackError();
  }

  /** What to throw when COMMIT was not answered with a command tag. */
  private lostOrRefused(reason: unknown, before: unknown): Error {
    // A deferred constraint failed, or COMMIT was cancelled: PostgreSQL rolls back.
    if (isServerAnswer(reason)) return mapError(reason);
    this.discard();
    // The server said that it ended the session before it came to COMMIT.
    if (sqlStateOf(before)) return mapError(before);
    return new TransactionOutcomeUnknownError(mapError(reason), this.transactionId);
  }

  private learn({ rows }: StatementResult): void {
    this.transactionId ??= (rows[0]?.id as string | null | undefined) ?? undefined;
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

  /** Asks the server to cancel what runs; the connection stays. */
  cancel(): void {
    if (this.client) cancelStatement(this.client);
  }

  /** Closes the connection without waiting: the server rolls back. */
  discard(): void {
    this.ended = true;
    if (this.client) destroy(this.sequelize, this.client);
    this.client = undefined;
  }

  private open(): Promise<PooledClient> {
    this.opening ??= acquireInChain(this.sequelize).then(
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
      ...before.map((text) => this.tell(client, text)),
      ...statements.map((statement) => this.ask(client, statement)),
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

  /** What must go ahead of a statement: the begin, and who acts where that changed. */
  private beforehand(acting: Acting, context?: ExecutionContext): string[] {
    const settings = acting.settings(context);
    const changed = settings !== this.said;
    this.said = settings;
    if (this.begun) return changed && settings ? [settings] : [];
    this.begun = true;
    return [beginText(settings, this.options)];
  }

  private tell(client: PooledClient, text: string): Promise<QueryResult> {
    const { answerWithinMs } = this;
    return answerWithinMs === undefined
      ? client.query(text)
      : client.query({ text, query_timeout: answerWithinMs } as QueryConfig);
  }

  private ask(client: PooledClient, statement: Statement): Promise<QueryResult> {
    return query(client, statement, this.prepared, this.answerWithinMs);
  }

  private giveBack(): void {
    if (this.client) release(this.sequelize, this.client);
    this.client = undefined;
  }
}

/** Sends one statement on a connection, by the extended protocol: one text can then never smuggle in a second. */
export function query(
  client: PooledClient,
  statement: Statement,
  prepared: boolean,
  answerWithinMs?: number,
): Promise<QueryResult> {
  const config: QueryConfig & { queryMode: 'extended'; query_timeout?: number } = {
    text: statement.text,
    values: statement.values as unknown[],
    queryMode: 'extended',
    name: prepared ? statement.name : undefined,
    ...(answerWithinMs === undefined ? {} : { query_timeout: answerWithinMs }),
  };
  return client.query(config);
}

/** Reduces what the driver answers to rows, count and tag. */
export function toResult(result: QueryResult): StatementResult<Row> {
  return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0, command: result.command };
}
