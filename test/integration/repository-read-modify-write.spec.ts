import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { ConflictError, type Entity, NotFoundError, runWithContext } from '../../src';
import { Appointment, AppointmentRepository, StudentRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { eventsSince, markTrail } from '../support/audit-events';
import { rejectionOf } from '../support/refusal';
import { eventually, pupil, signal } from '../support/student-app';

/** Remembers what it was asked to judge. */
class CarefulAppointmentRepository extends AppointmentRepository {
  readonly judged: [patch: object, minutes: number][] = [];

  protected override validateUpdate(_id: string, patch: object, current: Entity<Appointment>): void {
    this.judged.push([patch, current.durationMinutes]);
  }
}

let app: DatabaseApp;
let clinics: TwoClinics;
let truth: Client;
let appointments: AppointmentRepository;
let careful: CarefulAppointmentRepository;
let studentId: string;

beforeAll(async () => {
  app = await startDatabaseApp([StudentRepository, AppointmentRepository, CarefulAppointmentRepository]);
  clinics = await plantClinics(app);
  truth = await app.db.superClient();
  [appointments, careful] = [app.get(AppointmentRepository), app.get(CarefulAppointmentRepository)];
  studentId = (await app.get(StudentRepository).create(pupil('patient'), clinics.a)).id;
});
afterAll(() => app?.close());
beforeEach(() => {
  careful.judged.length = 0;
});

const asA = <T>(work: () => Promise<T>): Promise<T> => runWithContext(clinics.a, work);
const plan = () =>
  appointments.create(
    { studentId, type: 'SCREENING', scheduledAt: new Date(0), reason: 'x', durationMinutes: 1 } as never,
    clinics.a,
  );
const longer = ({ durationMinutes }: Entity<Appointment>) => ({ durationMinutes: durationMinutes + 1 });

describe('update with a function', () => {
  it('loses none of 100 increments that run at once [U60] [D21]', async () => {
    const { id } = await plan();
    const results = await asA(() => Promise.all(Array.from({ length: 100 }, () => appointments.update(id, longer))));
    expect(new Set(results.map(({ durationMinutes }) => durationMinutes)).size).toBe(100);
    expect(await appointments.findByIdOrFail(id, { context: clinics.a })).toMatchObject({
      durationMinutes: 101,
      version: 101,
    });
  });

  it('holds the row until the function has answered: another write waits [U60] [D21]', async () => {
    const { id } = await plan();
    const [inside, go] = [signal(), signal()];
    const change = appointments.update(
      id,
      async (current) => {
        inside.resolve();
        await go.promise;
        return longer(current);
      },
      clinics.a,
    );
    await inside.promise;
    const other = appointments.update(id, { durationMinutes: 50 }, clinics.a);
    await eventually(
      async () =>
        (
          await truth.query(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
          )
        ).rowCount === 1,
    );
    go.resolve();
    expect(await change).toMatchObject({ durationMinutes: 2, version: 2 });
    expect(await other).toMatchObject({ durationMinutes: 50, version: 3 });
  });

  it('gives the function the entity, frozen, and writes one audit event [003-09] [003-35]', async () => {
    const planned = await plan();
    const mark = await markTrail(truth);
    const seen: unknown[] = [];
    await appointments.update(
      planned.id,
      (current) => {
        seen.push(current);
        return longer(current);
      },
      clinics.a,
    );
    expect(seen).toEqual([planned]);
    expect(Object.isFrozen(seen[0])).toBe(true);
    expect((await eventsSince(truth, mark)).filter(({ entity }) => entity === 'Appointment')).toMatchObject([
      { action: 'UPDATE', entity_id: planned.id },
    ]);
  });

  it('leaves the row as it is for null, and answers it', async () => {
    const planned = await plan();
    const mark = await markTrail(truth);
    expect(await appointments.update(planned.id, () => null, clinics.a)).toEqual(planned);
    expect((await eventsSince(truth, mark)).filter(({ entity }) => entity === 'Appointment')).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty patch', {}],
    ['a number', 7],
    ['an unknown attribute', { minutes: 1 }],
    ['what the database keeps', { version: 7 }],
    ['a value that does not fit', { durationMinutes: 'x' }],
  ])('refuses %s as the patch: nothing is written', async (_name, patch) => {
    const { id, version } = await plan();
    const change = appointments.update(id, () => patch as never, clinics.a);
    expect(await rejectionOf(change)).toMatchObject({ code: 'INVALID_INPUT', entity: 'Appointment' });
    expect((await appointments.findByIdOrFail(id, { context: clinics.a })).version).toBe(version);
  });

  it('is told of a version that no longer holds before the function runs [U60] [D21]', async () => {
    const { id } = await plan();
    const change = jest.fn(longer);
    await asA(async () => {
      await appointments.update(id, longer, undefined, { expectedVersion: 1 });
      await expect(appointments.update(id, change, undefined, { expectedVersion: 1 })).rejects.toThrow(ConflictError);
      expect(await appointments.update(id, change, undefined, { expectedVersion: 2 })).toMatchObject({ version: 3 });
    });
    expect(change).toHaveBeenCalledTimes(1);
  });

  it('finds no row of another clinic, no deleted one, none that is not there [000-28] [000-38]', async () => {
    const { id } = await plan();
    const change = jest.fn(longer);
    await expect(appointments.update(id, change, clinics.b)).rejects.toThrow(NotFoundError);
    await expect(appointments.update(randomUUID(), change, clinics.a)).rejects.toThrow(NotFoundError);
    await appointments.delete(id, clinics.a);
    await expect(appointments.update(id, change, clinics.a)).rejects.toThrow(NotFoundError);
    expect(change).not.toHaveBeenCalled();
  });

  it('writes nothing when the function throws, of what it wrote itself neither', async () => {
    const [first, second] = [await plan(), await plan()];
    const change = appointments.update(
      first.id,
      async () => {
        await appointments.update(second.id, longer);
        throw new Error('fault');
      },
      clinics.a,
    );
    await expect(change).rejects.toThrow('fault');
    expect(await appointments.findByIds([first.id, second.id], { context: clinics.a })).toEqual([first, second]);
  });

  it('may write to the very row, whose version then counts both writes', async () => {
    const { id } = await plan();
    const change = appointments.update(
      id,
      async (current) => {
        await appointments.update(id, { durationMinutes: 30 });
        return longer(current);
      },
      clinics.a,
      { expectedVersion: 1 },
    );
    expect(await change).toMatchObject({ durationMinutes: 2, version: 3 });
  });

  it('runs validateUpdate on what the function made, and on the row that it saw [003-12]', async () => {
    const { id } = await plan();
    await careful.update(id, longer, clinics.a);
    await careful.update(id, () => null, clinics.a);
    expect(careful.judged).toEqual([[{ durationMinutes: 2 }, 1]]);
  });

  it('is part of a unit of work, and of a transaction that the caller opened', async () => {
    const { id } = await plan();
    const unit = app.unitOfWork.executeInTransaction(async () => {
      await appointments.update(id, longer);
      expect((await appointments.update(id, longer)).durationMinutes).toBe(3);
      throw new Error('fault');
    }, clinics.a);
    await expect(unit).rejects.toThrow('fault');
    const transaction = await Appointment.sequelize!.transaction();
    expect(await appointments.update(id, longer, clinics.a, { transaction })).toMatchObject({ durationMinutes: 2 });
    await transaction.rollback();
    expect(await appointments.findByIdOrFail(id, { context: clinics.a })).toMatchObject({ durationMinutes: 1 });
  });

  it('in a transaction that the caller opened: what is detached from it stays', async () => {
    const [first, second] = [await plan(), await plan()];
    const transaction = await Appointment.sequelize!.transaction();
    const change = async (current: Entity<Appointment>) => {
      await app.unitOfWork.runOutsideTransaction(() => appointments.update(second.id, longer));
      return longer(current);
    };
    await appointments.update(first.id, change, clinics.a, { transaction });
    await transaction.rollback();
    const after = await appointments.findByIds([first.id, second.id], { context: clinics.a });
    expect(after.map(({ durationMinutes }) => durationMinutes)).toEqual([1, 2]);
  });

  it('that is refused before it runs leaves the unit around it whole', async () => {
    const { id } = await plan();
    await app.unitOfWork.executeInTransaction(async () => {
      await appointments.update(id, longer);
      for (const refused of [
        () => appointments.update(randomUUID(), longer),
        () => careful.update(randomUUID(), { durationMinutes: 9 }),
        () => appointments.update(id, longer, undefined, { expectedVersion: 9 }),
      ])
        expect((await rejectionOf(refused())).code).toMatch(/NOT_FOUND|CONFLICT/);
    }, clinics.a);
    expect(await appointments.findByIdOrFail(id, { context: clinics.a })).toMatchObject({ durationMinutes: 2 });
  });
});

describe('Options of a writing call', () => {
  const WRITES: [string, (options: never) => Promise<unknown>][] = [
    ['create', (options) => appointments.create({} as never, clinics.a, options)],
    ['bulkCreate', (options) => appointments.bulkCreate([], clinics.a, options)],
    ['update', (options) => appointments.update(randomUUID(), {}, clinics.a, options)],
    ['updateMany', (options) => appointments.updateMany({ id: randomUUID() }, {}, clinics.a, options)],
    ['upsert', (options) => appointments.upsert({ id: randomUUID() }, {} as never, clinics.a, options)],
    ['delete', (options) => appointments.delete(randomUUID(), clinics.a, options)],
    ['softDelete', (options) => appointments.softDelete(randomUUID(), clinics.a, options)],
    ['deleteMany', (options) => appointments.deleteMany({ id: randomUUID() }, clinics.a, options)],
    ['restore', (options) => appointments.restore(randomUUID(), clinics.a, options)],
  ];

  it.each(WRITES)('of %s are refused when they are null, unknown, or of the wrong kind', async (_name, write) => {
    for (const options of [
      null,
      'x',
      [],
      { tranaction: {} },
      { transaction: null },
      { withDeleted: true },
      { fresh: true },
      clinics.a,
    ]) {
      const error = await rejectionOf(write(options as never));
      expect(error).toMatchObject({ code: 'INVALID_INPUT', hint: 'Correct the options of the call.' });
    }
  });

  const misplaced = { expectedVersion: 1 } as never;
  it.each<[string, () => Promise<unknown>]>([
    ['create', () => appointments.create({} as never, misplaced)],
    ['bulkCreate', () => appointments.bulkCreate([], misplaced)],
    ['update', () => appointments.update(randomUUID(), {}, misplaced)],
    ['updateMany', () => appointments.updateMany({ id: randomUUID() }, {}, misplaced)],
    ['upsert', () => appointments.upsert({ id: randomUUID() }, {} as never, misplaced)],
    ['delete', () => appointments.delete(randomUUID(), misplaced)],
    ['deleteMany', () => appointments.deleteMany({ id: randomUUID() }, misplaced)],
    ['restore', () => appointments.restore(randomUUID(), misplaced)],
  ])('of %s in the place of the context name nobody who acts [U71] [003-09]', async (_name, write) => {
    expect(await rejectionOf(write())).toMatchObject({ code: 'MISSING_CONTEXT' });
  });
});
