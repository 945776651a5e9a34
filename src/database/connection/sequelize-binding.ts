import type { QueryOptions, Transaction, TransactionOptions } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import { currentContext } from '../context/ambient';
import { TransactionOptionsError } from '../transaction.errors';
import { asDuplicate, insertWithoutFunction, type InsertGenerator } from './find-or-create';
import {
  currentOwnTransaction,
  ownTransactionSettings,
  refuseOtherClinic,
  refuseOtherDatabase,
} from './own-transaction';
import { refuseDeadlock } from './pool-pressure';
import { inLoneScope } from './scope/lone-scope';
import { noteWrite, writerOf } from './replica/replicas';
import { stageOf } from './scope/rehearsal';
import { rehearsedTransaction } from './scope/rehearsed-transaction';
import { currentScope, scopeBehind } from './scope/current-scope';
import type { Scope } from './scope/scope';
import { ScopeTransaction } from './scope/scope-transaction';
import { scrubError } from './scrub-error';
import { type IsolationLevel, isStronger } from './session-settings';
import { refuseTransactionControl } from './transaction-control';

type Query = (sql: string | { query: string; values: unknown[] }, options?: QueryOptions) => Promise<unknown>;
type Begin = (
  options?: TransactionOptions,
  callback?: (transaction: Transaction) => Promise<unknown>,
) => Promise<unknown>;
type StartTransactionQuery = (transaction: Transaction & { parent?: Transaction }) => string;

/** The parts of Sequelize that the binding replaces on one instance. */
interface Seam {
  query: Query;
  transaction: Begin;
  getQueryInterface(): { queryGenerator: InsertGenerator & { startTransactionQuery: StartTransactionQuery } };
}

const bound = new WeakSet<Sequelize>();

/**
 * Binds one Sequelize instance to the ambient unit of work, without `Sequelize.useCLS`: that is global, and lets
 * stragglers fall back to autocommit (unit-of-work §1). Afterwards everything that runs on the instance, findOrCreate
 * and raw queries included, joins the current unit or gets a transaction with the tenant of its own.
 */
export function bindSequelize(sequelize: Sequelize, prepared: boolean): void {
  if (bound.has(sequelize)) return;
  bound.add(sequelize);
  const seam = sequelize as unknown as Seam;
  const query = seam.query.bind(sequelize);
  const begin = seam.transaction.bind(sequelize);

  shadowCls(sequelize);
  seam.query = (sql, options = {}) =>
    guardedQuery(sequelize, prepared, query, sql, options).catch((error: unknown) => {
      throw scrubError(asDuplicate(error, options));
    });
  seam.transaction = (first, second) => {
    const callback = typeof first === 'function' ? (first as typeof second) : second;
    const options = typeof first === 'function' ? undefined : first;
    return joinedTransaction(sequelize, prepared, begin, options, callback);
  };

  const { queryGenerator } = seam.getQueryInterface();
  insertWithoutFunction(queryGenerator);
  // A transaction that the caller opens without a unit of work still carries the tenant, in the message that begins it.
  const startText = queryGenerator.startTransactionQuery.bind(queryGenerator);
  queryGenerator.startTransactionQuery = (transaction) => {
    const text = startText(transaction);
    if (transaction.parent) return text;
    return `${text.replace(/;?\s*$/, ' READ WRITE;')}${ownTransactionSettings(transaction, currentContext())}`;
  };
}

/** `findOrCreate` and its like ask `sequelize.constructor._cls` for the transaction of this very instance. */
function shadowCls(sequelize: Sequelize): void {
  class Scoped extends (sequelize.constructor as typeof Sequelize) {}
  Object.defineProperty(Scoped, '_cls', {
    value: {
      // Of a settled unit, too: the query that follows is refused, and Sequelize's own clean-up, which asks, is not.
      get: (key: string) => (key === 'transaction' ? currentScope(sequelize)?.transaction : undefined),
      set: () => undefined,
      run: (fn: () => unknown) => fn(),
      bind: (fn: unknown) => fn,
    },
  });
  Object.defineProperty(sequelize, 'constructor', { value: Scoped, configurable: true });
}

async function guardedQuery(
  sequelize: Sequelize,
  prepared: boolean,
  query: Query,
  sql: Parameters<Query>[0],
  options: QueryOptions,
): Promise<unknown> {
  const chosen = options.transaction ?? currentOwnTransaction(sequelize);
  refuseOtherDatabase(sequelize, chosen);
  const text = typeof sql === 'string' ? sql : sql.query;
  if (chosen && !(chosen instanceof ScopeTransaction)) {
    // Its own end is Sequelize's business, whoever acts by then.
    if (!(options as { completesTransaction?: boolean }).completesTransaction) {
      refuseOtherClinic(chosen, currentContext());
    }
    noteWrite(sequelize, text, currentContext(), writerOf(chosen));
    return query(sql, { ...options, transaction: chosen });
  }
  refuseTransactionControl(text);
  const run = (on: Scope) => {
    noteWrite(sequelize, text, currentContext() ?? on.context, on.root);
    return on.runOnConnection(text, (transaction) => query(sql, { ...options, transaction }));
  };
  const scope = scopeBehind(chosen) ?? currentScope(sequelize);
  return scope ? run(scope) : inLoneScope(sequelize, { context: currentContext(), prepared }, run);
}

async function joinedTransaction(
  sequelize: Sequelize,
  prepared: boolean,
  begin: Begin,
  options: TransactionOptions | undefined,
  callback: ((transaction: Transaction) => Promise<unknown>) | undefined,
): Promise<unknown> {
  const chosen = options?.transaction;
  refuseOtherDatabase(sequelize, chosen);
  const scope = scopeBehind(chosen) ?? (chosen ? undefined : currentScope(sequelize));
  if (!scope && stageOf(sequelize)) {
    if (!callback) {
      throw new TransactionOptionsError(
        'sequelize.transaction() without a callback cannot be rehearsed',
        'Use the callback form, or executeInTransaction.',
      );
    }
    return rehearsedTransaction(sequelize, { context: currentContext(), prepared }, callback);
  }
  if (!scope) {
    refuseDeadlock(sequelize);
    return begin(options, callback);
  }
  scope.assertOpen();
  // findOrCreate hands in the unit's own transaction and never settles what it gets back.
  if (chosen && !callback) return scope.transaction;
  if (!callback) {
    throw new TransactionOptionsError(
      'sequelize.transaction() without a callback cannot open a second transaction inside a unit of work',
      'Use the callback form, or executeInTransaction; both join the unit.',
    );
  }
  const isolation = options?.isolationLevel as IsolationLevel | undefined;
  if (isolation && isStronger(isolation, scope.options.isolation)) {
    throw new TransactionOptionsError(
      'The open unit of work has a weaker isolation level',
      'Set it on the outermost unit.',
    );
  }
  try {
    return await scope.host(() => callback(scope.transaction));
  } catch (error) {
    scope.markRollbackOnly(error);
    throw error;
  }
}
