import type { Sequelize } from 'sequelize-typescript';
import { ambient } from '../../context/ambient';
import type { Scope } from './scope';
import { ScopeTransaction } from './scope-transaction';

/** The unit of work that the current chain of calls runs in, on this Sequelize instance. */
export function currentScope(sequelize: Sequelize): Scope | undefined {
  return ambient().scopes.get(sequelize) as Scope | undefined;
}

/** The unit of work that a transaction of Sequelize stands for; undefined for a caller's own. */
export function scopeBehind(transaction: unknown): Scope | undefined {
  return transaction instanceof ScopeTransaction ? (transaction as ScopeTransaction<Scope>).scope : undefined;
}
