import type { Propagation } from '../../src';
import type { HookKind, LogEntry, Observed, Step, Tree } from './tree';

/**
 * What units of work promise, as a program without a database: who may write when, what becomes of the rows, which
 * calls reject with which code, and which hooks run in which order. The random trees hold the library to it.
 *
 * A run is a generator that yields where an abandoned unit waits for the call around it to settle. Branches that run at
 * once are played one after the other: the trees are made so that nobody can tell.
 */
export function predict(tree: Tree): Observed {
  const model = new Model();
  const play = model.run(tree);
  while (!play.next().done);
  const rows = [...model.stored].toSorted((a, b) => a - b);
  return { results: model.results, rows, log: model.log, trail: { ...model.trail, created: rows } };
}

/** Stands for a code that hangs on timing. */
export const ANY = '*';

/** What a call rejects with. */
class Rejection {
  constructor(
    readonly code: string,
    /** What it is put down to. */
    readonly cause?: Rejection,
  ) {}
}

type Play = Generator<undefined, void, undefined>;
/** @param about What the hook is told: a status or an error. @param unit What it runs in. */
type Hook = (about: string, unit: Unit | undefined) => Play;

/** A transaction (no parent), or a savepoint in one. */
class Unit {
  open = true;
  /** The savepoint that is open inside this unit: meanwhile the unit itself takes no statement. */
  child?: Unit;
  /** A joined unit failed: whoever catches that must not commit half of the work. */
  rollbackOnly?: Rejection;
  /** The first statement that was refused: what a commit that turns out a rollback is put down to. */
  refused?: Rejection;
  /** Calls inside that have not settled. */
  underway = 0;
  readonly rows: number[] = [];
  /** True: a deferred constraint is broken, which only COMMIT will say. */
  bomb = false;
  readonly hooks: Record<HookKind, Hook[]> = {
    beforeCommit: [],
    afterCommit: [],
    afterRollback: [],
    afterCompletion: [],
  };
  /**
   * The transaction on the server. `failed`: after an SQL error it refuses everything but a rollback. `wrote`: it leaves
   * an outcome in the audit trail. `hasId`: so it does if it commits; a write that was tried is enough for that.
   */
  readonly server: { failed: boolean; wrote: boolean; hasId: boolean };

  /** @param path The branch that it was opened in. */
  constructor(
    readonly path: string,
    readonly parent?: Unit,
  ) {
    this.server = parent?.server ?? { failed: false, wrote: false, hasId: false };
  }

  /** A savepoint does not outlive what it is part of. */
  get dead(): boolean {
    return !this.open || (this.parent?.dead ?? false);
  }

  mustTakeWork(): void {
    if (this.dead) throw new Rejection('TRANSACTION_SCOPE_CLOSED');
    if (this.child) throw new Rejection('NESTED_SCOPE_ACTIVE');
  }
}

/** A call around a step, and what is left for the time when it has settled. */
interface Call {
  unit?: Unit;
  readonly abandoned: (() => Play)[];
  readonly late: (() => Play)[];
}

/** Where a step runs. */
interface Place {
  readonly unit: Unit | undefined;
  readonly calls: readonly Call[];
  readonly path: string;
}

class Model {
  readonly results = new Map<string, string>();
  readonly log: LogEntry[] = [];
  readonly stored = new Set<number>();
  readonly trail = { committed: 0, committedNothing: 0, rolledBack: 0 };

  run(tree: Tree): Play {
    return this.swallowing('tree', () => this.list(tree, { unit: undefined, calls: [], path: '' }));
  }

  private *list(steps: Tree, place: Place): Play {
    for (const step of steps) {
      const act = () => this.act(step, place);
      if (step.caught) yield* this.swallowing(String(step.id), act);
      else yield* this.noting(String(step.id), act);
    }
  }

  /** Plays something and notes what it came to. */
  private *noting(name: string, work: () => Play): Play {
    try {
      yield* work();
      this.results.set(name, 'ok');
    } catch (error) {
      this.results.set(name, codeOf(error));
      throw error;
    }
  }

  private *swallowing(name: string, work: () => Play): Play {
    try {
      yield* this.noting(name, work);
    } catch (error) {
      codeOf(error);
    }
  }

