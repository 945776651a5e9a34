import { runWithContext } from '../context/ambient';
import type { ExecutionContext } from '../context/execution-context';
import { TransactionOptionsError } from '../transaction.errors';
import { UnitOfWork } from '../transaction/unit-of-work';
import type { IUnitOfWork } from '../transaction/unit-of-work.interface';

/** How a test runs in a transaction. */
export interface WithRollbackOptions {
  /** Who acts in `fn`; default: the ambient context. */
  readonly context?: ExecutionContext;
  /** `run` (default): afterCommit hooks run when their unit of work succeeds. `hold`: they do not run at all. */
  readonly afterCommit?: 'run' | 'hold';
}

/**
 * Runs a test in one transaction that is always rolled back. Everything that runs on the database meanwhile takes part,
 * other chains of calls such as HTTP handlers included: it sees what the test wrote, and leaves nothing.
 *
 * The application notices nothing: units of work, REQUIRES_NEW and lone statements become savepoints, each with a clinic
 * of its own, and fail by themselves. They queue, since there is one connection: a unit must not wait for a call that runs
 * beside it. Isolation levels and limits of the server are not applied, constraints that are checked at COMMIT are not
 * reached, and REQUIRES_NEW goes when the unit around it rolls back.
 * @param unitOfWork That of the database.
 * @param fn Awaits everything it starts: what runs later runs for real.
 * @returns What `fn` returns.
 * @throws TransactionOptionsError inside a unit of work, or while another withRollback runs on the database.
 */
export async function withRollback<T>(
  unitOfWork: IUnitOfWork,
  fn: () => Promise<T>,
  { context, afterCommit = 'run' }: WithRollbackOptions = {},
): Promise<T> {
  if (!(unitOfWork instanceof UnitOfWork)) {
    throw new TransactionOptionsError(
      'withRollback needs the unit of work of a DatabaseModule',
      "Pass module.get('IUnitOfWork').",
    );
  }
  if (afterCommit !== 'run' && afterCommit !== 'hold') {
    throw new TransactionOptionsError("afterCommit is 'run' or 'hold'", 'Correct the option.');
  }
  const run = () => unitOfWork.rehearse(fn, afterCommit === 'run');
  return context ? runWithContext(context, run) : run();
}
