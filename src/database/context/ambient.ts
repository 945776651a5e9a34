import { AsyncLocalStorage } from 'node:async_hooks';
import type { ExecutionContext } from './execution-context';

/**
 * One request: what the outermost runWithContext, or the interceptor, ran. Mutable, and shared by all that it calls,
 * because a write deep inside must be known to the reads that come after it anywhere in the request.
 */
export interface RequestMark {
  /** Sequelize instances that the request has written to: its reads there no longer go to a replica. */
  readonly wroteTo: Set<object>;
}

/**
 * What travels with a chain of calls: the acting context, and for each Sequelize instance the scope of its
 * transaction. Immutable: an inner call gets a copy, so that an outer one never sees what an inner one set. Only the
 * mark of the request is one for all.
 */
export interface Ambient {
  readonly context?: ExecutionContext;
  readonly scopes: ReadonlyMap<object, object>;
  readonly request?: RequestMark;
  /** For each Sequelize instance what else is known of the chain; kept where a scope is removed. */
  readonly places?: ReadonlyMap<object, object>;
}

const EMPTY: Ambient = { scopes: new Map() };
const storage = new AsyncLocalStorage<Ambient>();

/** What the current chain of calls carries. */
export function ambient(): Ambient {
  return storage.getStore() ?? EMPTY;
}

/**
 * Runs `fn` with the scope of one Sequelize instance set or, for `undefined`, removed.
 * @param place What else is known of the chain there; default: what was known outside.
 */
export function runWithScope<T>(
  key: object,
  scope: object | undefined,
  context: ExecutionContext | undefined,
  fn: () => T,
  place?: object,
): T {
  const { scopes: outer, request, places: outerPlaces } = ambient();
  const places = place ? new Map(outerPlaces).set(key, place) : outerPlaces;
  const scopes = new Map(outer);
  if (scope) scopes.set(key, scope);
  else scopes.delete(key);
  return storage.run({ context, scopes, request, places }, fn);
}

/** True when reads on this Sequelize instance must not lag: the request has written to it, or there is no request. */
export function mustBeFresh(sequelize: object): boolean {
  const { request } = ambient();
  return !request || request.wroteTo.has(sequelize);
}

/** The context of the current chain of calls, if any. */
export function currentContext(): ExecutionContext | undefined {
  return ambient().context;
}

/**
 * Runs `fn` on behalf of `context`: every repository call inside uses it unless it is given another one.
 * @returns What `fn` returns.
 */
export function runWithContext<T>(context: ExecutionContext, fn: () => T): T {
  const { scopes, request = { wroteTo: new Set<object>() }, places } = ambient();
  return storage.run({ context, scopes, request, places }, fn);
}
