import { createExecutionContext, type IUnitOfWork, type Propagation, runWithContext } from '../../src';
import { poolStatus } from '../../src/database/connection/connections';
import { expectWholePool, pupil, startStudentApp, type StudentApp } from '../support/student-app';

/** What the inner unit does; `caught`: it throws, and the outer unit catches that and goes on. */
type Inner = 'returns' | 'throws' | 'caught';
/** What the outer unit does afterwards; `-`: the failure of the inner one leaves it no choice. */
type Outer = 'returns' | 'throws' | '-';
/** What the caller of the outermost unit is told: nothing, the very error that one of the two threw, or a code. */
type Told = 'nothing' | 'inner' | 'outer' | 'UNEXPECTED_ROLLBACK' | 'PROPAGATION';
/**
 * Where the inner statements ran. `joined` and `savepoint`: the outer connection and transaction; `own`: one other
 * transaction; `lone`: each in one of its own; `refused`: the callback was not run.
 */
type Place = 'joined' | 'savepoint' | 'own' | 'lone' | 'refused';

interface Case {
  readonly propagation: Propagation;
  readonly inner: Inner;
  readonly outer: Outer;
  readonly told: Told;
  /** Rows that are stored at the end, in the order they were written. */
  readonly rows: string;
  /** Completion hooks in the order they ran; `refused`: there was no unit to register them with. */
  readonly hooks: string;
  readonly place: Place;
  /** Outcome events in the audit trail. */
  readonly audit: string;
}

type Line = readonly [inner: Inner, outer: Outer, told: Told, rows: string, hooks: string, audit: string];

const ALL = 'before, inner, after';
const BOTH_BACK = 'outer rolled back, inner rolled back';
const INNER_FIRST_BACK = 'inner rolled back, outer rolled back';

const JOINED: readonly Line[] = [
  ['returns', 'returns', 'nothing', ALL, 'outer committed, inner committed', 'outer COMMITTED'],
  ['returns', 'throws', 'outer', '', BOTH_BACK, 'outer ROLLED_BACK'],
  ['throws', '-', 'inner', '', BOTH_BACK, 'outer ROLLED_BACK'],
  ['caught', 'returns', 'UNEXPECTED_ROLLBACK', '', BOTH_BACK, 'outer ROLLED_BACK'],
  ['caught', 'throws', 'outer', '', BOTH_BACK, 'outer ROLLED_BACK'],
];
const NESTED: readonly Line[] = [
  ['returns', 'returns', 'nothing', ALL, 'outer committed, inner committed', 'outer COMMITTED'],
  ['returns', 'throws', 'outer', '', BOTH_BACK, 'outer ROLLED_BACK'],
  ['throws', '-', 'inner', '', INNER_FIRST_BACK, 'outer ROLLED_BACK'],
  ['caught', 'returns', 'nothing', 'before, after', 'inner rolled back, outer committed', 'outer COMMITTED'],
  ['caught', 'throws', 'outer', '', INNER_FIRST_BACK, 'outer ROLLED_BACK'],
];
const OWN: readonly Line[] = [
  ['returns', 'returns', 'nothing', ALL, 'inner committed, outer committed', 'inner COMMITTED, outer COMMITTED'],
  ['returns', 'throws', 'outer', 'inner', 'inner committed, outer rolled back', 'inner COMMITTED, outer ROLLED_BACK'],
  ['throws', '-', 'inner', '', INNER_FIRST_BACK, 'inner ROLLED_BACK, outer ROLLED_BACK'],
  [
    'caught',
    'returns',
    'nothing',
    'before, after',
    'inner rolled back, outer committed',
    'inner ROLLED_BACK, outer COMMITTED',
  ],
  ['caught', 'throws', 'outer', '', INNER_FIRST_BACK, 'inner ROLLED_BACK, outer ROLLED_BACK'],
];
const LONE: readonly Line[] = [
  ['returns', 'returns', 'nothing', ALL, 'inner refused, outer committed', 'outer COMMITTED'],
  ['returns', 'throws', 'outer', 'inner', 'inner refused, outer rolled back', 'outer ROLLED_BACK'],
  ['throws', '-', 'inner', 'inner', 'inner refused, outer rolled back', 'outer ROLLED_BACK'],
  ['caught', 'returns', 'nothing', ALL, 'inner refused, outer committed', 'outer COMMITTED'],
  ['caught', 'throws', 'outer', 'inner', 'inner refused, outer rolled back', 'outer ROLLED_BACK'],
];
const REFUSED: readonly Line[] = [
  ['returns', '-', 'PROPAGATION', '', 'outer rolled back', 'outer ROLLED_BACK'],
  ['throws', '-', 'PROPAGATION', '', 'outer rolled back', 'outer ROLLED_BACK'],
  ['caught', 'returns', 'nothing', 'before, after', 'outer committed', 'outer COMMITTED'],
  ['caught', 'throws', 'outer', '', 'outer rolled back', 'outer ROLLED_BACK'],
];

