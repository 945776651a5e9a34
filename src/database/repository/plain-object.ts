/** True for an object with keys, and none for a list, a Map, a Date or a function. */
export function isPlainObject(value: unknown): value is object {
  return Object.prototype.toString.call(value) === '[object Object]';
}

/**
 * All that a caller's object says.
 * @returns Undefined for what is no such object, or says something out of sight: by an inherited or hidden key, or by a
 * symbol, as Sequelize's `Op` does. Passed over, it would widen a filter.
 */
export function entriesOf(value: unknown): [string, unknown][] | undefined {
  if (!isPlainObject(value)) return undefined;
  const entries = Object.entries(value);
  if (Reflect.ownKeys(value).length !== entries.length) return undefined;
  for (const key in value) if (!Object.hasOwn(value, key)) return undefined;
  return entries;
}
