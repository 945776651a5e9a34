import { AsyncLocalStorage } from 'node:async_hooks';
import type { Client } from 'pg';
import {
  DatabaseError,
  type ExecutionContext,
  type IUnitOfWork,
  runWithContext,
  UnexpectedRollbackError,
} from '../../src';
import { atCommit } from '../support/at-commit';
import { INSERT_STUDENT, pupil, signal, type StudentApp } from '../support/student-app';
import type { LogEntry, Observed, Step, Tree, Way } from './tree';

/** Number of a student that exists already: storing it again is an SQL error. */
export const TAKEN = 'taken';

/** Ends of numbers for which COMMIT finds a deferred constraint broken; see `plantTraps`. */
const BOMB = '-bomb';

/** A tree takes some 20 ms; a unit that hangs would only end with its timeout of 30 s. */
const HANGS_AFTER_MS = 15_000;

/** Stores what the trees stumble over. */
export async function plantTraps(app: StudentApp): Promise<void> {
  await app.students.create(pupil(TAKEN), app.clinics.a);
  await app.truth.query('CREATE INDEX ON audit.event (request_id)');
  await atCommit(app.truth, `%${BOMB}`, 'refuses');
}

/**
 * Runs a tree on the library.
 * @param truth A superuser's connection that nobody else uses meanwhile.
 * @param prefix Begins the number of every student that the tree stores.
 */
export async function play(app: StudentApp, truth: Client, tree: Tree, prefix: string): Promise<Observed> {
  const player = new Player(app, prefix);
  const context: ExecutionContext = Object.freeze({ ...app.clinics.a, requestId: prefix });
  await inTime(runWithContext(context, () => player.run(tree)));
  return { results: player.results, log: player.log, ...(await stored(truth, prefix)) };
}

/** What is stored in the end, and what the audit trail says about it. */
async function stored(truth: Client, prefix: string): Promise<Pick<Observed, 'rows' | 'trail'>> {
  const { rows: students } = await truth.query<{ number: string }>(
    'SELECT student_number AS number FROM students WHERE starts_with(student_number, $1)',
    [prefix],
  );
  const { rows: events } = await truth.query<{ outcome: string | null; wrote: boolean; number: string | null }>(
    `SELECT e.details ->> 'outcome' AS outcome,
       CASE WHEN e.entity = 'Student' THEN coalesce(s.student_number, $1 || '-1') END AS number,
       EXISTS (SELECT FROM audit.event AS w WHERE w.request_id = $1 AND w.entity = 'Student' AND w.transaction_id = e.entity_id) AS wrote
     FROM audit.event AS e LEFT JOIN students AS s ON s.id::text = e.entity_id WHERE e.request_id = $1`,
    [prefix],
  );
  const count = (outcome: string, wrote?: boolean): number =>
    events.filter((event) => event.outcome === outcome && (wrote === undefined || event.wrote === wrote)).length;
  const steps = (numbers: readonly string[]): number[] =>
    numbers.map((number) => Number.parseInt(number.slice(prefix.length), 10)).toSorted((a, b) => a - b);
  return {
    rows: steps(students.map(({ number }) => number)),
    trail: {
      committed: count('COMMITTED', true),
      committedNothing: count('COMMITTED', false),
      rolledBack: count('ROLLED_BACK'),
      created: steps(events.flatMap(({ number }) => number ?? [])),
    },
  };
}

/** A tree that hangs shows what it did so far; the others go on. */
async function inTime(run: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, HANGS_AFTER_MS);
  });
  await Promise.race([run, late]);
  clearTimeout(timer);
}

/** A call around a step, and what is left for the time when it has settled. */
interface Call {
  /** Runs something as if the call's own callback did. */
  inside?: <T>(fn: () => T) => T;
  readonly abandoned: (() => Promise<void>)[];
  readonly late: (() => Promise<void>)[];
}

interface Place {
  readonly calls: readonly Call[];
  readonly path: string;
}

/** The same as the model, done for real; the steps correspond one to one. */
class Player {
  readonly results = new Map<string, string>();
  readonly log: LogEntry[] = [];
  private readonly unitOfWork: IUnitOfWork;

  constructor(
    private readonly app: StudentApp,
    private readonly prefix: string,
  ) {
    this.unitOfWork = app.unitOfWork;
  }

  run(tree: Tree): Promise<void> {
    return this.swallowing('tree', () => this.list(tree, { calls: [], path: '' }));
  }

  private async list(steps: Tree, place: Place): Promise<void> {
    for (const step of steps) {
      const act = () => this.act(step, place);
      await (step.caught ? this.swallowing(String(step.id), act) : this.noting(String(step.id), act));
    }
  }

