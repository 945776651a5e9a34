import type { Sequelize } from 'sequelize-typescript';
import { ambient } from '../../context/ambient';

/** A unit of work, as far as the pool is concerned. */
export interface Holder {
  /** True while it has a connection that nobody else can get. */
  readonly holdsConnection: boolean;
}

/** Where a chain of calls stands on one Sequelize instance, besides the unit of work that it runs in. */
export interface Place {
  /** The outermost units that the chain is inside of, suspended ones included. */
  readonly holders: readonly Holder[];
  /** The unit that the chain entered last, suspended or not. */
  readonly innermost?: object;
  /** The outermost unit that the chain may only read in: a joined unit asked for that. */
  readonly readOnlyIn?: object;
  /** The outermost unit whose beforeCommit hooks the chain belongs to. */
  readonly hooksOf?: object;
}

const NOWHERE: Place = { holders: [] };

/** Where the current chain of calls stands. */
export function placeOf(sequelize: Sequelize): Place {
  return (ambient().places?.get(sequelize) as Place | undefined) ?? NOWHERE;
}
