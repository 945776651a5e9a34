import { InvalidInputError } from '../database.errors';
import { isPlainObject } from './plain-object';

/** Options that every call of a repository takes. */
export const CALL_OPTIONS = ['context', 'transaction', 'withDeleted', 'fresh'] as const;

/** What an option must be; options that are not here are checked by the method that takes them. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['context', 'object'],
  ['transaction', 'object'],
  ['withDeleted', 'boolean'],
  ['fresh', 'boolean'],
  ['allowAll', 'boolean'],
]);

/**
 * Refuses options that the call does not know: ignored, `{ tranaction }` would write outside the caller's transaction,
 * and a context in the place of the options would act for somebody else.
 * @param call For the message, for example `Student.findById`.
 * @param keys What this call takes.
 * @throws InvalidInputError for an unknown key, null, or a value of the wrong kind. A key whose value is `undefined` is
 * as good as absent.
 */
export function readCallOptions<O extends object>(call: string, options: O, keys: readonly string[] = CALL_OPTIONS): O {
  const refuse = (rule: string): never => {
    throw new InvalidInputError(`${call}: ${rule}`, 'Correct the options of the call.', {
      entity: call.slice(0, call.indexOf('.')),
    });
  };
  if (!isPlainObject(options)) refuse('options must be an object');
  for (const key in options) {
    if (!keys.includes(key)) refuse(`options take ${keys.join(', ')} only`);
    const value: unknown = options[key];
    if (value === undefined) continue;
    if (value === null) refuse(`the option ${key} is null; leave it out`);
    const kind = KINDS.get(key);
    if (kind && typeof value !== kind) refuse(`the option ${key} is no ${kind}`);
  }
  return options;
}
