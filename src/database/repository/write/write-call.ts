import type { Transaction } from 'sequelize';
import { scopeBehind } from '../../connection/scope/current-scope';
import { runInOwnTransaction } from '../../connection/own-transaction';
import type { Row, Statement } from '../../connection/statement';
import { runWithContext, runWithScope } from '../../context/ambient';
import type { ExecutionContext } from '../../context/execution-context';
import { RepositoryError } from '../../database.errors';
import type { EntityDescription } from '../../model/entity-description';
import type { DatabaseRuntime } from '../../transaction/runtime';
import type { EntityStatements, SelectRequest } from '../statement/entity-statements';

const TURN = {
  text: 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))',
  name: 'phi_turn',
  write: true,
};

/** What a call needs of its repository. */
export interface WriteParts<T> {
  /** For errors. */
  readonly entityName: string;
  readonly entity: EntityDescription;
  readonly statements: EntityStatements;
  readonly runtime: DatabaseRuntime;
  readonly toEntity: (row: Row) => T;
  /** Drops what is cached of the entity; absent where nothing is. */
  readonly invalidate?: (entity: T) => Promise<void> | void;
}

/** What a statement wrote: the rows, and what callers get of each. */
export interface Written<T> {
  readonly rows: readonly Row[];
  readonly entities: readonly T[];
}

/** One call of a writing method: who acts, and where its statements go. */
export class WriteCall<T> {
  constructor(
    readonly operation: string,
    readonly actor: ExecutionContext,
    readonly transaction: Transaction | undefined,
    readonly parts: WriteParts<T>,
  ) {}

  /** Writes; caches are seen to once it is committed. */
  async store(statement: Statement): Promise<Written<T>> {
    const rows = await this.run(statement);
    const { runtime, toEntity, invalidate } = this.parts;
    const entities = rows.map(toEntity);
    if (invalidate && entities.length > 0) {
      await runtime.unitOfWork.whenCommitted(async () => {
        // On behalf of who wrote: keys of a cache hold the clinic.
        for (const entity of entities) await runWithContext(this.actor, () => invalidate(entity));
      }, this.transaction);
    }
    return { rows, entities };
  }

  /** Reads rows; `lock: true` keeps them as they are until the transaction ends. */
  read(request: SelectRequest): Promise<readonly Row[]> {
    return this.run(this.parts.statements.select(this.operation, request));
  }

  /**
   * The same for one caller at a time: who asks by the same name waits until the transaction of the other has ended,
   * and sees what it stored.
   * @param name Travels as a value; the server keeps a hash of it.
   */
  async readInTurn(name: string, request: SelectRequest): Promise<readonly Row[]> {
    const { entity, statements, runtime } = this.parts;
    const operation = `${entity.name}.${this.operation}`;
    const turn: Statement = { ...TURN, values: [name], operation, entity: entity.name };
    // In one flight: the second statement has a snapshot of its own, from after the wait.
    const flight = [turn, statements.select(this.operation, request)];
    const [, result] = await runtime.runner.runAll(flight, this.options());
    return result!.rows;
  }

  /**
   * Runs `fn` as one unit: in the transaction that the caller handed in, else in the current unit or one of its own.
   * @param fn Returns a RepositoryError to refuse while nothing is written: it is thrown outside the unit, so that an
   * outer unit whose caller catches it can still commit.
   */
  async together<R>(fn: () => Promise<R | RepositoryError>): Promise<R> {
    const result = await this.insideUnit(fn);
    if (result instanceof RepositoryError) throw result;
    return result;
  }

  private insideUnit<R>(fn: () => Promise<R>): Promise<R> {
    const { transaction, actor } = this;
    const { runner, unitOfWork } = this.parts.runtime;
    if (!transaction) return unitOfWork.executeInTransaction(fn, actor);
    // That of a unit of work, which need not be the one that the chain of calls is in.
    const scope = scopeBehind(transaction);
    if (scope) return runWithScope(runner.sequelize, scope, actor, () => unitOfWork.executeInTransaction(fn, actor));
    // What hooks read and write belongs to it, too.
    return runInOwnTransaction(runner.sequelize, transaction, actor, fn);
  }

  private async run(statement: Statement): Promise<Row[]> {
    return (await this.parts.runtime.runner.run(statement, this.options())).rows;
  }

  private options() {
    // Never from a replica: what is read decides what is written.
    return { context: this.actor, transaction: this.transaction, fresh: true };
  }
}
