import { Transaction } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import { ambient, runWithScope } from '../context/ambient';
import type { ExecutionContext } from '../context/execution-context';
import { TransactionOptionsError, TransactionScopeClosedError } from '../transaction.errors';
import type { PooledClient } from './connections';
import { contextSetting, tenantSetting, twoClinics } from './session-settings';

/** Clinics of the transactions that callers opened with `sequelize.transaction()`. */
const clinics = new WeakMap<Transaction, string>();

/** Stands for a Sequelize instance where the chain of calls carries a caller's own transaction. */
const places = new WeakMap<Sequelize, object>();

/** A savepoint of Sequelize's works for the clinic of the transaction that it is in. */
function outermost(transaction: Transaction & { parent?: Transaction | null }): Transaction {
  return transaction.parent ? outermost(transaction.parent) : transaction;
}

function placeOf(sequelize: Sequelize): object {
  let place = places.get(sequelize);
  if (!place) places.set(sequelize, (place = {}));
  return place;
}

/** Runs `fn`, whose statements that name no transaction run on this one. */
export function runInOwnTransaction<T>(
  sequelize: Sequelize,
  transaction: Transaction | undefined,
  context: ExecutionContext | undefined,
  fn: () => T,
): T {
  // The unit that may be open is not what the caller chose.
  return runWithScope(sequelize, undefined, context, () => runWithScope(placeOf(sequelize), transaction, context, fn));
}

/** The caller's own transaction that the chain of calls runs in, unless a unit of work was opened inside it. */
export function currentOwnTransaction(sequelize: Sequelize): Transaction | undefined {
  const { scopes } = ambient();
  return scopes.has(sequelize) ? undefined : (scopes.get(placeOf(sequelize)) as Transaction | undefined);
}

/**
 * What a caller's own transaction must be told before it works for `context`.
 * @returns `SET LOCAL` statements, or an empty text.
 * @throws TenantDeniedError when it works for another clinic already.
 */
export function ownTransactionSettings(transaction: Transaction, context: ExecutionContext | undefined): string {
  if (!context) return '';
  const whole = outermost(transaction);
  const clinicId = clinics.get(whole) ?? context.clinicId;
  if (context.clinicId !== clinicId) throw twoClinics();
  if (clinicId) clinics.set(whole, clinicId);
  return tenantSetting(clinicId) + contextSetting(context);
}

/** @throws TenantDeniedError when a caller's own transaction works for another clinic than `context`. */
export function refuseOtherClinic(transaction: Transaction, context: ExecutionContext | undefined): void {
  const clinicId = clinics.get(outermost(transaction));
  if (context && clinicId && context.clinicId !== clinicId) throw twoClinics();
}

/** @throws TransactionOptionsError for a transaction on another database: the statement would run there. */
export function refuseOtherDatabase(sequelize: Sequelize, transaction: unknown): void {
  if (
    transaction instanceof Transaction &&
    (transaction as Transaction & { sequelize: unknown }).sequelize !== sequelize
  ) {
    throw new TransactionOptionsError(
      'The transaction belongs to another database',
      'Pass a transaction of the Sequelize instance that the model was added to.',
    );
  }
}

/**
 * The connection of a caller's own transaction.
 * @throws TransactionScopeClosedError when it was committed or rolled back: its connection is someone else's by now.
 */
export function ownConnection(transaction: Transaction): PooledClient {
  const { connection, finished } = transaction as Transaction & {
    connection?: PooledClient;
    finished?: 'commit' | 'rollback';
  };
  if (!connection || finished)
    throw new TransactionScopeClosedError(finished === 'commit' ? 'committed' : 'rolled back');
  return connection;
}
