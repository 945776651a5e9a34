import type { Client } from 'pg';
import {
  AUDIT_LOGGER,
  createExecutionContext,
  createSystemExecutionContext,
  type IAuditLogger,
  runWithContext,
} from '../../src';
import { Allergy, SchoolRepository, StudentRepository } from '../../src/domains';
import { eventsOf, eventsSince, markTrail } from '../support/audit-events';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { everythingOf, rejectionOf } from '../support/refusal';

let app: DatabaseApp;
let clinics: TwoClinics;
let logger: IAuditLogger;
let students: StudentRepository;
let superuser: Client;

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository, SchoolRepository, Allergy]);
  clinics = await plantClinics(app);
  logger = app.module.get<IAuditLogger>(AUDIT_LOGGER);
  students = app.get(StudentRepository);
  superuser = await app.db.superClient();
});
afterAll(() => app?.close());

let number = 0;
const pupil = () => ({
  studentNumber: `log-${(number += 1)}`,
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '2014-12-10',
  gender: 'FEMALE' as const,
});
const CANARY = 'Canary-7301';

describe('IAuditLogger', () => {
  it('records each kind of event, as the application’s claim [003-26] [003-27] [003-37] [003-38]', async () => {
    const mark = await markTrail(superuser);
    await logger.logCreate('Student', 'student-1', clinics.a, { grade: '5' });
    await logger.logRead('Student', 'student-1', clinics.a);
    await logger.logUpdate('Student', 'student-1', clinics.a, { grade: { before: '5', after: '6' } });
    await logger.logDelete('Student', 'student-1', clinics.a, { reason: 'moved' });
    await logger.logBulkOperation('Student', clinics.a, { operation: 'promote', ids: ['1', '2'] });
    await logger.logExport('HealthRecord', clinics.a, { format: 'CSV', count: 150 });
    await logger.logTransaction(clinics.a, { operation: 'transfer', outcome: 'committed' });
    const events = await eventsSince(superuser, mark);
    expect(events.map(({ action, entity, entity_id, details }) => [action, entity, entity_id, details])).toEqual([
      ['CREATE', 'Student', 'student-1', { grade: '5' }],
      ['READ', 'Student', 'student-1', null],
      ['UPDATE', 'Student', 'student-1', { grade: { before: '5', after: '6' } }],
      ['DELETE', 'Student', 'student-1', { reason: 'moved' }],
      ['BULK', 'Student', null, { operation: 'promote', ids: ['1', '2'] }],
      ['EXPORT', 'HealthRecord', null, { format: 'CSV', count: 150 }],
      ['TRANSACTION', 'Transaction', null, { operation: 'transfer', outcome: 'committed' }],
    ]);
    for (const event of events) {
      expect(event).toMatchObject({
        origin: 'application',
        user_id: clinics.a.userId,
        clinic_id: clinics.a.clinicId,
        request_id: 'request-of-a',
        db_role: 'phi_app',
        context_missing: false,
      });
    }
  });

  it('takes ids and actors that are no UUID: student-123, system [D07]', async () => {
    await logger.logRead(
      'Student',
      'student-123',
      createSystemExecutionContext({ clinicId: clinics.a.clinicId, requestId: 'txn_17' }),
    );
    expect(await eventsOf(superuser, 'Student', 'student-123')).toMatchObject([
      { user_id: 'system', request_id: 'txn_17' },
    ]);
  });

  it('writes down no protected value: by @Phi of the entity, and by the names of keys [003-39] [D10]', async () => {
    const mark = await markTrail(superuser);
    const at = new Date('2024-01-02T03:04:05Z');
    await logger.logCreate('Student', 'phi-1', clinics.a, {
      grade: '5',
      race: CANARY,
      passport_number: CANARY,
      nested: [{ lastName: CANARY }],
      at,
      tokenCount: 3,
    });
    await logger.logUpdate('Allergy', 'phi-1', clinics.a, {
      allergen: { before: CANARY, after: CANARY },
      severity: { before: 'MILD', after: 'SEVERE' },
    });
    await logger.logDelete('Whatever', 'phi-1', clinics.a, { password: CANARY, deep: { apiKey: CANARY, ssn: CANARY } });
    const events = await eventsSince(superuser, mark);
    expect(JSON.stringify(events)).not.toContain(CANARY);
    expect(events[0]!.details).toEqual({
      grade: '5',
      race: '[REDACTED]',
      passport_number: '[REDACTED]',
      nested: [{ lastName: '[REDACTED]' }],
      at: at.toISOString(),
      tokenCount: 3,
    });
    expect(events[1]!.details).toEqual({ allergen: '[REDACTED]', severity: { before: 'MILD', after: 'SEVERE' } });
  });

  it('is part of the unit of work: rolled back with it, kept with it [003-27] [D06]', async () => {
    const mark = await markTrail(superuser);
    const enrol = (fail: boolean) =>
      app.unitOfWork.executeInTransaction(async () => {
        const { id } = await students.create(pupil());
        await logger.logCreate('Student', id, clinics.a, { enrolled: true });
        if (fail) throw new Error('fault');
        return id;
      }, clinics.a);
    await expect(enrol(true)).rejects.toThrow('fault');
    expect(await eventsSince(superuser, mark)).toEqual([]);
    const events = await eventsOf(superuser, 'Student', await enrol(false));
    expect(events.map(({ origin, action }) => [origin, action])).toEqual([
      ['trigger', 'CREATE'],
      ['application', 'CREATE'],
    ]);
    expect(events[0]!.transaction_id).toBe(events[1]!.transaction_id);
  });

  it('rolls the unit back when an entry cannot be written: no change without its audit [D07]', async () => {
    const number = pupil().studentNumber;
    const unit = app.unitOfWork.executeInTransaction(async () => {
      await students.create({ ...pupil(), studentNumber: number });
      await logger.logRead('Student', 'x'.repeat(201), clinics.a).catch(() => undefined);
    }, clinics.a);
    expect(await rejectionOf(unit)).toMatchObject({ code: 'UNEXPECTED_ROLLBACK' });
    expect(await students.exists({ studentNumber: number }, { context: clinics.a })).toBe(false);
  });

  it('throws what cannot be recorded, coded and without the value [D07]', async () => {
    const refused = [
      () => logger.logRead('', 'x', clinics.a),
      () => logger.logRead('Student', `${CANARY}${'x'.repeat(200)}`, clinics.a),
      () => logger.logRead('Student', `${CANARY}\0`, clinics.a),
      () => logger.logRead('Student', `${CANARY}\ud800`, clinics.a),
      () => logger.logCreate('Student', 'x', clinics.a, { text: `${CANARY}\0` }),
      () => logger.logCreate('Student', 'x', clinics.a, { text: `${CANARY}\ud800` }),
      () => logger.logCreate('Student', 'x', clinics.a, { text: CANARY.repeat(7_000) }),
      () => logger.logRead(CANARY.repeat(10), 'x', clinics.a),
    ];
    const mark = await markTrail(superuser);
    for (const call of refused) {
      const error = await rejectionOf(call());
      expect(error.code).toMatch(/^(INVALID_INPUT|CHECK_VIOLATION)$/);
      expect(everythingOf(error)).not.toContain(CANARY);
    }
    expect(await eventsSince(superuser, mark)).toEqual([]);
  });

  it('holds the ids of a large bulk operation, in several events, and numbers beyond 2^53 [003-37]', async () => {
    const mark = await markTrail(superuser);
    const ids = Array.from({ length: 2_500 }, (_, i) => `0190a000-0000-7000-8000-${String(i).padStart(12, '0')}`);
    await app.unitOfWork.executeInTransaction(
      () => logger.logBulkOperation('Student', clinics.a, { operation: 'import', ids }),
      clinics.a,
    );
    const events = await eventsSince(superuser, mark);
    expect(events.map(({ details }) => (details!.ids as string[]).length)).toEqual([1_000, 1_000, 500]);
    expect(events.flatMap(({ details }) => details!.ids)).toEqual(ids);
    await logger.logCreate('Student', 'big', clinics.a, { count: 9_007_199_254_740_993n });
    expect((await eventsOf(superuser, 'Student', 'big'))[0]!.details).toEqual({ count: '9007199254740993' });
  });

  it('names who is passed, not who is ambient', async () => {
    await runWithContext(clinics.a, () =>
      logger.logRead('Student', 'passed', createExecutionContext({ userId: 'other', clinicId: clinics.a.clinicId })),
    );
    expect(await eventsOf(superuser, 'Student', 'passed')).toMatchObject([{ user_id: 'other' }]);
  });

  it('records for no other clinic than that of the context, inside the unit of another one', async () => {
    const unit = app.unitOfWork.executeInTransaction(() => logger.logRead('Student', 'foreign', clinics.b), clinics.a);
    expect(await rejectionOf(unit)).toMatchObject({ code: 'TENANT_DENIED' });
    expect(await eventsOf(superuser, 'Student', 'foreign')).toEqual([]);
  });
});

