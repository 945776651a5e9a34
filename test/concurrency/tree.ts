import type { Propagation } from '../../src';

export const HOOKS = ['beforeCommit', 'afterCommit', 'afterRollback', 'afterCompletion'] as const;
export type HookKind = (typeof HOOKS)[number];

/** Every way in which a row is written. `alone` in the model and here: one statement. */
export const WAYS = ['raw', 'repository', 'model', 'findOrCreate', 'sequelize'] as const;
export type Way = (typeof WAYS)[number];

interface Common {
  /** Unique in its tree. Rows, hooks and results are named after it. */
  readonly id: number;
  /** True: what it rejects with is caught on the spot, and the list of steps goes on. */
  readonly caught: boolean;
}

/** One thing that the code inside a unit of work does. */
export type Step = Common &
  (
    | { readonly do: 'write'; readonly way: Way }
    /** A write that only COMMIT finds out to be wrong (a deferred constraint). */
    | { readonly do: 'bomb' }
    /** An SQL error: PostgreSQL refuses everything until somebody rolls back. */
    | { readonly do: 'fail'; readonly way: Way }
    | { readonly do: 'throw' }
    | { readonly do: 'hook'; readonly on: HookKind; readonly body: readonly Step[] }
    | { readonly do: 'unit'; readonly propagation: Propagation; readonly body: readonly Step[] }
    /** runOutsideTransaction. */
    | { readonly do: 'outside'; readonly body: readonly Step[] }
    /** Branches at once; all are awaited, and the first (by place) that rejected is thrown. */
    | { readonly do: 'parallel'; readonly branches: readonly (readonly Step[])[] }
    /** A write that nobody awaits; always the last step of a list. */
    | { readonly do: 'float' }
    /** Steps that begin only once the call they were planted in has settled. */
    | { readonly do: 'straggle'; readonly body: readonly Step[] }
    /** A unit that nobody awaits: it runs `body`, waits until the call it is in has settled, and goes on with `after`. */
    | {
        readonly do: 'abandon';
        readonly propagation: Propagation;
        readonly body: readonly Step[];
        readonly after: readonly Step[];
      }
    /** A write on behalf of a call further out: 1 is the call around the innermost one. */
    | { readonly do: 'write further out'; readonly levels: number }
  );

export type Tree = readonly Step[];

/** A hook that ran, or a write inside one; `path` names the parallel branch that registered it. */
export interface LogEntry {
  readonly path: string;
  readonly text: string;
}

/** All that can be seen of a run. */
export interface Observed {
  /** What each step came to: `ok`, or the code of what it rejected with. A step that is absent did not run. */
  readonly results: ReadonlyMap<string, string>;
  /** Steps whose rows are stored in the end. */
  readonly rows: readonly number[];
  /** Hooks in the order in which they ran. */
  readonly log: readonly LogEntry[];
  /** What the audit trail holds about transactions. */
  readonly trail: {
    /** Outcome events of transactions that stored something. */
    readonly committed: number;
    /** The same of those that wrote, took it back to a savepoint, and committed nothing. */
    readonly committedNothing: number;
    readonly rolledBack: number;
    /** Steps whose rows the trail says were created. */
    readonly created: readonly number[];
  };
}

/** The lists of steps inside a step, in order. */
export function listsOf(step: Step): readonly Tree[] {
  switch (step.do) {
    case 'parallel':
      return step.branches;
    case 'abandon':
      return [step.body, step.after];
    case 'hook':
    case 'unit':
    case 'outside':
    case 'straggle':
      return [step.body];
    default:
      return [];
  }
}

/** The same step with other lists inside. */
export function withLists(step: Step, lists: readonly Tree[]): Step {
  switch (step.do) {
    case 'parallel':
      return { ...step, branches: lists };
    case 'abandon':
      return { ...step, body: lists[0]!, after: lists[1]! };
    case 'hook':
    case 'unit':
    case 'outside':
    case 'straggle':
      return { ...step, body: lists[0]! };
    default:
      return step;
  }
}

/** The tree as text, one step a line. */
export function print(tree: Tree, indent = ''): string {
  return tree.map((step) => line(step, indent)).join('\n');
}

function line(step: Step, indent: string): string {
  const detail = [
    'way' in step ? step.way : '',
    'on' in step ? step.on : '',
    'propagation' in step ? step.propagation : '',
    'levels' in step ? String(step.levels) : '',
  ].join('');
  const head = `${indent}${step.id} ${step.do}${detail ? ` ${detail}` : ''}${step.caught ? ' (caught)' : ''}`;
  const inner = listsOf(step).map((list) => print(list, `${indent}  `));
  const separator = step.do === 'abandon' ? `\n${indent}  … after the outer call settled\n` : `\n${indent}  ----\n`;
  return inner.some((text) => text !== '') ? `${head}\n${inner.join(separator)}` : head;
}

/**
 * How many connections a tree can hold at once, at most.
 * @param inUnit True: a write needs none of its own.
 */
export function connectionsOf(tree: Tree, inUnit = false): number {
  let most = 0;
  let held = 0;
  for (const step of tree) {
    const inside = (within: boolean) => Math.max(0, ...listsOf(step).map((list) => connectionsOf(list, within)));
    switch (step.do) {
      case 'parallel':
        most = Math.max(
          most,
          step.branches.reduce((sum, branch) => sum + connectionsOf(branch, inUnit), 0),
        );
        break;
      case 'unit':
      case 'abandon': {
        const need = 1 + Math.max(inside(true), inside(false));
        if (step.do === 'abandon') held += need;
        else most = Math.max(most, need);
        break;
      }
      case 'hook':
      case 'straggle':
      case 'outside':
        most = Math.max(most, inside(false));
        break;
      default:
        most = Math.max(most, inUnit ? 0 : 1);
    }
  }
  return most + held;
}
