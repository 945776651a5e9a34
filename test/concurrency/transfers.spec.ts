import { type TransactionOptions } from '../../src';
import { domainRepositories, MedicationRepository, StudentMedicationRepository } from '../../src/domains';
import { seededRandom } from '../support/seeded-random';
import { eventually, expectWholePool, pupil, startStudentApp, type StudentApp } from '../support/student-app';

const POOL = 3;
const ROWS = 10;
const TRANSFERS = 200;
const START = 1_000;

let app: StudentApp;
let medications: StudentMedicationRepository;
let ids: string[];
let drugs = 0;

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: POOL, acquireTimeoutMs: 30_000 } }, [], domainRepositories);
  medications = app.get(StudentMedicationRepository);
  const { name } = app.db;
  // A deadlock is looked for after a second by default, and ten rows are few enough for a whole-table scan, which at
  // SERIALIZABLE conflicts with every write.
  await app.truth.query(`ALTER DATABASE ${name} SET deadlock_timeout = '20ms'`);
  await app.truth.query(`ALTER DATABASE ${name} SET enable_seqscan = off`);
  await app.truth.query(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1 AND usename = 'phi_app'`,
    [name],
  );
  await eventually(async () =>
    (await Promise.all(Array.from({ length: POOL }, () => app.database.isHealthy()))).every(Boolean),
  );
});
afterAll(() => app?.close());

beforeEach(async () => {
  const context = app.clinics.a;
  const student = await app.students.create(pupil(`transfers-${(drugs += 1)}`), context);
  const { id: medicationId } = await app.get(MedicationRepository).create({ name: `Drug of ${student.id}` }, context);
  const rows = await medications.bulkCreate(
    Array.from({ length: ROWS }, () => ({
      studentId: student.id,
      medicationId,
      startedAt: new Date(),
      dispenses: START,
    })),
    context,
  );
  ids = rows.map(({ id }) => id);
});

interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

function transfers(): Transfer[] {
  const random = seededRandom(jest.getSeed());
  return Array.from({ length: TRANSFERS }, () => {
    const from = random.below(ROWS);
    const to = (from + 1 + random.below(ROWS - 1)) % ROWS;
    return { from: ids[from]!, to: ids[to]!, amount: 1 + random.below(4) };
  });
}

/** Ways to move an amount; in no particular order of the rows, so that deadlocks happen. */
const ways: [string, TransactionOptions, (transfer: Transfer) => Promise<unknown>][] = [
  [
    'update with a function, which locks the row',
    {},
    async ({ from, to, amount }) => {
      await medications.update(from, (row) => ({ dispenses: row.dispenses! - amount }));
      await medications.update(to, (row) => ({ dispenses: row.dispenses! + amount }));
    },
  ],
  [
    'a read, a sum and an update at SERIALIZABLE',
    { isolation: 'SERIALIZABLE' },
    async ({ from, to, amount }) => {
      const source = await medications.findByIdOrFail(from);
      const target = await medications.findByIdOrFail(to);
      await medications.update(from, { dispenses: source.dispenses! - amount });
      await medications.update(to, { dispenses: target.dispenses! + amount });
    },
  ],
  [
    'a read and an update that expects the version it read',
    { retry: { attempts: 10, conflicts: true } },
    async ({ from, to, amount }) => {
      for (const [id, change] of [
        [from, -amount],
        [to, amount],
      ] as const) {
        const row = await medications.findByIdOrFail(id);
        await medications.update(id, { dispenses: row.dispenses! + change }, undefined, {
          expectedVersion: row.version,
        });
      }
    },
  ],
];

describe('200 transfers at once on 10 rows', () => {
  it.each(ways)('lose no update, and no deadlock surfaces: %s [U40] [U60]', async (_, options, move) => {
    const planned = transfers();
    let attempts = 0;
    await Promise.all(
      planned.map((transfer) =>
        app.unitOfWork.executeInTransaction(
          () => {
            attempts += 1;
            return move(transfer);
          },
          app.clinics.a,
          { retry: { attempts: 10 }, ...options },
        ),
      ),
    );
    expect(attempts).toBeGreaterThanOrEqual(TRANSFERS);

    const expected = new Map(ids.map((id) => [id, { dispenses: START, version: 1 }]));
    for (const { from, to, amount } of planned) {
      const [source, target] = [expected.get(from)!, expected.get(to)!];
      expected.set(from, { dispenses: source.dispenses - amount, version: source.version + 1 });
      expected.set(to, { dispenses: target.dispenses + amount, version: target.version + 1 });
    }
    const rows = await medications.findByIds(ids, { context: app.clinics.a });
    expect(new Map(rows.map(({ id, dispenses, version }) => [id, { dispenses, version }]))).toEqual(expected);
    expect(rows.reduce((sum, row) => sum + row.dispenses!, 0)).toBe(ROWS * START);
    await expectWholePool(app, POOL);
  });
});
