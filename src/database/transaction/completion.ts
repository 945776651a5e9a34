import { Logger } from '@nestjs/common';
import type { Sequelize } from 'sequelize-typescript';
import { inLoneScope } from '../connection/scope/lone-scope';
import { notCommitted } from '../connection/scope/outcome-event';
import { holdsAfterCommit } from '../connection/scope/rehearsal';
import type { Scope } from '../connection/scope/scope';
import type { CompletionStatus } from '../connection/scope/scope-hooks';
import { DatabaseError } from '../database.errors';

/** How long the caller of a failed unit waits for the event of its outcome, in ms. The event itself may take longer. */
const EVENT_WAIT_MS = 1_000;

/** What comes after the outcome of a unit of work and cannot change it: its hooks, and the event of a failure. */
export class Completion {
  private readonly logger = new Logger('UnitOfWork');

  constructor(
    private readonly sequelize: Sequelize,
    private readonly prepared: boolean,
  ) {}

  /** Runs the hooks in order; a throw is reported, never passed on. */
  async runHooks(scope: Scope, error: unknown): Promise<void> {
    const status = scope.state as CompletionStatus;
    const stored = status === 'committed' && !holdsAfterCommit(this.sequelize);
    const hooks: (() => unknown)[] = stored ? [...scope.hooks.afterCommit] : [];
    if (status === 'rolled back') hooks.push(...scope.hooks.afterRollback.map((hook) => () => hook(error)));
    hooks.push(...scope.hooks.afterCompletion.map((hook) => () => hook(status)));
    for (const hook of hooks) await this.reported(status, hook);
  }

  /** Runs one hook of a unit that ended with `status`. */
  async reported(status: CompletionStatus, hook: () => unknown): Promise<void> {
    try {
      await hook();
    } catch (thrown) {
      this.logger.error(`A hook failed after the unit of work was ${status}: ${kindOf(thrown)}`);
    }
  }

  /**
   * Leaves an event of a unit that had written and was not committed, on a connection of its own (003-26). A failure is
   * logged: the outcome is what it is.
   */
  async recordFailure({ state, transactionId, context }: Scope, error: unknown): Promise<void> {
    if (transactionId === undefined || state === 'committed') return;
    const outcome = state === 'unknown' ? 'UNKNOWN' : 'ROLLED_BACK';
    const event = notCommitted(outcome, transactionId, error instanceof DatabaseError ? error.code : 'APPLICATION');
    const stored = inLoneScope(this.sequelize, { context, prepared: this.prepared }, (scope) =>
      scope.send([event]),
    ).then(
      () => undefined,
      (thrown: unknown) =>
        this.logger.error(`The outcome of a unit of work (${outcome}) could not be recorded: ${kindOf(thrown)}`),
    );
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, EVENT_WAIT_MS);
    });
    await Promise.race([stored, enough]);
    clearTimeout(timer);
  }
}

/** Only the kind of an error: its message may be the application's and carry values. */
function kindOf(thrown: unknown): string {
  if (thrown instanceof DatabaseError) return thrown.code;
  return thrown instanceof Error ? thrown.name : typeof thrown;
}