  private *act(step: Step, place: Place): Play {
    const { unit, calls, path } = place;
    switch (step.do) {
      case 'write':
        return this.write(step.id, unit);
      case 'write further out':
        return this.write(step.id, calls[calls.length - 1 - step.levels]!.unit);
      case 'bomb':
        if (!unit) throw new Rejection('CHECK_VIOLATION');
        this.statement(unit);
        unit.server.wrote = true;
        unit.bomb = true;
        return;
      case 'fail':
        if (unit) {
          this.statement(unit);
          unit.server.failed = true;
          unit.server.hasId ||= step.way !== 'raw';
        }
        throw this.refusal(unit, step.way === 'raw' ? 'INVALID_INPUT' : 'UNIQUE_VIOLATION');
      case 'throw':
        throw new Rejection(`thrown ${step.id}`);
      case 'hook':
        if (!unit) throw new Rejection('TRANSACTION_OPTIONS');
        unit.mustTakeWork();
        unit.hooks[step.on].push((about, at) => this.hook(step, about, { unit: at, calls: [], path }));
        return;
      case 'unit':
        return yield* this.call(step.id, step.propagation, place, (inside) => this.list(step.body, inside));
      case 'outside':
        return yield* this.around((call) => this.list(step.body, { unit: undefined, calls: [...calls, call], path }));
      case 'parallel':
        return yield* this.parallel(step, place);
      case 'float':
        return this.float(step, place);
      case 'straggle':
        calls.at(-1)!.late.push(() => this.swallowing(`${step.id} late`, () => this.list(step.body, place)));
        return;
      case 'abandon':
        return this.abandon(step, place);
    }
  }

  /** A statement in a unit. */
  private statement(unit: Unit): void {
    unit.mustTakeWork();
    if (unit.server.failed) throw this.refusal(unit, 'STATEMENT_FAILED');
  }

  private refusal(unit: Unit | undefined, code: string): Rejection {
    const refusal = new Rejection(code);
    if (unit) unit.refused ??= refusal;
    return refusal;
  }

  private write(id: number, unit: Unit | undefined): void {
    if (!unit) {
      this.stored.add(id);
      return;
    }
    this.statement(unit);
    unit.server.wrote = true;
    unit.rows.push(id);
  }

  private *hook(step: Step & { do: 'hook' }, about: string, place: Place): Play {
    this.log.push({ path: place.path, text: `${step.id} ${step.on}${about}` });
    yield* this.list(step.body, place);
  }