const cases = (propagation: Propagation, place: Place, lines: readonly Line[]): Case[] =>
  lines.map(([inner, outer, told, rows, hooks, audit]) => ({
    propagation,
    place,
    inner,
    outer,
    told,
    rows,
    hooks,
    audit,
  }));

const INSIDE: readonly Case[] = [
  ...cases('REQUIRED', 'joined', JOINED),
  ...cases('SUPPORTS', 'joined', JOINED),
  ...cases('MANDATORY', 'joined', JOINED),
  ...cases('NESTED', 'savepoint', NESTED),
  ...cases('REQUIRES_NEW', 'own', OWN),
  ...cases('NOT_SUPPORTED', 'lone', LONE),
  ...cases('NEVER', 'refused', REFUSED),
];

const BEGINS: readonly Line[] = [
  ['returns', '-', 'nothing', 'inner', 'inner committed', 'inner COMMITTED'],
  ['throws', '-', 'inner', '', 'inner rolled back', 'inner ROLLED_BACK'],
];
const RUNS_WITHOUT: readonly Line[] = [
  ['returns', '-', 'nothing', 'inner', 'inner refused', ''],
  ['throws', '-', 'inner', 'inner', 'inner refused', ''],
];
const NOT_RUN: readonly Line[] = [
  ['returns', '-', 'PROPAGATION', '', '', ''],
  ['throws', '-', 'PROPAGATION', '', '', ''],
];

const ALONE: readonly Case[] = [
  ...cases('REQUIRED', 'own', BEGINS),
  ...cases('REQUIRES_NEW', 'own', BEGINS),
  ...cases('NESTED', 'own', BEGINS),
  ...cases('SUPPORTS', 'lone', RUNS_WITHOUT),
  ...cases('NOT_SUPPORTED', 'lone', RUNS_WITHOUT),
  ...cases('NEVER', 'lone', RUNS_WITHOUT),
  ...cases('MANDATORY', 'refused', NOT_RUN),
];

const INNER_WORDS: Record<Inner, string> = {
  returns: 'inner returns',
  throws: 'inner throws',
  caught: 'inner throws and the outer catches',
};
const PLACE_WORDS: Record<Place, string> = {
  joined: 'one connection, one transaction',
  savepoint: 'one connection, a savepoint',
  own: 'two connections',
  lone: 'two connections, each inner statement by itself',
  refused: 'inner callback not run',
};

/** What isInTransaction says inside; undefined: nobody was there to ask. */
const INSIDE_OF: Record<Place, boolean | undefined> = {
  joined: true,
  savepoint: true,
  own: true,
  lone: false,
  refused: undefined,
};

function nameOf({ propagation, inner, outer, rows, place, hooks }: Case): string {
  const stay = (who: string, there: boolean): string => `${who} rows ${there ? 'stay' : 'are gone'}`;
  const kept = [...(place === 'refused' ? [] : [stay('inner', /inner/.test(rows))]), stay('outer', /after/.test(rows))];
  const then = outer === 'throws' ? ', then the outer throws' : '';
  return `${propagation} inside an open unit, ${INNER_WORDS[inner]}${then}: ${kept.join(', ')}; ${PLACE_WORDS[place]}; hooks: ${hooks}`;
}

interface Look {
  readonly pid: number;
  readonly xid: string;
  /** Whether the inner row was written under a transaction id of its own: that of a savepoint. */
  readonly savepoint: boolean | null;
}

