import { ConflictError, NotFoundError, TimeoutError, type TransactionOptions } from '../../src';
import { expectWholePool, pupil, signal, startStudentApp, type StudentApp } from '../support/student-app';

// Behaviours that Rails' locking_test and MikroORM's concurrency checks name: stale objects and locked rows.

let app: StudentApp;
let runs = 0;
let id: string;

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 4, acquireTimeoutMs: 10_000 } });
});
afterAll(() => app?.close());
beforeEach(async () => {
  runs += 1;
  ({ id } = await app.students.create(pupil(`row-${runs}`), app.clinics.a));
});
afterEach(() => expectWholePool(app, 4));

const unit = <T>(fn: () => Promise<T>, options: TransactionOptions = {}): Promise<T> =>
  app.unitOfWork.executeInTransaction(fn, app.clinics.a, options);
const rival = (patch: object) =>
  app.unitOfWork.runOutsideTransaction(() => app.students.update(id, patch, app.clinics.a));
const row = async () => {
  const { rows } = await app.truth.query<{ grade: string; version: number; gone: boolean }>(
    'SELECT grade, version, deleted_at IS NOT NULL AS gone FROM students WHERE id = $1',
    [id],
  );
  return rows[0];
};
const lock = (mode: string) => app.database.query(`SELECT FROM students WHERE id = $1 FOR ${mode}`, [id]);

/** Every write that can be told which version it is meant for. */
const WRITES: readonly [string, (expectedVersion: number) => Promise<unknown>][] = [
  ['update', (expectedVersion) => app.students.update(id, { grade: '6' }, undefined, { expectedVersion })],
  [
    'update by a function',
    (expectedVersion) => app.students.update(id, () => ({ grade: '6' }), undefined, { expectedVersion }),
  ],
  ['delete', (expectedVersion) => app.students.delete(id, undefined, { expectedVersion })],
  ['softDelete', (expectedVersion) => app.students.softDelete(id, undefined, { expectedVersion })],
];

describe('a write that expects a version [U60]', () => {
  it.each(WRITES)('is refused when somebody else raised it: %s', async (_, write) => {
    await rival({ grade: '7' });
    await expect(unit(() => write(1))).rejects.toThrow(ConflictError);
    expect(await row()).toEqual({ grade: '7', version: 2, gone: false });
  });

  it.each(WRITES)('succeeds on the version that is there, and raises it: %s', async (_, write) => {
    await rival({ grade: '5' });
    await unit(() => write(2));
    expect((await row())?.version).toBe(3);
  });

  it.each(WRITES)('is refused when the other one commits while it waits for the row: %s', async (_, write) => {
    const updated = signal();
    const release = signal();
    const other = unit(async () => {
      await app.students.update(id, { grade: '7' });
      updated.resolve();
      await release.promise;
    });
    await updated.promise;
    const waiting = unit(() => write(1)).catch((error: unknown) => error);
    release.resolve();
    await other;
    expect(await waiting).toBeInstanceOf(ConflictError);
    expect(await row()).toEqual({ grade: '7', version: 2, gone: false });
  });

  it.each(WRITES)('succeeds when the other one was rolled back while it waited: %s', async (_, write) => {
    const updated = signal();
    const release = signal();
    const other = unit(async () => {
      await app.students.update(id, { grade: '7' });
      updated.resolve();
      await release.promise;
      throw new Error('undo');
    }).catch(() => undefined);
    await updated.promise;
    const waiting = unit(() => write(1));
    release.resolve();
    await Promise.all([other, waiting]);
    expect((await row())?.version).toBe(2);
  });

  it.each(WRITES)('says that the row is gone, not that it is stale, when it was deleted: %s', async (_, write) => {
    await app.students.delete(id, app.clinics.a);
    await expect(unit(() => write(1))).rejects.toThrow(NotFoundError);
  });

  it.each(WRITES)('that is refused and caught does not end the unit: %s', async (_, write) => {
    await rival({ grade: '7' });
    await unit(async () => {
      await expect(write(1)).rejects.toThrow(ConflictError);
      await app.students.update(id, { grade: '8' }, undefined, { expectedVersion: 2 });
    });
    expect(await row()).toEqual({ grade: '8', version: 3, gone: false });
  });

  it('twice in one unit goes by the version that the unit itself made', async () => {
    await unit(async () => {
      const { version } = await app.students.update(id, { grade: '6' }, undefined, { expectedVersion: 1 });
      expect(version).toBe(2);
      await expect(app.students.update(id, { grade: '7' }, undefined, { expectedVersion: 1 })).rejects.toThrow(
        ConflictError,
      );
      await app.students.update(id, { grade: '8' }, undefined, { expectedVersion: version });
    });
    expect(await row()).toEqual({ grade: '8', version: 3, gone: false });
  });
});

describe('a row that is locked', () => {
  it('by an update by a function is read as it is now, not as a caller saw it before: nothing is lost [U60]', async () => {
    await Promise.all(
      Array.from({ length: 8 }, () =>
        app.students.update(id, ({ grade }) => ({ grade: String(Number(grade) + 1) }), app.clinics.a),
      ),
    );
    expect(await row()).toEqual({ grade: '13', version: 9, gone: false });
  });

  it.each(['UPDATE', 'NO KEY UPDATE', 'SHARE'])('FOR %s makes other writers wait until the unit ends', async (mode) => {
    const order: string[] = [];
    const locked = signal();
    const holder = unit(async () => {
      await lock(mode);
      locked.resolve();
      await app.database.query('SELECT pg_sleep(0.05)');
      order.push('holder');
    });
    await locked.promise;
    const writer = unit(() => app.students.update(id, { grade: '6' })).then(() => order.push('writer'));
    await Promise.all([holder, writer]);
    expect(order).toEqual(['holder', 'writer']);
  });

  it('is given up with NOWAIT and with a lock timeout, and read past with SKIP LOCKED', async () => {
    await unit(async () => {
      await lock('UPDATE');
      await app.unitOfWork.runOutsideTransaction(async () => {
        await expect(unit(() => lock('UPDATE NOWAIT'))).rejects.toMatchObject({ code: 'TIMEOUT', sqlState: '55P03' });
        await expect(unit(() => lock('UPDATE'), { lockTimeoutMs: 50 })).rejects.toThrow(TimeoutError);
        expect(await unit(() => lock('UPDATE SKIP LOCKED'))).toEqual([]);
        expect((await app.students.findByIdOrFail(id, { context: app.clinics.a })).grade).toBe('5');
      });
    });
  });

  it('in a savepoint is free again when that one is rolled back', async () => {
    await unit(async () => {
      const inner = unit(() => app.students.update(id, { grade: '6' }).then(() => Promise.reject(new Error('undo'))), {
        propagation: 'NESTED',
      });
      await expect(inner).rejects.toThrow('undo');
      await rival({ grade: '7' });
    });
    expect(await row()).toEqual({ grade: '7', version: 2, gone: false });
  });

  it('by the suspended unit makes REQUIRES_NEW wait for itself: the lock timeout ends that [U23]', async () => {
    await unit(async () => {
      await app.students.update(id, { grade: '6' });
      const inner = unit(() => app.students.update(id, { grade: '7' }), {
        propagation: 'REQUIRES_NEW',
        lockTimeoutMs: 50,
      });
      await expect(inner).rejects.toMatchObject({ code: 'TIMEOUT', sqlState: '55P03' });
    });
    expect(await row()).toEqual({ grade: '6', version: 2, gone: false });
  });
});