  private *parallel(step: Step & { do: 'parallel' }, place: Place): Play {
    const failures: unknown[] = [];
    for (const [i, branch] of step.branches.entries()) {
      try {
        yield* this.list(branch, { ...place, path: `${place.path}/${step.id}-${i}` });
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  private float(step: Step, { unit, calls }: Place): void {
    try {
      unit?.mustTakeWork();
      if (unit) {
        unit.underway += 1;
        calls.at(-1)!.late.push(() => this.arrived(unit));
      }
      this.write(step.id, unit);
      this.results.set(`${step.id} floated`, 'ok');
    } catch (error) {
      this.results.set(`${step.id} floated`, codeOf(error));
    }
  }

  private *arrived(unit: Unit): Play {
    unit.underway -= 1;
    yield* [];
  }

  private abandon(step: Step & { do: 'abandon' }, place: Place): void {
    const list = this.list.bind(this);
    const play = this.swallowing(`${step.id} unit`, () =>
      this.call(step.id, step.propagation, place, function* (inside) {
        yield* list(step.body, inside);
        yield;
        yield* list(step.after, inside);
      }),
    );
    if (!play.next().done) place.calls.at(-1)!.abandoned.push(() => play);
  }

  /** Plays a call, and then what was left for its end: first the unit it abandoned, then stragglers. */
  private *around(work: (call: Call) => Play): Play {
    const call: Call = { abandoned: [], late: [] };
    try {
      yield* work(call);
    } finally {
      for (const play of [...call.abandoned, ...call.late]) yield* play();
    }
  }

  /** executeInTransaction. */
  private *call(id: number, propagation: Propagation, place: Place, body: (inside: Place) => Play): Play {
    const { unit: outer, path } = place;
    yield* this.around((call) => {
      // Late work of a settled unit begins nothing of its own either: detaching is explicit.
      if (outer?.dead) throw new Rejection('TRANSACTION_SCOPE_CLOSED');
      const inside = (unit: Unit | undefined): Play => {
        call.unit = unit;
        this.results.set(`${id} inside`, String(unit !== undefined));
        return body({ ...place, unit, calls: [...place.calls, call] });
      };
      switch (propagation) {
        case 'REQUIRED':
          return outer ? this.joined(outer, path, inside) : this.root(path, inside);
        case 'SUPPORTS':
          return outer ? this.joined(outer, path, inside) : inside(undefined);
        case 'MANDATORY':
          if (!outer) throw new Rejection('PROPAGATION');
          return this.joined(outer, path, inside);
        case 'NEVER':
          if (outer) throw new Rejection('PROPAGATION');
          return inside(undefined);
        case 'NOT_SUPPORTED':
          return inside(undefined);
        case 'REQUIRES_NEW':
          return this.root(path, inside);
        case 'NESTED':
          return outer ? this.nested(outer, path, inside) : this.root(path, inside);
      }
    });
  }

  private *joined(outer: Unit, path: string, body: (unit: Unit) => Play): Play {
    outer.mustTakeWork();
    outer.underway += 1;
    try {
      yield* body(outer);
    } catch (error) {
      // Of several branches that fail, nobody knows which is the first.
      if (error instanceof Rejection) outer.rollbackOnly ??= path === outer.path ? error : new Rejection(ANY);
      throw error;
    } finally {
      outer.underway -= 1;
    }
  }

  private *nested(outer: Unit, path: string, body: (unit: Unit) => Play): Play {
    // SAVEPOINT is a statement, too.
    this.statement(outer);
    const unit = new Unit(path, outer);
    outer.underway += 1;
    outer.child = unit;
    let failure: unknown;
    try {
      yield* body(unit);
      this.mustBeAwaited(unit);
      this.mustBeWhole(unit);
      unit.open = false;
      // RELEASE: what the savepoint did, and its hooks, belong to the outer unit from now on.
      outer.rows.push(...unit.rows);
      outer.bomb ||= unit.bomb;
      for (const [kind, hooks] of Object.entries(unit.hooks)) outer.hooks[kind as HookKind].push(...hooks);
    } catch (error) {
      failure = error;
      unit.open = false;
      // ROLLBACK TO heals the transaction.
      if (!outer.dead) outer.server.failed = false;
      throw error;
    } finally {
      outer.child = undefined;
      // On the outer unit: it may be the only connection there is.
      if (failure) yield* this.afterwards(unit, 'rolled back', failure, outer);
      outer.underway -= 1;
    }
  }

  private *root(path: string, body: (unit: Unit) => Play): Play {
    const unit = new Unit(path);
    try {
      yield* body(unit);
      this.mustBeAwaited(unit);
      // By index: a hook may add another one. None runs where no commit is to come.
      const beforeCommit = unit.rollbackOnly || unit.server.failed ? [] : unit.hooks.beforeCommit;
      for (let i = 0; i < beforeCommit.length; i += 1) yield* beforeCommit[i]!('', unit);
      this.mustBeAwaited(unit);
      this.mustBeWhole(unit);
      if (unit.bomb) throw new Rejection('CHECK_VIOLATION');
    } catch (error) {
      unit.open = false;
      if (unit.server.wrote) this.trail.rolledBack += 1;
      yield* this.afterwards(unit, 'rolled back', error, undefined);
      throw error;
    }
    unit.open = false;
    for (const row of unit.rows) this.stored.add(row);
    if (unit.rows.length > 0) this.trail.committed += 1;
    else if (unit.server.wrote || unit.server.hasId) this.trail.committedNothing += 1;
    yield* this.afterwards(unit, 'committed', undefined, undefined);
  }

  /** The callback returned while something inside still runs: half of that must not be stored. */
  private mustBeAwaited(unit: Unit): void {
    if (unit.underway > 0) throw new Rejection('UNAWAITED_WORK');
  }

  private mustBeWhole(unit: Unit): void {
    if (unit.rollbackOnly) throw new Rejection('UNEXPECTED_ROLLBACK', unit.rollbackOnly);
    // It went with the outer unit, for reasons that are not its own.
    if (unit.dead) throw new Rejection('UNEXPECTED_ROLLBACK');
    if (unit.server.failed) throw new Rejection('UNEXPECTED_ROLLBACK', unit.refused);
  }

  /** Hooks come after the outcome and cannot change it. */
  private *afterwards(unit: Unit, status: string, failure: unknown, at: Unit | undefined): Play {
    const { afterCommit, afterRollback, afterCompletion } = unit.hooks;
    const due: [Hook, string][] = [
      ...(failure ? afterRollback : afterCommit).map((hook): [Hook, string] => [
        hook,
        failure ? `(${codeOf(failure)})` : '',
      ]),
      ...afterCompletion.map((hook): [Hook, string] => [hook, `(${status})`]),
    ];
    for (const [hook, about] of due) {
      try {
        yield* hook(about, at);
      } catch (error) {
        codeOf(error);
      }
    }
  }
}

/** The code of a rejection; anything else is a fault of the model itself. */
function codeOf(error: unknown): string {
  if (error instanceof Rejection) return error.cause ? `${error.code} because of ${codeOf(error.cause)}` : error.code;
  throw error;
}
