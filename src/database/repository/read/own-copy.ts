import type { Row } from '../../connection/statement';
import type { ExecutionContext } from '../../context/execution-context';

/** A row with values of its own: dates, buffers and JSON can be changed by whoever holds them. */
export function copyRow(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([attribute, value]) => [attribute, copyValue(value)]));
}

function copyValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  // A structured clone of it would be a plain Uint8Array.
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  return structuredClone(value);
}

/**
 * Who acts, as it is now. What createExecutionContext makes is frozen; a context made by hand could be turned to another
 * clinic before the call has sent its last statement.
 */
export function ownContext(context: ExecutionContext | undefined): ExecutionContext | undefined {
  return context === undefined || Object.isFrozen(context) ? context : Object.freeze({ ...context });
}

/** The same error for another caller, who may add to it or change it. */
export function copyError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message, stack, cause } = error;
  const copy = Object.assign(new Error(message, cause === undefined ? undefined : { cause }), error);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object);
  return Object.defineProperty(copy, 'stack', { value: stack, writable: true, configurable: true });
}