let app: StudentApp;
let runs = 0;
/** Of the case that runs now. */
let prefix: string;
let outcomes: string[];
let afterCommit: string[];
let afterRollback: string[];
let looks: Record<'outer' | 'inner', Look[]>;
let inside: boolean | undefined;
/** What the outer unit caught. */
let caught: string | undefined;

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 2, acquireTimeoutMs: 5_000 } });
});
afterAll(() => app?.close());
beforeEach(() => {
  runs += 1;
  prefix = `m${runs}-`;
  outcomes = [];
  afterCommit = [];
  afterRollback = [];
  looks = { outer: [], inner: [] };
  inside = undefined;
  caught = undefined;
});
afterEach(() => expect(poolStatus(app.sequelize)).toMatchObject({ used: 0, waiting: 0 }));

const innerError = new Error('inner');
const outerError = new Error('outer');

async function look(who: 'outer' | 'inner'): Promise<void> {
  const seen = await app.database.one<Look & object>(
    `SELECT pg_backend_pid() AS pid, pg_current_xact_id()::text AS xid,
       (SELECT xmin::text::numeric <> mod(pg_current_xact_id()::text::numeric, 4294967296)
        FROM students WHERE student_number = $1) AS savepoint`,
    [`${prefix}inner`],
  );
  looks[who].push(seen);
}

async function write(row: string): Promise<void> {
  await app.students.create(pupil(`${prefix}${row}`));
}

function register(uow: IUnitOfWork, who: string): void {
  try {
    uow.afterCommit(() => afterCommit.push(who));
    uow.afterRollback(() => afterRollback.push(who));
    uow.afterCompletion((status) => outcomes.push(`${who} ${status}`));
  } catch (error) {
    outcomes.push(`${who} ${(error as { code: string }).code === 'TRANSACTION_OPTIONS' ? 'refused' : String(error)}`);
  }
}

const contextNow = () => createExecutionContext({ ...app.clinics.a, requestId: `request-${prefix}` });

/** The inner unit of a case: two looks around one write. */
function runInner({ propagation, inner }: Case): Promise<void> {
  return app.unitOfWork.executeInTransaction(
    async (uow) => {
      inside = uow.isInTransaction();
      register(uow, 'inner');
      await look('inner');
      await write('inner');
      await look('inner');
      if (inner !== 'returns') throw innerError;
    },
    undefined,
    { propagation },
  );
}

/** What somebody was told, in the words of the table. */
function toldBy(error: unknown): string {
  if (error === innerError) return 'inner';
  if (error === outerError) return 'outer';
  const { code = String(error), cause } = error as { code?: string; cause?: unknown };
  return code === 'UNEXPECTED_ROLLBACK' && cause !== innerError ? 'UNEXPECTED_ROLLBACK without its cause' : code;
}

const told = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'nothing', toldBy);

/** @param lazy True: the outer unit has not sent anything when the inner one begins, and so holds no connection. */
function runInside(test: Case, lazy: boolean): Promise<string> {
  const outer = app.unitOfWork.executeInTransaction(async (uow) => {
    register(uow, 'outer');
    if (!lazy) {
      await write('before');
      await look('outer');
    }
    if (test.inner === 'caught') caught = await told(runInner(test));
    else await runInner(test);
    expect(uow.isInTransaction()).toBe(true);
    await write('after');
    await look('outer');
    if (test.outer === 'throws') throw outerError;
  }, contextNow());
  return told(outer);
}

const runAlone = (test: Case): Promise<string> => told(runWithContext(contextNow(), () => runInner(test)));

/** Where the inner statements really ran. @param held False: the outer unit may have got a connection only later. */
function placeSeen(held: boolean): string {
  const [first, second] = looks.inner;
  const [outer, later = outer] = looks.outer;
  if (!first || !second) return 'refused';
  if (outer?.xid !== later?.xid || outer?.pid !== later?.pid) return 'the outer unit changed its transaction';
  if (first.xid !== second.xid) return second.pid === outer?.pid && held ? 'lone, on the outer connection' : 'lone';
  if (first.pid !== second.pid) return 'on two connections';
  if (first.xid === outer?.xid) return second.savepoint ? 'savepoint' : 'joined';
  return held && first.pid === outer?.pid ? 'own, on the outer connection' : 'own';
}

const listOf = (text: string): string[] => (text === '' ? [] : text.split(', '));

/** The trail tells of the rows that are stored, and of no others. */
async function expectStored(rows: readonly string[]): Promise<void> {
  expect(await app.stored(prefix)).toEqual(rows.map((row) => `${prefix}${row}`).toSorted());
  const { rows: events } = await app.truth.query(
    `SELECT FROM audit.event WHERE request_id = $1 AND entity = 'Student'`,
    [`request-${prefix}`],
  );
  expect(events).toHaveLength(rows.length);
}

