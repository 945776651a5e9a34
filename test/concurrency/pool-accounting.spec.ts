import { poolStatus } from '../../src/database/connection/connections';
import { atCommit } from '../support/at-commit';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy';
import {
  backendPid,
  eventually,
  expectWholePool,
  pupil,
  startStudentApp,
  type StudentApp,
  terminate,
} from '../support/student-app';
import { testServer } from '../support/test-server';

const POOL = 2;
/** Slots that got lost would be missing after this many failures. */
const TIMES = POOL + 1;

let proxy: FaultProxy;
let app: StudentApp;

beforeAll(async () => {
  proxy = await startFaultProxy(testServer());
  app = await startStudentApp({
    port: proxy.port,
    statementTimeoutMs: 5_000,
    pool: { min: 0, max: POOL, acquireTimeoutMs: 5_000 },
  });
  await atCommit(app.truth, 'bomb%', 'refuses');
});
afterAll(async () => {
  await app?.close();
  await proxy?.close();
});

const write = (number: string) => app.students.create(pupil(number));

const failures: [string, string, () => Promise<unknown>][] = [
  [
    'a backend killed mid-transaction',
    'UNAVAILABLE',
    async () => {
      await write('pool-1');
      const { used } = poolStatus(app.sequelize);
      await terminate(app.truth, await backendPid(app));
      await eventually(() => poolStatus(app.sequelize).used === used - 1);
      await write('pool-2');
    },
  ],
  [
    'a failed BEGIN: it does not arrive',
    'UNAVAILABLE',
    async () => {
      proxy.cutOn('START TRANSACTION', 'before');
      await write('pool-1');
    },
  ],
  [
    'a failed BEGIN: its answer is lost',
    'UNAVAILABLE',
    async () => {
      proxy.cutOn('START TRANSACTION', 'after answer', 'START');
      await write('pool-1');
    },
  ],
  ['a failed COMMIT: PostgreSQL refuses it', 'CHECK_VIOLATION', () => write('bomb')],
  [
    'a failed COMMIT: it does not arrive',
    'TRANSACTION_OUTCOME_UNKNOWN',
    async () => {
      await write('pool-1');
      proxy.cutOn('COMMIT\0', 'before');
    },
  ],
  [
    'a failed ROLLBACK: it does not arrive',
    'INVALID_INPUT',
    async () => {
      await write('pool-1');
      proxy.cutOn('ROLLBACK', 'before');
      await app.database.query('SELECT 1/0');
    },
  ],
  [
    'a failed ROLLBACK: its answer is lost',
    'INVALID_INPUT',
    async () => {
      await write('pool-1');
      proxy.cutOn('ROLLBACK', 'after answer');
      await app.database.query('SELECT 1/0');
    },
  ],
  [
    'a transaction that PostgreSQL ended because it was idle',
    'UNAVAILABLE',
    async () => {
      await write('pool-1');
      const { used } = poolStatus(app.sequelize);
      await app.database.query('SET LOCAL idle_in_transaction_session_timeout = 20');
      await eventually(() => poolStatus(app.sequelize).used === used - 1);
      await write('pool-2');
    },
  ],
];

describe("the pool's accounting", () => {
  it.each(failures)('is back at its baseline after %s [U16] [U34] [U38] [U81]', async (_, code, work) => {
    for (let i = 0; i < TIMES; i += 1) {
      await expect(app.unitOfWork.executeInTransaction(work, app.clinics.a)).rejects.toMatchObject({ code });
    }
    await expectWholePool(app, POOL);
    expect(await app.stored('pool-')).toEqual([]);
  });

  it.each(failures)('is back at its baseline after %s, with the other connection in use', async (_, code, work) => {
    await app.unitOfWork.executeInTransaction(async (uow) => {
      await app.students.count();
      const inner = uow.executeInTransaction(work, undefined, { propagation: 'REQUIRES_NEW' });
      await expect(inner).rejects.toMatchObject({ code });
    }, app.clinics.a);
    await expectWholePool(app, POOL);
    expect(await app.stored('pool-')).toEqual([]);
  });
});
