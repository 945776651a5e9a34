/** How a unit of work ended. */
export type CompletionStatus = 'committed' | 'rolled back' | 'unknown';

/** How a unit of work stands. `finishing`: the callback returned, beforeCommit hooks may still run statements. */
export type ScopeState = 'active' | 'finishing' | 'committing' | CompletionStatus;

/** Work that hangs on the outcome of a unit of work. */
export class ScopeHooks {
  readonly beforeCommit: (() => unknown)[] = [];
  readonly afterCommit: (() => unknown)[] = [];
  readonly afterRollback: ((error: unknown) => unknown)[] = [];
  readonly afterCompletion: ((status: CompletionStatus) => unknown)[] = [];

  /** Hooks of a savepoint belong to the outer unit once it is released. */
  hoistTo(outer: ScopeHooks): void {
    outer.beforeCommit.push(...this.beforeCommit);
    outer.afterCommit.push(...this.afterCommit);
    outer.afterRollback.push(...this.afterRollback);
    outer.afterCompletion.push(...this.afterCompletion);
  }
}
