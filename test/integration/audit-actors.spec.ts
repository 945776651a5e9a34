import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import {
  createExecutionContext,
  createSystemExecutionContext,
  type ExecutionContext,
  MissingContextError,
  runWithContext,
} from '../../src';
import { School, SchoolRepository } from '../../src/domains';
import { eventsOf, eventsSince, markTrail, type RawAuditEvent } from '../support/audit-events';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';

let app: DatabaseApp;
let clinics: TwoClinics;
let schools: SchoolRepository;
let superuser: Client;

beforeAll(async () => {
  app = await startDatabaseApp([SchoolRepository]);
  clinics = await plantClinics(app);
  schools = app.get(SchoolRepository);
  superuser = await app.db.superClient();
});
afterAll(() => app?.close());

let number = 0;
const school = () => ({ name: 'School', code: `actor-${(number += 1)}` });
const actor = (userId: string, rest: Partial<ExecutionContext> = {}): ExecutionContext =>
  createExecutionContext({ userId, clinicId: clinics.a.clinicId, ...rest });

async function lastEventOf(id: string): Promise<RawAuditEvent & Record<string, unknown>> {
  return (await eventsOf(superuser, 'School', id)).at(-1) as RawAuditEvent & Record<string, unknown>;
}

describe('Who is named in the trail', () => {
  it('is all that the context says [003-36]', async () => {
    const context = actor('user-1', {
      userRole: 'PHYSICIAN',
      requestId: 'req-1',
      ipAddress: '2001:db8::1',
      userAgent: `Mozilla "quoted" 'apostrophe' \\ back`,
      purposeOfUse: 'TREATMENT',
      reason: 'naïve; DROP TABLE audit.event; -- 🩺',
    });
    const { id } = await schools.create(school(), context);
    expect(await lastEventOf(id)).toMatchObject({
      user_id: 'user-1',
      user_role: 'PHYSICIAN',
      request_id: 'req-1',
      ip_address: '2001:db8::1',
      user_agent: context.userAgent,
      purpose_of_use: 'TREATMENT',
      reason: context.reason,
      clinic_id: clinics.a.clinicId,
      context_missing: false,
    });
  });

  it('is the explicit context, over the ambient one, for each kind of write [003-09]', async () => {
    const explicit = actor('explicit-user');
    await runWithContext(actor('ambient-user'), async () => {
      const { id } = await schools.create(school(), explicit);
      const [bulk] = await schools.bulkCreate([school()], explicit);
      await schools.update(id, { city: 'Boston' }, explicit);
      await schools.delete(id, explicit);
      await schools.restore(id, explicit);
      await schools.softDelete(id, undefined, { context: explicit });
      await app.database.none('UPDATE schools SET city = $2 WHERE id = $1', [id, 'Salem'], { context: explicit });
      const authors = [
        ...(await eventsOf(superuser, 'School', id)),
        ...(await eventsOf(superuser, 'School', bulk!.id)),
      ].map(({ user_id }) => user_id);
      expect(authors).toEqual(Array(7).fill('explicit-user'));
      await schools.create({ ...school(), id: '0190a000-0000-7000-8000-0000000000e1' });
      expect(await lastEventOf('0190a000-0000-7000-8000-0000000000e1')).toMatchObject({ user_id: 'ambient-user' });
    });
  });

  it('may be the system, or a name that is no UUID, and the row then names no user [D07]', async () => {
    const byNobody = await schools.create(
      school(),
      createSystemExecutionContext({ clinicId: clinics.a.clinicId, requestId: 'job no. 7' }),
    );
    expect(byNobody).toMatchObject({ createdBy: null, updatedBy: null });
    expect(await lastEventOf(byNobody.id)).toMatchObject({
      user_id: 'system',
      user_role: 'SYSTEM',
      request_id: 'job no. 7',
      context_missing: false,
    });
    const userId = randomUUID();
    const bySomeone = await schools.create(school(), actor(userId));
    expect(bySomeone).toMatchObject({ createdBy: userId, updatedBy: userId });
  });

  it('is the login, and flagged, where a change comes without context', async () => {
    const id = randomUUID();
    const client = await app.db.appClient();
    await client.query('BEGIN');
    await client.query(`SELECT set_config('app.tenant', $1, true)`, [clinics.a.clinicId]);
    await client.query(`INSERT INTO schools (id, name, code) VALUES ($1, 'Raw', 'RAW')`, [id]);
    await client.query('COMMIT');
    expect(await lastEventOf(id)).toMatchObject({
      user_id: 'phi_app',
      db_role: 'phi_app',
      context_missing: true,
      request_id: null,
    });
    const migrator = await app.db.migratorClient();
    await migrator.query('SET ROLE phi_owner');
    await migrator.query(`UPDATE schools SET city = 'Backfill' WHERE id = $1`, [id]);
    expect(await lastEventOf(id)).toMatchObject({
      user_id: 'phi_migrator',
      db_role: 'phi_migrator',
      context_missing: true,
      clinic_id: clinics.a.clinicId,
    });
  });

  it('cannot be left out of a repository’s write [003-09]', async () => {
    const { id } = await schools.create(school(), clinics.a);
    const mark = await markTrail(superuser);
    for (const context of [
      undefined,
      { clinicId: clinics.a.clinicId } as ExecutionContext,
      { userId: '', clinicId: clinics.a.clinicId } as ExecutionContext,
    ]) {
      const writes: (() => Promise<unknown>)[] = [
        () => schools.create(school(), context),
        () => schools.bulkCreate([school()], context),
        () => schools.update(id, { city: 'x' }, context),
        () => schools.delete(id, context),
        () => schools.softDelete(id, context),
        () => schools.restore(id, context),
      ];
      for (const write of writes) {
        await expect(write()).rejects.toThrow(MissingContextError);
        await expect(app.unitOfWork.executeInTransaction(write)).rejects.toThrow(MissingContextError);
      }
    }
    expect(await eventsSince(superuser, mark)).toEqual([]);
  });

  it('is each one of many who write at once', async () => {
    const users = Array.from({ length: 60 }, (_, i) => `user-${i}`);
    const rows = await Promise.all(
      users.map((user, i) => {
        const work = async () => {
          const { id } = await schools.create(school());
          await School.update({ city: user }, { where: { id } });
          await app.database.none('UPDATE schools SET state = $2 WHERE id = $1', [id, user]);
          return id;
        };
        return i % 2 === 0 ? runWithContext(actor(user), work) : app.unitOfWork.executeInTransaction(work, actor(user));
      }),
    );
    for (const [i, id] of rows.entries()) {
      expect((await eventsOf(superuser, 'School', id)).map(({ user_id }) => user_id)).toEqual(Array(3).fill(users[i]));
    }
  });

  it('is one transaction’s id for all that a unit of work changed, and another one for the next', async () => {
    const mark = await markTrail(superuser);
    const unit = () =>
      app.unitOfWork.executeInTransaction(async () => {
        const { id } = await schools.create(school());
        await School.update({ city: 'x' }, { where: { id } });
      }, clinics.a);
    await unit();
    await unit();
    const ids = (await eventsSince(superuser, mark)).map(({ transaction_id }) => transaction_id);
    expect(ids).toEqual([ids[0], ids[0], ids[2], ids[2]]);
    expect(ids[0]).not.toBe(ids[2]);
  });
});
