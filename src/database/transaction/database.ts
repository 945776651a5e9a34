import { Inject, Injectable } from '@nestjs/common';
import { poolStatus } from '../connection/connections';
import { replicasOf } from '../connection/replica/replicas';
import { refuseTransactionControl } from '../connection/transaction-control';
import type { Row, Statement } from '../connection/statement';
import { isStorableText } from '../context/execution-context';
import type { RunOptions, StatementRunner } from '../connection/statement-runner';
import { DatabaseError, InvalidInputError, UnexpectedRowCountError } from '../database.errors';
import { getDataSourceToken } from './data-source-token';
import type { UnitOfWork } from './unit-of-work';
import type { IUnitOfWork } from './unit-of-work.interface';

/** How the connection stands; nothing in it is secret. */
export interface ConnectionStatus {
  readonly connected: boolean;
  /** Code of the last failure, for example `UNAVAILABLE`. */
  readonly lastError?: string;
  readonly lastErrorAt?: Date;
  /** Connections: open, in use, and calls that wait for one. */
  readonly pool: { readonly size: number; readonly used: number; readonly waiting: number };
  /** Replicas named in the options, and how many of them are read from now; absent where there are none. */
  readonly replicas?: { readonly configured: number; readonly usable: number };
}

/** Raw SQL, always parameterised and always inside the unit of work and the tenant (operations §4, 004-04). */
@Injectable()
export class Database {
  private lastError?: { readonly code: string; readonly at: Date };

  constructor(
    private readonly runner: StatementRunner,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /**
   * Runs one statement and answers its rows.
   * @param sql One statement with `$1`, `$2`, …
   * @param params Values of the placeholders.
   * @throws InvalidInputError for transaction control, which belongs to the unit of work.
   */
  async query<R extends object = Row>(
    sql: string,
    params: readonly unknown[] = [],
    options?: RunOptions,
  ): Promise<R[]> {
    return (await this.run<R>(sql, params, options)).rows;
  }

  /** Exactly one row. @throws UnexpectedRowCountError otherwise. */
  async one<R extends object = Row>(sql: string, params?: readonly unknown[], options?: RunOptions): Promise<R> {
    return expectOne(await this.query<R>(sql, params, options), 'exactly one row')!;
  }

  /** One row or null. @throws UnexpectedRowCountError for more. */
  async oneOrNone<R extends object = Row>(
    sql: string,
    params?: readonly unknown[],
    options?: RunOptions,
  ): Promise<R | null> {
    const rows = await this.query<R>(sql, params, options);
    return rows.length === 0 ? null : expectOne(rows, 'at most one row');
  }

  /** At least one row. @throws UnexpectedRowCountError for none. */
  async many<R extends object = Row>(sql: string, params?: readonly unknown[], options?: RunOptions): Promise<R[]> {
    const rows = await this.query<R>(sql, params, options);
    if (rows.length === 0) throw rowCount('at least one row', 0);
    return rows;
  }

  /**
   * No rows: for INSERT, UPDATE and DELETE without RETURNING.
   * @returns The number of rows changed.
   * @throws UnexpectedRowCountError when rows come back; the statement was rolled back.
   */
  async none(sql: string, params: readonly unknown[] = [], options?: RunOptions): Promise<number> {
    return this.unitOfWork.executeInTransaction(async () => {
      const result = await this.run(sql, params, options);
      if (result.rows.length > 0) throw rowCount('no row', result.rows.length);
      return result.rowCount;
    }, options?.context);
  }

  /** Runs `fn` in a unit of work: commits when it returns, rolls back when it throws (004-05). */
  tx<T>(fn: (uow: IUnitOfWork) => Promise<T>): Promise<T> {
    return this.unitOfWork.executeInTransaction(fn);
  }

  /** True when the database answers. Never throws. */
  async isHealthy(): Promise<boolean> {
    try {
      await this.unitOfWork.runOutsideTransaction(() => this.runner.run(ping));
      this.lastError = undefined;
      return true;
    } catch (error) {
      this.lastError = { code: error instanceof DatabaseError ? error.code : 'UNKNOWN', at: new Date() };
      return false;
    }
  }

  /** Asks the database, and says how the connection stands. */
  async getConnectionStatus(): Promise<ConnectionStatus> {
    const connected = await this.isHealthy();
    const replicas = replicasOf(this.runner.sequelize)?.status;
    return {
      connected,
      ...(this.lastError ? { lastError: this.lastError.code, lastErrorAt: this.lastError.at } : {}),
      pool: poolStatus(this.runner.sequelize),
      ...(replicas ? { replicas } : {}),
    };
  }

  private async run<R extends object>(sql: string, params: readonly unknown[], options?: RunOptions) {
    if (typeof sql !== 'string' || !Array.isArray(params)) {
      throw new InvalidInputError('A query is text, and its parameters are a list', 'Pass query(sql, [value, …]).');
    }
    refuseTransactionControl(sql);
    // Raw SQL may write, so it always carries the acting context.
    return this.runner.run<R>({ text: sql, values: params.map(bindable), operation: 'query', write: true }, options);
  }
}

/** Injects Database of the data source named; default: the one without a name, which its class alone injects, too. */
export const InjectDatabase = (dataSource?: string): ParameterDecorator & PropertyDecorator =>
  Inject(getDataSourceToken(Database, dataSource));

/** The driver would make text of an object when the begin is on its way already; one that has no text is refused before. */
function bindable(value: unknown): unknown {
  if (typeof value === 'string' && !isStorableText(value)) {
    throw new InvalidInputError(
      'A parameter is text with NUL or a lone surrogate',
      'Clean it: PostgreSQL cannot store it as it is.',
    );
  }
  if (typeof value !== 'object' || value === null || value instanceof Date || ArrayBuffer.isView(value)) return value;
  try {
    return Array.isArray(value) ? value.map(bindable) : JSON.stringify(value);
  } catch {
    throw new InvalidInputError(
      'A parameter cannot be written as JSON',
      'Pass plain data: no cycles, no BigInt inside an object.',
    );
  }
}

const ping: Statement = { text: 'SELECT 1', values: [], operation: 'ping', write: false };

function expectOne<R>(rows: readonly R[], expected: string): R {
  if (rows.length !== 1) throw rowCount(expected, rows.length);
  return rows[0] as R;
}

function rowCount(expected: string, actual: number): UnexpectedRowCountError {
  return new UnexpectedRowCountError(
    `The query should give ${expected}, and gave ${actual}`,
    'Use query, one, oneOrNone, many or none as the statement needs.',
  );
}
