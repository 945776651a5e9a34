import { BaseError } from 'sequelize';

/** What may stay of a driver's error: names of things. */
const SAFE = ['code', 'severity', 'constraint', 'table', 'column', 'schema', 'routine'];

interface Leaky {
  sql?: unknown;
  parameters?: unknown;
  parent?: object;
  original?: object;
  fields?: Record<string, unknown>;
  value?: unknown;
  errors?: { message: string; value?: unknown; instance?: unknown; path?: string | null }[];
}

/**
 * Takes the values out of an error of Sequelize, in place: its class stays, so that callers of a model can tell what
 * happened, but message, SQL, parameters, fields and the driver's detail carry values (unit-of-work §3).
 */
export function scrubError<E>(error: E): E {
  if (!(error instanceof BaseError)) return error;
  const leaky = error as BaseError & Leaky;
  const driver = leaky.parent ?? leaky.original;
  const state = (driver as { code?: string } | undefined)?.code;
  const message = `${error.name}${state ? ` (${state})` : ''}`;
  error.message = message;
  error.stack = `${message}\n${(error.stack ?? '')
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n')}`;
  delete leaky.sql;
  delete leaky.parameters;
  delete leaky.value;
  if (leaky.fields && !Array.isArray(leaky.fields))
    leaky.fields = Object.fromEntries(Object.keys(leaky.fields).map((name) => [name, '']));
  for (const item of leaky.errors ?? []) {
    item.message = `${item.path ?? 'value'} is not valid`;
    delete item.value;
    delete item.instance;
  }
  if (driver) {
    const names = Object.fromEntries(
      SAFE.flatMap((key) => (key in driver ? [[key, (driver as Record<string, unknown>)[key]]] : [])),
    );
    leaky.parent = leaky.original = Object.assign(new Error(message), names);
  }
  return error;
}
