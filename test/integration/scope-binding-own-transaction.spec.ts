import { Transaction } from 'sequelize';
import { runWithContext, TenantDeniedError, TransactionScopeClosedError } from '../../src';
import { expectWholePool, INSERT_STUDENT, pupil, startStudentApp, type StudentApp } from '../support/student-app';

let app: StudentApp;

beforeAll(async () => {
  // Two, so that a call that left the transaction would be seen to run on the other one.
  app = await startStudentApp({ pool: { min: 0, max: 2, acquireTimeoutMs: 5_000 } });
});
afterAll(() => app?.close());
afterEach(() => expectWholePool(app, 2));

const model = () => app.sequelize.models.Student!;

describe('a transaction that the caller opens with sequelize.transaction()', () => {
  it('carries tenant and actor from its begin, for models and raw SQL [U71]', async () => {
    await runWithContext(app.clinics.a, async () => {
      const transaction = await app.sequelize.transaction();
      const [rows] = await app.sequelize.query(
        `SELECT phi.tenant() AS tenant, current_setting('app.context')::jsonb->>'userRole' AS role`,
        { transaction },
      );
      expect(rows).toEqual([{ tenant: app.clinics.a.clinicId, role: 'NURSE' }]);
      await model().create(pupil('own-model'), { transaction });
      await app.sequelize.query(INSERT_STUDENT, { bind: ['own-raw'], transaction });
      await transaction.commit();
    });
    expect(await app.stored('own')).toEqual(['own-model', 'own-raw']);
  });

  it.each(['commit', 'rollback'] as const)(
    'is joined by a repository that is handed it, and its %s decides [002-10] [003-11]',
    async (end) => {
      const transaction = await app.sequelize.transaction();
      const created = await app.students.create(pupil(`handed-${end}`), app.clinics.a, { transaction });
      expect(created.clinicId).toBe(app.clinics.a.clinicId);
      expect(
        await app.students.count({ studentNumber: `handed-${end}` }, { transaction, context: app.clinics.a }),
      ).toBe(1);
      expect(await app.students.count({ studentNumber: `handed-${end}` }, { context: app.clinics.a })).toBe(0);
      await app.students.update(created.id, { grade: '6' }, app.clinics.a, { transaction });
      expect(await app.stored('handed')).not.toContain(`handed-${end}`);
      await transaction[end]();
      expect((await app.stored('handed')).includes(`handed-${end}`)).toBe(end === 'commit');
    },
  );

  it('works with the callback form, and with an isolation level', async () => {
    await runWithContext(app.clinics.a, () =>
      app.sequelize.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.SERIALIZABLE }, async (transaction) => {
        await app.students.create(pupil('callback'), undefined, { transaction });
        const [rows] = await app.sequelize.query(
          `SELECT current_setting('transaction_isolation') AS transaction_isolation`,
          { transaction },
        );
        expect(rows).toEqual([{ transaction_isolation: 'serializable' }]);
      }),
    );
    expect(await app.stored('callback')).toEqual(['callback']);
  });

  it('serves one clinic only: another one is refused, and nothing of it is written', async () => {
    const transaction = await app.sequelize.transaction();
    await app.students.create(pupil('two-a'), app.clinics.a, { transaction });
    await expect(app.students.create(pupil('two-b'), app.clinics.b, { transaction })).rejects.toThrow(
      TenantDeniedError,
    );
    await expect(app.students.count({}, { transaction, context: app.clinics.b })).rejects.toThrow(TenantDeniedError);
    await app.students.create(pupil('two-c'), app.clinics.a, { transaction });
    await transaction.commit();
    expect(await app.stored('two')).toEqual(['two-a', 'two-c']);

    const begun = await runWithContext(app.clinics.b, () => app.sequelize.transaction());
    await expect(app.students.create(pupil('two-d'), app.clinics.a, { transaction: begun })).rejects.toThrow(
      TenantDeniedError,
    );
    await begun.rollback();
  });

  it.each(['commit', 'rollback'] as const)(
    'is refused after its %s: its connection is someone else’s [D01]',
    async (end) => {
      const transaction = await app.sequelize.transaction();
      await transaction[end]();
      await expect(app.students.create(pupil('after'), app.clinics.a, { transaction })).rejects.toThrow(
        TransactionScopeClosedError,
      );
      await expect(
        app.database.query(INSERT_STUDENT, ['after'], { transaction, context: app.clinics.a }),
      ).rejects.toThrow(TransactionScopeClosedError);
      await expect(
        runWithContext(app.clinics.a, () => model().create(pupil('after'), { transaction })),
      ).rejects.toThrow(/has been called on this transaction/);
      expect(await app.stored('after')).toEqual([]);
    },
  );

  it('is refused while its COMMIT is under way [U09]', async () => {
    const transaction = await app.sequelize.transaction();
    await app.students.create(pupil('committing'), app.clinics.a, { transaction });
    const committing = transaction.commit();
    await expect(app.students.create(pupil('too-late'), app.clinics.a, { transaction })).rejects.toThrow(
      TransactionScopeClosedError,
    );
    await committing;
    expect(await app.stored('too-late')).toEqual([]);
  });

  it('that failed fails every later call with an error of ours, and rolls back', async () => {
    const transaction = await app.sequelize.transaction();
    await expect(app.database.query('SELECT 1/0', [], { transaction })).rejects.toMatchObject({ sqlState: '22012' });
    await expect(app.students.create(pupil('failed'), app.clinics.a, { transaction })).rejects.toMatchObject({
      sqlState: '25P02',
    });
    await transaction.rollback();
    expect(await app.stored('failed')).toEqual([]);
  });

  it('wins over the open unit, and stays apart from it', async () => {
    const transaction = await app.sequelize.transaction();
    await expect(
      app.unitOfWork.executeInTransaction(async () => {
        await app.students.create(pupil('apart-unit'));
        await app.students.create(pupil('apart-own'), undefined, { transaction });
        throw new Error('undo the unit');
      }, app.clinics.a),
    ).rejects.toThrow('undo the unit');
    await transaction.commit();
    expect(await app.stored('apart')).toEqual(['apart-own']);
  });

  it('can be ended from anywhere, even from a call chain whose unit has settled', async () => {
    const transaction = await app.sequelize.transaction();
    let late: Promise<void> | undefined;
    await app.unitOfWork.executeInTransaction(async () => {
      late = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => transaction.commit());
      late.catch(() => undefined);
    });
    await expect(late).resolves.toBeUndefined();
  });

  it('refuses a model that acts for another clinic, in a savepoint of it, too', async () => {
    const elsewhere = (transaction: Transaction) =>
      runWithContext(app.clinics.b, () => model().create(pupil('own-elsewhere'), { transaction }));
    await runWithContext(app.clinics.a, () =>
      app.sequelize.transaction(async (transaction) => {
        await expect(elsewhere(transaction)).rejects.toThrow(TenantDeniedError);
        await app.sequelize.transaction({ transaction }, async (inner) => {
          await expect(elsewhere(inner)).rejects.toThrow(TenantDeniedError);
        });
        await model().create(pupil('own-here'), { transaction });
      }),
    );
    expect(await app.stored('own-e')).toEqual([]);
    expect(await app.stored('own-here')).toEqual(['own-here']);
  });

  it('ends for whoever acts by then', async () => {
    const transaction = await runWithContext(app.clinics.a, () => app.sequelize.transaction());
    await runWithContext(app.clinics.a, () => model().create(pupil('own-end'), { transaction }));
    await runWithContext(app.clinics.b, () => transaction.commit());
    expect(await app.stored('own-end')).toEqual(['own-end']);
  });
});
