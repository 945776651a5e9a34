import { createExecutionContext, InvalidInputError, runWithContext } from '../../src';
import { StatementRunner } from '../../src/database/connection/statement-runner';
import { pupil, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;
let id: string;

const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(app.clinics.a, work);

beforeAll(async () => {
  app = await startStudentApp();
  ({ id } = await app.students.create(pupil('options'), app.clinics.a));
});
afterAll(() => app?.close());

describe('options of a reading call', () => {
  const calls: [string, (options: never) => Promise<unknown>][] = [
    ['findById', (options) => app.students.findById(id, options)],
    ['findByIdOrFail', (options) => app.students.findByIdOrFail(id, options)],
    ['findByIds', (options) => app.students.findByIds([id], options)],
    ['findOne', (options) => app.students.findOne({}, options)],
    ['findMany', (options) => app.students.findMany({}, options)],
    ['findAll', (options) => app.students.findAll({}, options)],
    ['exists', (options) => app.students.exists(id, options)],
    ['count', (options) => app.students.count({}, options)],
  ];
  const bad: [string, () => unknown][] = [
    ['an unknown key', () => ({ tranaction: {} })],
    ['null', () => null],
    ['a transaction that is null', () => ({ transaction: null })],
    ['a context that is null', () => ({ context: null })],
    ['a context in the place of the options', () => createExecutionContext(app.clinics.a)],
    ['withDeleted that is a text', () => ({ withDeleted: 'Canary-7301' })],
    ['a list', () => []],
  ];

  it.each(calls.flatMap(([name, call]) => bad.map(([what, make]) => [name, what, call, make] as const)))(
    'are refused: %s with %s',
    async (_name, _what, call, make) => {
      const sent = jest.spyOn(StatementRunner.prototype, 'runAll');
      const refused = asA(() => call(make() as never));
      await expect(refused).rejects.toThrow(InvalidInputError);
      await expect(refused).rejects.not.toThrow('Canary');
      expect(sent).not.toHaveBeenCalled();
      sent.mockRestore();
    },
  );

  it('may hold keys that are undefined', async () => {
    const options = { context: undefined, transaction: undefined, withDeleted: undefined } as never;
    expect(await asA(() => app.students.findById(id, options))).toMatchObject({ id });
  });

  it('keep a call that must be fresh out of the statement of those that may be served by a replica', async () => {
    const sent = jest.spyOn(StatementRunner.prototype, 'runAll');
    const both = await asA(() =>
      Promise.all([app.students.findById(id), app.students.findById(id, { fresh: true }), app.students.findById(id)]),
    );
    expect(both.map((row) => row?.id)).toEqual([id, id, id]);
    expect(sent.mock.calls.map(([, options]) => options?.fresh)).toEqual([false, true]);
    sent.mockRestore();
  });
});