  private async noting(name: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.results.set(name, 'ok');
    } catch (error) {
      this.results.set(name, codeOf(error));
      throw error;
    }
  }

  private swallowing(name: string, work: () => Promise<unknown>): Promise<void> {
    return this.noting(name, work).catch(() => undefined);
  }

  private async act(step: Step, place: Place): Promise<unknown> {
    const { calls, path } = place;
    const number = `${this.prefix}${step.id}`;
    switch (step.do) {
      case 'write':
        return this.store(step.way, number);
      case 'write further out':
        return calls[calls.length - 1 - step.levels]!.inside!(() => this.store('raw', number));
      case 'bomb':
        return this.store('raw', number + BOMB);
      case 'fail':
        return step.way === 'raw' ? this.app.database.query('SELECT 1/0') : this.store(step.way, TAKEN);
      case 'throw':
        throw new Error(`thrown ${step.id}`);
      case 'hook':
        return this.unitOfWork[step.on](async (about?: unknown) => {
          const told = typeof about === 'string' ? `(${about})` : about === undefined ? '' : `(${codeOf(about)})`;
          this.log.push({ path, text: `${step.id} ${step.on}${told}` });
          await this.list(step.body, { calls: [], path });
        });
      case 'unit':
        return this.call(step, place, (inside) => this.list(step.body, inside));
      case 'outside':
        return this.around((call) =>
          this.unitOfWork.runOutsideTransaction(() => {
            call.inside = AsyncLocalStorage.snapshot();
            return this.list(step.body, { ...place, calls: [...calls, call] });
          }),
        );
      case 'parallel': {
        const settled = await Promise.allSettled(
          step.branches.map((branch, i) => this.list(branch, { ...place, path: `${path}/${step.id}-${i}` })),
        );
        return settled.forEach((outcome) => {
          if (outcome.status === 'rejected') throw outcome.reason;
        });
      }
      case 'float': {
        const floating = this.swallowing(`${step.id} floated`, () => this.store('raw', number));
        calls.at(-1)!.late.push(() => floating);
        return undefined;
      }
      case 'straggle': {
        const here = AsyncLocalStorage.snapshot();
        calls
          .at(-1)!
          .late.push(() => here(() => this.swallowing(`${step.id} late`, () => this.list(step.body, place))));
        return undefined;
      }
      case 'abandon':
        return this.abandon(step, place);
    }
  }

  private store(way: Way, number: string): Promise<unknown> {
    const { database, students, sequelize } = this.app;
    const model = sequelize.models.Student!;
    switch (way) {
      case 'raw':
        return database.query(INSERT_STUDENT, [number]);
      case 'repository':
        return students.create(pupil(number));
      case 'model':
        return model.create(pupil(number));
      case 'findOrCreate':
        return model.findOrCreate({ where: { studentNumber: number }, defaults: pupil(number) });
      case 'sequelize':
        return sequelize.query(INSERT_STUDENT, { bind: [number] });
    }
  }

  private async abandon(step: Step & { do: 'abandon' }, place: Place): Promise<void> {
    const reached = signal();
    const goOn = signal();
    const unit = this.swallowing(`${step.id} unit`, () =>
      this.call(step, place, async (inside) => {
        await this.list(step.body, inside);
        reached.resolve();
        await goOn.promise;
        await this.list(step.after, inside);
      }),
    );
    place.calls.at(-1)!.abandoned.push(() => {
      goOn.resolve();
      return unit;
    });
    await Promise.race([reached.promise, unit]);
  }

  private async around(work: (call: Call) => Promise<void>): Promise<void> {
    const call: Call = { abandoned: [], late: [] };
    try {
      await work(call);
    } finally {
      for (const go of [...call.abandoned, ...call.late]) await go();
    }
  }

  private call(
    { id, propagation }: Step & { do: 'unit' | 'abandon' },
    place: Place,
    body: (inside: Place) => Promise<void>,
  ): Promise<void> {
    return this.around((call) =>
      this.unitOfWork.executeInTransaction(
        (uow) => {
          call.inside = AsyncLocalStorage.snapshot();
          this.results.set(`${id} inside`, String(uow.isInTransaction()));
          return body({ ...place, calls: [...place.calls, call] });
        },
        undefined,
        { propagation },
      ),
    );
  }
}

const CODES: Record<string, string> = { '23505': 'UNIQUE_VIOLATION', '25P02': 'STATEMENT_FAILED' };

/** The code of an error of the library, the same for one of Sequelize, else its message. */
function codeOf(error: unknown): string {
  if (error instanceof UnexpectedRollbackError && error.cause) return `${error.code} because of ${codeOf(error.cause)}`;
  if (error instanceof DatabaseError) return error.code;
  const state = (error as { original?: { code?: string } } | undefined)?.original?.code;
  return (state && CODES[state]) ?? (error instanceof Error ? error.message : String(error));
}