describe('Reading the trail', () => {
  it('gives attributes and not columns, newest first, frozen [003-35]', async () => {
    const { id } = await students.create(pupil(), clinics.a);
    await students.update(id, { grade: '6', lastName: 'Byron', isActive: false }, clinics.a);
    const [updated, created, ...rest] = await logger.trail('Student', id, clinics.a);
    expect(rest).toEqual([]);
    expect(created).toMatchObject({
      action: 'CREATE',
      entity: 'Student',
      entityId: id,
      before: null,
      after: { isActive: true },
    });
    expect(updated).toMatchObject({
      action: 'UPDATE',
      userId: clinics.a.userId,
      userRole: 'NURSE',
      clinicId: clinics.a.clinicId,
      requestId: 'request-of-a',
      ipAddress: '192.0.2.10',
      before: { grade: null, isActive: true, version: 1 },
      after: { grade: '6', isActive: false, version: 2 },
      changed: ['grade', 'isActive', 'lastName'],
      contextMissing: false,
    });
    expect(updated!.at).toBeInstanceOf(Date);
    expect(Object.isFrozen(updated)).toBe(true);
    expect(JSON.stringify([updated, created])).not.toMatch(/Byron|Lovelace|2014-12-10/);
  });

  it('shows a clinic its own events only, and nobody else any [000-28]', async () => {
    const { id } = await students.create(pupil(), clinics.a);
    await students.create({ ...pupil(), id }, clinics.b);
    for (const context of [clinics.a, clinics.b]) {
      expect((await logger.trail('Student', id, context)).map(({ clinicId }) => clinicId)).toEqual([context.clinicId]);
      expect(await runWithContext(context, () => logger.trail('Student', id))).toHaveLength(1);
      expect(
        await app.database.query(`SELECT DISTINCT clinic_id FROM audit.trail('Student', $1, 1000)`, [id], { context }),
      ).toEqual([{ clinic_id: context.clinicId }]);
    }
    expect(await logger.trail('Student', id)).toEqual([]);
    expect(await logger.trail('Student', id, createExecutionContext({ userId: 'nobody' }))).toEqual([]);
  });

  it('sees in a unit of work what the unit has done so far', async () => {
    await app.unitOfWork.executeInTransaction(async () => {
      const { id } = await students.create(pupil());
      await students.update(id, { grade: '1' });
      expect((await logger.trail('Student', id)).map(({ action }) => action)).toEqual(['UPDATE', 'CREATE']);
    }, clinics.a);
  });

  it('ends at 1,000 events', async () => {
    await superuser.query(
      `INSERT INTO audit.event (origin, action, entity, entity_id, clinic_id, user_id, context_missing)
       SELECT 'application', 'READ', 'Student', 'many', $1, 'x', false FROM generate_series(1, 1100)`,
      [clinics.a.clinicId],
    );
    expect(await logger.trail('Student', 'many', clinics.a)).toHaveLength(1_000);
  });
});
