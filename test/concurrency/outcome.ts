import {
  type CompletionStatus,
  type ExecutionContext,
  type IUnitOfWork,
  type TransactionOptions,
  TransactionOutcomeUnknownError,
} from '../../src';
import type { RawAuditEvent } from '../support/audit-events';
import { eventually, type StudentApp } from '../support/student-app';

/** What somebody was told about some work, and what they can find out. */
export interface Told {
  /** How the work claims to have ended. */
  readonly claim: CompletionStatus;
  readonly error?: unknown;
  /** Hooks that ran, in order, over all attempts. */
  readonly hooks: readonly string[];
  /** How often the callback was run. */
  readonly attempts: number;
}

/** What is really there. */
export interface Truth {
  /** Numbers of the stored students. */
  readonly rows: readonly string[];
  /** Students that the trail says were created. */
  readonly created: readonly string[];
  /** Outcomes that the trail holds, with the transaction they are about. */
  readonly outcomes: readonly { readonly outcome: string; readonly transactionId: string }[];
  /** Transactions of the events of rows. */
  readonly transactions: readonly string[];
}

let cases = 0;

/** A context of its own, by whose request id the trail of one case is found. */
export function caseContext(app: StudentApp): ExecutionContext {
  cases += 1;
  return Object.freeze({ ...app.clinics.a, requestId: `case-${cases}-` });
}

/** Runs a unit of work and says what its caller was told. */
export async function tell(
  app: StudentApp,
  context: ExecutionContext,
  work: (uow: IUnitOfWork) => Promise<unknown>,
  options: TransactionOptions = {},
): Promise<Told> {
  const hooks: string[] = [];
  let attempts = 0;
  const unit = app.unitOfWork.executeInTransaction(
    async (uow) => {
      attempts += 1;
      uow.afterCommit(() => hooks.push('after commit'));
      uow.afterRollback(() => hooks.push('after rollback'));
      uow.afterCompletion((status) => hooks.push(status));
      await work(uow);
    },
    context,
    options,
  );
  const told = await claimOf(unit);
  return { ...told, hooks, attempts };
}

/** What a call that is no unit claims. */
export async function claimOf(call: Promise<unknown>): Promise<Pick<Told, 'claim' | 'error'>> {
  try {
    await call;
    return { claim: 'committed' };
  } catch (error) {
    return { claim: error instanceof TransactionOutcomeUnknownError ? 'unknown' : 'rolled back', error };
  }
}

/** Waits until the server has ended every transaction of the application, and reads what is stored. */
export async function truthOf(app: StudentApp, { requestId }: ExecutionContext): Promise<Truth> {
  await eventually(async () => {
    const { rowCount } = await app.truth.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = 'phi_app' AND xact_start IS NOT NULL`,
    );
    return rowCount === 0;
  });
  const { rows: events } = await app.truth.query<RawAuditEvent>(
    'SELECT * FROM audit.event WHERE request_id = $1 ORDER BY seq',
    [requestId],
  );
  const { rows: students } = await app.truth.query<{ id: string; number: string }>(
    'SELECT id, student_number AS number FROM students WHERE starts_with(student_number, $1) ORDER BY 2',
    [requestId],
  );
  const ofRows = events.filter((event) => event.origin === 'trigger');
  const numbers = new Map(students.map(({ id, number }) => [id, number]));
  return {
    rows: students.map(({ number }) => number),
    created: ofRows
      .map((event) => numbers.get(event.entity_id!) ?? `${event.entity_id}, which is not stored`)
      .toSorted(),
    outcomes: events
      .filter((event) => event.action === 'TRANSACTION')
      .map((event) => ({ outcome: String(event.details?.outcome), transactionId: event.entity_id! })),
    transactions: [...new Set(ofRows.map((event) => event.transaction_id))],
  };
}

/** What is wrong with an account of some work: with its claim, its hooks, its audit trail. Empty when it is truthful. */
export async function untruths(
  app: StudentApp,
  told: Pick<Told, 'claim' | 'error'> & Partial<Told>,
  truth: Truth,
  wanted: readonly string[],
): Promise<string[]> {
  const wrong: string[] = [];
  const must = (holds: boolean, what: string): void => {
    if (!holds) wrong.push(what);
  };
  const stored = truth.rows.length > 0;
  must(!stored || truth.rows.join() === wanted.join(), `half of the rows are stored: ${truth.rows.join()}`);
  must(told.claim !== 'committed' || stored, 'told committed, and nothing is stored');
  must(told.claim !== 'rolled back' || !stored, 'told rolled back, and the rows are stored');
  must(truth.created.join() === truth.rows.join(), `the trail tells of [${truth.created.join()}]`);
  must(truth.transactions.length <= 1, 'the rows come from several transactions');
  if (told.hooks) {
    const last = {
      committed: ['after commit', 'committed'],
      'rolled back': ['after rollback', 'rolled back'],
      unknown: ['unknown'],
    };
    must(told.hooks.join().endsWith(last[told.claim].join()), `hooks ran: ${told.hooks.join()}`);
  }
  if (told.claim === 'unknown') {
    const { transactionId } = told.error as TransactionOutcomeUnknownError;
    must(transactionId !== undefined, 'the unknown outcome has no transaction id');
    if (transactionId) {
      const outcome = await app.unitOfWork.outcomeOf(transactionId);
      must(outcome === (stored ? 'committed' : 'rolled back'), `outcomeOf says ${outcome}`);
      must(!stored || truth.transactions[0] === transactionId, 'the transaction id is of another transaction');
    }
  }
  return wrong;
}

/** What is wrong with the outcome events of a unit: one of a commit if and only if it was committed. */
export function outcomeFaults(told: Told, truth: Truth): string[] {
  const wrong: string[] = [];
  const of = (outcome: string) => truth.outcomes.filter((event) => event.outcome === outcome);
  const stored = truth.rows.length > 0;
  const committed = of('COMMITTED');
  if (committed.length !== (stored ? 1 : 0)) wrong.push(`${committed.length} outcome events of a commit`);
  if (stored && committed[0] && committed[0].transactionId !== truth.transactions[0]) {
    wrong.push('the outcome event is about another transaction');
  }
  if (told.claim === 'committed' && of('UNKNOWN').length > 0 && told.attempts === 1)
    wrong.push('UNKNOWN beside a commit');
  if (stored && of('ROLLED_BACK').some((event) => event.transactionId === truth.transactions[0])) {
    wrong.push('ROLLED_BACK beside a commit');
  }
  return wrong;
}
