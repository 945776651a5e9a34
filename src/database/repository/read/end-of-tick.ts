// Held on to: under fake timers of a test nobody would call what is handed to the replaced one.
const { nextTick } = process;
const now = Promise.resolve();

/**
 * Runs `fn` when everything that this tick set off has run, other promise chains included, and before any answer of the
 * network is read. A microtask alone would run ahead of chains that have a few more steps to go; the next tick alone,
 * asked for outside a microtask, ahead of all of them.
 */
export function atEndOfTick(fn: () => void): void {
  void now.then(() => nextTick(fn));
}
