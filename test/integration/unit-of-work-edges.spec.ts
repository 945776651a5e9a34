import { Client } from 'pg';
import { type Propagation, type TransactionOptions, UnexpectedRollbackError } from '../../src';
import { expectWholePool, pupil, signal, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;

const unit = <T>(fn: () => Promise<T>, options: TransactionOptions = {}): Promise<T> =>
  app.unitOfWork.executeInTransaction(fn, app.clinics.a, options);
const write = (number: string) => app.students.create(pupil(number));

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 3, acquireTimeoutMs: 10_000 } });
});
afterAll(() => app?.close());
afterEach(() => expectWholePool(app, 3));

describe('beforeCommit hooks of a unit whose SQL error was swallowed', () => {
  it('do not run: the caller is told of the error, and not of the hook that PostgreSQL refused [U30] [U53]', async () => {
    let ran = false;
    const error = await unit(async () => {
      app.unitOfWork.beforeCommit(() => {
        ran = true;
        return write('hooked');
      });
      await write('swallowed');
      await write('swallowed').catch(() => undefined);
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnexpectedRollbackError);
    expect((error as Error).cause).toMatchObject({ sqlState: '23505' });
    expect(ran).toBe(false);
    expect(await app.stored('swallowed')).toEqual([]);
  });

  it('run where the error stayed in a savepoint', async () => {
    await unit(async () => {
      app.unitOfWork.beforeCommit(() => write('kept-hook'));
      await write('kept');
      await unit(() => write('kept'), { propagation: 'NESTED' }).catch(() => undefined);
    });
    expect(await app.stored('kept')).toEqual(['kept', 'kept-hook']);
  });
});

describe('readOnly [U13] [U14]', () => {
  it.each([
    `SELECT 1; UPDATE students SET grade = '9'`,
    `SELECT ';'; DELETE FROM students`,
    `TABLE students; /* ; */ INSERT INTO schools DEFAULT VALUES`,
  ])('of a joined unit refuses a write behind a read in one text: %s', async (sql) => {
    const failing = unit(() => write('behind').then(() => unit(() => app.sequelize.query(sql), { readOnly: true })));
    await expect(failing).rejects.toMatchObject({ sqlState: '25006' });
    expect(await app.stored('behind')).toEqual([]);
  });

  it('lets a text of several reads through, with a sign between them that is a value', async () => {
    const reading = unit(() => unit(() => app.sequelize.query(`SELECT ';UPDATE'; SELECT 2;`), { readOnly: true }));
    await expect(reading).resolves.toBeDefined();
  });

  it.each(['SET TRANSACTION READ WRITE', 'set  transaction read write', 'SET LOCAL transaction_read_only = off'])(
    'cannot be taken back: %s',
    async (sql) => {
      for (const query of [
        () => app.database.query(sql),
        () => app.sequelize.query(sql),
      ] as (() => Promise<unknown>)[]) {
        await expect(unit(query, { readOnly: true })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      }
    },
  );

  it.each<Propagation>(['REQUIRED', 'NESTED'])('of a joined unit cannot be left by %s inside', async (propagation) => {
    const inner = () => unit(() => write('not-run'), { propagation, readOnly: false });
    await expect(unit(() => unit(inner, { readOnly: true }))).rejects.toMatchObject({ code: 'TRANSACTION_OPTIONS' });
  });
});

describe('a conflict inside a savepoint', () => {
  it('that the application wraps in an error of its own runs the whole unit again [U40]', async () => {
    const { id } = await app.students.create(pupil('counter'), app.clinics.a);
    const attempts: number[] = [];
    await app.unitOfWork.executeInTransaction(
      async ({ attempt }) => {
        attempts.push(attempt);
        await unit(
          async () => {
            await app.students.findById(id);
            if (attempt === 1) {
              await app.unitOfWork.runOutsideTransaction(() => app.students.update(id, { grade: '7' }, app.clinics.a));
            }
            await app.students.update(id, { grade: '6' }).catch(() => {
              throw new Error('mine');
            });
          },
          { propagation: 'NESTED' },
        );
      },
      app.clinics.a,
      { isolation: 'REPEATABLE READ' },
    );
    expect(attempts).toEqual([1, 2]);
  });
});

describe('late work of a settled unit', () => {
  it.each<Propagation>(['REQUIRED', 'REQUIRES_NEW', 'NESTED', 'SUPPORTS', 'NOT_SUPPORTED', 'MANDATORY', 'NEVER'])(
    'is refused with %s, too: detaching is explicit [U03]',
    async (propagation) => {
      const settled = signal();
      let late: Promise<unknown> | undefined;
      await unit(async () => {
        late = settled.promise.then(() => unit(() => write(`late-${propagation}`), { propagation }));
        late.catch(() => undefined);
        await write(`settled-${propagation}`);
      });
      settled.resolve();
      await expect(late).rejects.toMatchObject({ code: 'TRANSACTION_SCOPE_CLOSED' });
      expect(await app.stored(`late-${propagation}`)).toEqual([]);
    },
  );
});

describe('a begin that the server does not take, with a write right behind it', () => {
  // A syntax error, as a cancelled begin would be an error: nothing of the message runs, and what follows does.
  const withoutBegin = async <T>(work: () => Promise<T>): Promise<unknown> => {
    const send = Client.prototype.query as (...args: unknown[]) => unknown;
    const spy = jest.spyOn(Client.prototype, 'query').mockImplementation(function (this: Client, ...args: unknown[]) {
      const [first] = args as [string | { text: string }];
      const broken = (text: string): string => text.replace('START TRANSACTION', 'START TRANSACTON');
      args[0] = typeof first === 'string' ? broken(first) : { ...first, text: broken(first.text) };
      return send.apply(this, args);
    });
    try {
      return await work().then(
        () => 'returned',
        (error: unknown) => error,
      );
    } finally {
      spy.mockRestore();
    }
  };
  const insert = () => app.database.query(`INSERT INTO anybody VALUES ('here')`);

  beforeAll(() => app.truth.query('CREATE TABLE anybody (name text); GRANT ALL ON anybody TO phi_app'));

  it.each<[string, () => Promise<unknown>]>([
    ['a unit of work', () => unit(insert)],
    ['a unit that swallows the error', () => unit(() => insert().catch(() => undefined) as Promise<unknown>)],
    ['a lone statement', insert],
    ['a model', () => app.sequelize.query(`INSERT INTO anybody VALUES ('here')`)],
    [
      "a caller's own transaction",
      () => app.sequelize.transaction((transaction) => app.sequelize.query('SELECT 1', { transaction }).then(insert)),
    ],
  ])('is told, and the write is refused instead of autocommitted: %s [U16]', async (_, work) => {
    expect(await withoutBegin(work)).toBeInstanceOf(Error);
    expect((await app.truth.query('SELECT FROM anybody')).rowCount).toBe(0);
  });
});
