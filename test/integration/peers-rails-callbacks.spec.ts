import { Logger } from '@nestjs/common';
import type { Entity, IUnitOfWork, TransactionOptions } from '../../src';
import { type School, SchoolRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

// Behaviours that Rails' transaction_callbacks_test and transactions_test name: what is called for a record, and when.

/** Notes for which rows it is told of a commit. */
class WatchedSchoolRepository extends SchoolRepository {
  told: string[] = [];
  fail = false;

  protected override invalidateCaches(school: Entity<School>): void {
    this.told.push(school.code ?? school.id);
    if (this.fail) throw new Error('callback');
  }
}

let app: DatabaseApp;
let clinics: TwoClinics;
let schools: WatchedSchoolRepository;
let runs = 0;
let code: (name: string) => string;

beforeAll(async () => {
  app = await startDatabaseApp([WatchedSchoolRepository], { pool: { min: 0, max: 3 } });
  clinics = await plantClinics(app);
  schools = app.get(WatchedSchoolRepository);
});
afterAll(() => app?.close());
beforeEach(() => {
  runs += 1;
  const prefix = `c${runs}-`;
  code = (name) => prefix + name;
  schools.told = [];
  schools.fail = false;
});

const unit = <T>(fn: (uow: IUnitOfWork) => Promise<T>, options: TransactionOptions = {}): Promise<T> =>
  app.unitOfWork.executeInTransaction(fn, clinics.a, options);
const create = (name: string) => schools.create({ name, code: code(name) }, clinics.a);
const stored = async (): Promise<string[]> => {
  const found = await schools.findAll({ where: { code: { like: `${code('')}%` } } }, { context: clinics.a });
  return found.map((school) => school.name).toSorted();
};
const undo = () => Promise.reject(new Error('undo'));
const caught = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

/** What is done to a record; a school named `standing` is there before. */
const CHANGES: readonly [string, (standing: Entity<School>) => Promise<unknown>, string[]][] = [
  ['a create', () => create('new'), ['new']],
  ['an update', ({ id }) => schools.update(id, { principalName: 'X' }), ['standing']],
  ['a delete', ({ id }) => schools.delete(id), ['standing']],
  ['a delete and a restore', ({ id }) => schools.delete(id).then(() => schools.restore(id)), ['standing', 'standing']],
  [
    'a bulk create',
    () =>
      schools.bulkCreate([
        { name: 'x', code: code('new-1') },
        { name: 'y', code: code('new-2') },
      ]),
    ['new-1', 'new-2'],
  ],
  ['an update of many', () => schools.updateMany({ code: code('standing') }, { principalName: 'X' }), ['standing']],
  ['a create and its delete', () => create('new').then(({ id }) => schools.delete(id)), ['new', 'new']],
];

async function standing(): Promise<Entity<School>> {
  const school = await create('standing');
  schools.told = [];
  return school;
}
const names = (): string[] => schools.told.map((told) => told.slice(code('').length)).toSorted();

describe('the callback of a record [U51]', () => {
  it.each(CHANGES)('is called after the commit of %s, not before', async (_, change, told) => {
    const school = await standing();
    await unit(async () => {
      await change(school);
      expect(names()).toEqual([]);
    });
    expect(names()).toEqual(told);
  });

  it.each(CHANGES)('is not called for %s that was rolled back', async (_, change) => {
    const school = await standing();
    await caught(unit(() => change(school).then(undo)));
    expect(names()).toEqual([]);
  });

  it.each(CHANGES)('is not called for %s that a savepoint took back, while the unit commits', async (_, change) => {
    const school = await standing();
    await unit(async () => {
      await create('outer');
      await caught(unit(() => change(school).then(undo), { propagation: 'NESTED' }));
    });
    expect(names()).toEqual(['outer']);
  });

  it.each(CHANGES)(
    'is called at the end of the unit for %s in a savepoint that was released',
    async (_, change, told) => {
      const school = await standing();
      await unit(async () => {
        await unit(() => change(school), { propagation: 'NESTED' });
        expect(names()).toEqual([]);
      });
      expect(names()).toEqual(told);
    },
  );

  it.each(CHANGES)('is called at once for %s without a unit', async (_, change, told) => {
    const school = await standing();
    await unit(() => change(school), { propagation: 'NOT_SUPPORTED' });
    expect(names()).toEqual(told);
  });

  it.each(CHANGES)(
    'is called for %s in REQUIRES_NEW, although the unit around it is rolled back',
    async (_, change, told) => {
      const school = await standing();
      await caught(
        unit(async () => {
          await create('outer');
          await unit(() => change(school), { propagation: 'REQUIRES_NEW' });
          expect(names()).toEqual(told);
          await undo();
        }),
      );
      expect(names()).toEqual(told);
    },
  );
});

describe('callbacks of several records', () => {
  it('are called only for those that were not rolled back to a savepoint, however deep they lie', async () => {
    const nested = <T>(fn: () => Promise<T>) => unit(fn, { propagation: 'NESTED' });
    await unit(async () => {
      await create('1');
      await caught(
        nested(async () => {
          await create('2-gone');
          await nested(() => create('3-gone'));
          await undo();
        }),
      );
      await nested(async () => {
        await create('4');
        await caught(nested(() => create('5-gone').then(undo)));
        await nested(() => create('6'));
      });
    });
    expect(names()).toEqual(['1', '4', '6']);
    expect(await stored()).toEqual(['1', '4', '6']);
  });

  it('are all called, in the order of the writes, although one of them throws [U50]', async () => {
    const reported = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    schools.fail = true;
    await unit(async () => {
      for (const name of ['b', 'a', 'c']) await create(name);
    });
    expect(schools.told).toEqual(['b', 'a', 'c'].map(code));
    expect(reported).toHaveBeenCalledTimes(3);
    expect(JSON.stringify(reported.mock.calls)).not.toContain('callback');
    reported.mockRestore();
    expect(await stored()).toEqual(['a', 'b', 'c']);
  });

  it('see the row as it was stored, and may begin a unit of their own', async () => {
    await unit(async (uow) => {
      const { id } = await create('first');
      uow.afterCommit(async () => {
        expect((await schools.findByIdOrFail(id)).name).toBe('first');
        await unit(() => create('second'));
      });
    });
    expect(names()).toEqual(['first', 'second']);
    expect(await stored()).toEqual(['first', 'second']);
  });
});

describe('the state of what a rolled back unit returned [U70]', () => {
  it('is that of a value: it claims nothing, and writing it again works', async () => {
    let made: Entity<School> | undefined;
    await caught(
      unit(async () => {
        made = await create('again');
        await undo();
      }),
    );
    expect(await schools.findById(made!.id, { context: clinics.a })).toBeNull();
    await expect(schools.update(made!.id, { name: 'x' }, clinics.a)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const again = await schools.create({ id: made!.id, name: made!.name, code: made!.code }, clinics.a);
    expect(again).toMatchObject({ id: made!.id, version: 1 });
  });

  it('has the version it had before: a rolled back update leaves the old one to be expected', async () => {
    const school = await create('versioned');
    await caught(unit(() => schools.update(school.id, { name: 'gone' }).then(undo)));
    await expect(
      schools.update(school.id, { name: 'next' }, clinics.a, { expectedVersion: school.version }),
    ).resolves.toMatchObject({ name: 'next', version: school.version + 1 });
  });

  it('is not deleted by a rolled back delete, nor restored by a rolled back restore', async () => {
    const { id } = await create('kept');
    await caught(unit(() => schools.delete(id).then(undo)));
    expect(await schools.exists(id, { context: clinics.a })).toBe(true);
    await schools.delete(id, clinics.a);
    await caught(unit(() => schools.restore(id).then(undo)));
    expect(await schools.exists(id, { context: clinics.a })).toBe(false);
  });
});

describe('a rollback of the innermost of several units', () => {
  it.each([
    [{ propagation: 'REQUIRED' }, []],
    [{ propagation: 'NESTED' }, ['outer']],
    [{ propagation: 'REQUIRES_NEW' }, ['outer']],
  ] as const)('that is caught leaves, with %j: %j', async (options, rows) => {
    await caught(
      unit(async () => {
        await create('outer');
        await caught(unit(() => create('inner').then(undo), options));
      }),
    );
    expect(await stored()).toEqual(rows);
    expect(names()).toEqual(rows);
  });

  it('in a loop of savepoints takes back the failing ones only', async () => {
    const failures: string[] = [];
    await unit(async () => {
      for (const name of ['a', 'b', 'a', 'c', 'b']) {
        await unit(() => create(name), { propagation: 'NESTED' }).catch((error: { code: string }) =>
          failures.push(`${name} ${error.code}`),
        );
      }
    });
    expect(failures).toEqual(['a UNIQUE_VIOLATION', 'b UNIQUE_VIOLATION']);
    expect(await stored()).toEqual(['a', 'b', 'c']);
  });
});
