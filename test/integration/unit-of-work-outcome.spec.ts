import { Logger } from '@nestjs/common';
import { type ExecutionContext, InvalidInputError, type Propagation, StatementError } from '../../src';
import { eventsSince, markTrail, outcomesSince } from '../support/audit-events';
import { expectWholePool, INSERT_STUDENT, pupil, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;
let mark: string;

const unit: StudentApp['unitOfWork']['executeInTransaction'] = (fn, context = app.clinics.a, options) =>
  app.unitOfWork.executeInTransaction(fn, context, options);
const write = (number: string) => app.students.create(pupil(number));
const outcomes = async (): Promise<unknown[]> =>
  (await outcomesSince(app.truth, mark)).map(({ details }) => details?.outcome);

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 2, acquireTimeoutMs: 5_000 } });
  await app.truth.query(`
    CREATE FUNCTION refuse_outcome() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
    CREATE TRIGGER refuse_outcome BEFORE INSERT ON audit.event FOR EACH ROW
    WHEN (NEW.action = 'TRANSACTION' AND NEW.request_id = 'no-outcome') EXECUTE FUNCTION refuse_outcome()`);
});
afterAll(() => app?.close());
beforeEach(async () => {
  mark = await markTrail(app.truth);
});
afterEach(() => expectWholePool(app, 2));

const refusing = (): ExecutionContext => ({ ...app.clinics.a, requestId: 'no-outcome' });

describe('the outcome of a unit that wrote [003-26] [003-38]', () => {
  const ways: [string, (number: string) => Promise<unknown>][] = [
    ['a repository', write],
    ['a model', (number) => app.sequelize.models.Student!.create(pupil(number))],
    ['raw SQL', (number) => app.database.query(INSERT_STUDENT, [number])],
    ['a savepoint', (number) => unit(() => write(number), undefined, { propagation: 'NESTED' })],
  ];

  it.each(ways)('is one event in the very transaction, once it is committed: %s', async (_, store) => {
    await unit(() => store(`told-${_}-1`).then(() => store(`told-${_}-2`)));
    const events = await outcomesSince(app.truth, mark);
    expect(events).toHaveLength(1);
    const [changed] = await eventsSince(app.truth, mark);
    expect(events[0]).toMatchObject({
      details: { outcome: 'COMMITTED' },
      entity_id: changed!.transaction_id,
      transaction_id: changed!.transaction_id,
      clinic_id: app.clinics.a.clinicId,
      user_id: app.clinics.a.userId,
      context_missing: false,
    });
  });

  it.each(ways)('is one event in a transaction after it, once it is rolled back: %s', async (_, store) => {
    const failing = unit(async () => {
      await store(`back-${_}`);
      throw new Error('Ada Lovelace');
    });
    await expect(failing).rejects.toThrow('Ada Lovelace');
    const [event, ...more] = await outcomesSince(app.truth, mark);
    expect(more).toEqual([]);
    expect(event!.details).toEqual({
      outcome: 'ROLLED_BACK',
      transactionId: event!.entity_id,
      code: 'APPLICATION',
    });
    expect(event!.transaction_id).not.toBe(event!.entity_id);
    expect(await app.unitOfWork.outcomeOf(event!.entity_id!)).toBe('rolled back');
  });

  it('names the code of the error that ended it, and never its message', async () => {
    await write('twice').catch(() => undefined);
    await unit(async () => {
      await write('twice-a');
      await write('twice-a');
    }).catch(() => undefined);
    expect((await outcomesSince(app.truth, mark)).map(({ details }) => details?.code)).toEqual(['UNIQUE_VIOLATION']);
  });

  it('is told once for each attempt', async () => {
    let other = app.unitOfWork.attempt;
    const { id } = await app.students.create(pupil('attempts'), app.clinics.a);
    await unit(
      async (uow) => {
        await write(`attempt-${uow.attempt}`);
        const rival = () => app.students.update(id, { grade: String((other += 1)) }, app.clinics.a);
        if (uow.attempt === 1) await uow.runOutsideTransaction(rival);
        await app.students.update(id, { grade: '6' });
      },
      undefined,
      { isolation: 'REPEATABLE READ' },
    );
    const told = await outcomesSince(app.truth, mark);
    const ofUnit = told.filter(({ details }) => details?.code === 'DEADLOCK');
    expect(ofUnit.map(({ details }) => details?.outcome)).toEqual(['ROLLED_BACK']);
    expect(await app.stored('attempt-')).toEqual(['attempt-2']);
  });

  it('that cannot be recorded is no commit: nothing is stored, and the caller is told', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const failing = unit(() => write('unrecorded'), refusing());
    await expect(failing).rejects.toThrow(StatementError);
    logged.mockRestore();
    expect(await app.stored('unrecorded')).toEqual([]);
    await expectWholePool(app, 2);
  });

  it('that cannot be recorded after a rollback is logged by its code, and changes nothing', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const boom = new Error('Ada');
    const failing = unit(() => write('unlogged').then(() => Promise.reject(boom)), refusing());
    await expect(failing).rejects.toBe(boom);
    expect(logged.mock.calls.map(([text]) => text as string)).toEqual([
      'The outcome of a unit of work (ROLLED_BACK) could not be recorded: STATEMENT_FAILED',
    ]);
    logged.mockRestore();
  });
});

describe('no outcome is told of', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['a unit that read', () => unit(() => app.students.count())],
    ['a unit that sent nothing', () => unit(async () => undefined)],
    ['a read-only unit', () => unit(() => app.database.query('SELECT 1'), undefined, { readOnly: true })],
    ['a unit that changed no row', () => unit(() => app.database.query(`UPDATE students SET grade = '1' WHERE false`))],
    ['a unit that failed before it wrote', () => unit(() => Promise.reject(new Error('x')))],
    ['a lone statement', () => app.students.create(pupil('lone-told'), app.clinics.a)],
    ['raw SQL by itself', () => app.database.query('SELECT 1', [], { context: app.clinics.a })],
  ])('%s', async (_, work) => {
    await work().catch(() => undefined);
    expect(await outcomes()).toEqual([]);
  });
});

describe('outcomeOf', () => {
  it('tells what became of a transaction, by its id', async () => {
    const xid = () => app.database.one<{ id: string }>('SELECT pg_current_xact_id()::text AS id');
    const committed = await unit(xid);
    expect(await app.unitOfWork.outcomeOf(committed.id)).toBe('committed');
    let open = '';
    let meanwhile = '';
    const failing = unit(async (uow) => {
      open = (await xid()).id;
      meanwhile = await uow.outcomeOf(open);
      throw new Error('x');
    });
    await expect(failing).rejects.toThrow('x');
    expect(meanwhile).toBe('in progress');
    expect(await app.unitOfWork.outcomeOf(open)).toBe('rolled back');
  });

  it.each(['', 'x', '1; SELECT 1', '-1', '1.5', '99999999999999999999', '999999999999999', null, 12, undefined])(
    'refuses what is no id of a transaction of this server: %j',
    async (id) => {
      await expect(app.unitOfWork.outcomeOf(id as string)).rejects.toThrow(InvalidInputError);
    },
  );
});

describe('a read inside SUPPORTS', () => {
  it.each<Propagation>(['SUPPORTS', 'NOT_SUPPORTED', 'NEVER'])(
    'takes no hook where there is no unit to wait for: %s',
    async (propagation) => {
      await unit(
        async (uow) => {
          expect(() => uow.afterCommit(() => undefined)).toThrow(
            expect.objectContaining({ code: 'TRANSACTION_OPTIONS' }),
          );
        },
        undefined,
        { propagation },
      );
    },
  );
});