function expectHooks(expected: string): void {
  const list = listOf(expected);
  const ended = (status: string): string[] =>
    list.filter((entry) => entry.endsWith(` ${status}`)).map((entry) => entry.split(' ')[0]!);
  // Being refused happens while the unit runs, long before any hook.
  expect(outcomes).toEqual(list);
  expect(afterCommit).toEqual(ended('committed'));
  expect(afterRollback).toEqual(ended('rolled back'));
}

/** Outcome events of this case, with whose transaction they name. */
async function outcomeEvents(): Promise<string[]> {
  const { rows } = await app.truth.query<{ xid: string; outcome: string }>(
    `SELECT entity_id AS xid, details->>'outcome' AS outcome FROM audit.event
     WHERE request_id = $1 AND action = 'TRANSACTION' AND entity = 'Transaction' ORDER BY seq`,
    [`request-${prefix}`],
  );
  const inner = new Set(looks.inner.map(({ xid }) => xid));
  const outer = new Set(looks.outer.map(({ xid }) => xid));
  const who = (xid: string): string => (outer.has(xid) ? 'outer' : inner.has(xid) ? 'inner' : 'unknown');
  return rows.map(({ xid, outcome }) => `${who(xid)} ${outcome}`).toSorted();
}

describe('a unit inside an open unit that holds a connection [U20] [U25] [U51]', () => {
  it.each(INSIDE.map((test) => [nameOf(test), test] as const))('%s', async (_, test) => {
    expect(await runInside(test, false)).toBe(test.told);
    await expectStored(listOf(test.rows));
    expectHooks(test.hooks);
    expect(placeSeen(true)).toBe(test.place);
    expect(inside).toBe(INSIDE_OF[test.place]);
    const due = test.place === 'refused' ? 'PROPAGATION' : 'inner';
    expect(caught).toBe(test.inner === 'caught' ? due : undefined);
  });
});

describe('a unit inside an open unit that has sent nothing yet [U20] [U25] [U51]', () => {
  it.each(INSIDE.map((test) => [nameOf(test), test] as const))('%s', async (_, test) => {
    expect(await runInside(test, true)).toBe(test.told);
    await expectStored(listOf(test.rows).filter((row) => row !== 'before'));
    expectHooks(test.hooks);
    // An outer unit that never sends a statement has no transaction to compare with.
    const unseen = looks.outer.length === 0 && (test.place === 'joined' || test.place === 'savepoint');
    expect(placeSeen(false)).toBe(unseen ? 'own' : test.place);
  });
});

describe('a unit without an open one [U15]', () => {
  const name = ({ propagation, inner, rows, place }: Case): string =>
    `${propagation}, ${INNER_WORDS[inner]}: ${rows === '' ? 'nothing is' : 'its rows are'} stored; ` +
    { own: 'a transaction', lone: 'each statement by itself', refused: 'callback not run' }[place as 'own'];

  it.each(ALONE.map((test) => [name(test), test] as const))('%s', async (_, test) => {
    expect(await runAlone(test)).toBe(test.told);
    await expectStored(listOf(test.rows));
    expectHooks(test.hooks);
    expect(placeSeen(false)).toBe(test.place);
    expect(inside).toBe(INSIDE_OF[test.place]);
  });
});

describe('the outcome of a unit in the audit trail [U39] [003-26]', () => {
  const name = ({ propagation, inner, outer, audit }: Case): string =>
    `${propagation}, ${INNER_WORDS[inner]}${outer === 'throws' ? ', then the outer throws' : ''}: ${audit || 'no event'}`;

  it.each(INSIDE.map((test) => [name(test), test] as const))('inside an open unit: %s', async (_, test) => {
    await runInside(test, false);
    expect(await outcomeEvents()).toEqual(listOf(test.audit).toSorted());
  });

  it.each(ALONE.map((test) => [name(test), test] as const))('without one: %s', async (_, test) => {
    expect(await runAlone(test)).toBe(test.told);
    expect(await outcomeEvents()).toEqual(listOf(test.audit));
  });
});

describe('the pool, after every propagation and outcome,', () => {
  it('has all its connections', () => expectWholePool(app, 2));
});
