import type { Client } from 'pg';
import { runWithContext } from '../../src';
import { poolStatus } from '../../src/database/connection/connections';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy';
import { plantSchool, type ReplicaApp, servedBy, startReplicaApp, type StoredSchool } from '../support/replica-app';
import { type ReplicatedServer, startReplicatedServer } from '../support/standby';
import { signal } from '../support/student-app';
import { waitUntil } from '../support/wait-until';

let server: ReplicatedServer;
let primary: Client;
let standby: Client;
beforeAll(async () => {
  server = await startReplicatedServer();
  primary = await server.superClient('primary');
  standby = await server.superClient('standby');
}, 90_000);
afterAll(() => server?.close());

describe('a read', () => {
  let app: ReplicaApp;
  let at: StoredSchool;
  // An hour of lag is allowed: nothing goes out of use while these tests run.
  beforeAll(async () => {
    app = await startReplicaApp(server, 3_600_000);
    await waitUntil('the replica is in use', async () => (await app.usable()) === 1);
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    at = await plantSchool(primary, standby);
  });

  /** Where `work` runs as a request of its own. */
  const request = (work: () => Promise<unknown>, school = at) =>
    servedBy(standby, () => runWithContext(school.nurse, work));
  const read = () => app.schools.findById(at.id);

  it.each<[string, () => Promise<unknown>]>([
    ['findById', () => app.schools.findById(at.id)],
    ['findByIds', () => app.schools.findByIds([at.id])],
    ['findOne', () => app.schools.findOne({ where: { code: at.code } })],
    ['findMany', () => app.schools.findMany()],
    ['findAll', () => app.schools.findAll()],
    ['findPage', () => app.schools.findPage({})],
    ['count', () => app.schools.count()],
    ['exists', () => app.schools.exists(at.id)],
    [
      'stream',
      async () => {
        for await (const school of app.schools.stream({})) expect(school.id).toBe(at.id);
      },
    ],
  ])(
    'by %s goes to the replica inside a request, with the same answer, and to the primary when it must be fresh',
    async (_name, call) => {
      let [lagging, fresh]: unknown[] = [];
      expect(await request(async () => (lagging = await call()))).toBe('replica');
      expect(
        await servedBy(standby, async () => (fresh = await app.unitOfWork.executeInTransaction(call, at.nurse))),
      ).toBe('primary');
      expect(JSON.stringify(lagging)).toBe(JSON.stringify(fresh));
    },
  );

  it('with fresh: true goes to the primary', async () => {
    expect(await request(() => app.schools.findById(at.id, { fresh: true }))).toBe('primary');
    expect(await request(() => app.schools.findAll({}, { fresh: true }))).toBe('primary');
    expect(await request(() => app.schools.count({}, { fresh: true }))).toBe('primary');
  });

  it('outside a request goes to the primary: nobody knows what was written before it', async () => {
    expect(await servedBy(standby, () => app.schools.findById(at.id, { context: at.nurse }))).toBe('primary');
  });

  it('inside a unit of work, read-only or not, goes to the primary [U69]', async () => {
    const inUnit = (readOnly: boolean) =>
      request(() => app.unitOfWork.executeInTransaction(read, undefined, { readOnly }));
    expect([await inUnit(false), await inUnit(true)]).toEqual(['primary', 'primary']);
  });

  it('in a transaction that the caller opened goes to the primary', async () => {
    const own = () =>
      app.sequelize.transaction((transaction) => app.schools.findById(at.id, { transaction, context: at.nurse }));
    expect(await request(own)).toBe('primary');
  });

  it('that locks, raw SQL, and a model of its own go to the primary', async () => {
    expect(await request(() => app.database.query('SELECT 1'))).toBe('primary');
    expect(await request(() => app.sequelize.models.School!.findAll())).toBe('primary');
    expect(await request(() => app.schools.update(at.id, (school) => ({ name: `${school.name}!` })))).toBe('primary');
  });

  it('after raw SQL and models that only read still goes to the replica', async () => {
    const mixed = async () => {
      await app.database.query('SELECT 1');
      await app.sequelize.models.School!.findAll();
      await read();
    };
    expect(await request(mixed)).toBe('replica');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a repository', () => app.schools.update(at.id, { name: 'changed' })],
    ['raw SQL', () => app.database.query(`UPDATE schools SET name = 'changed'`)],
    ['a model', () => app.sequelize.models.School!.update({ name: 'changed' }, { where: { id: at.id } })],
    [
      'a transaction of the caller',
      () =>
        app.sequelize.transaction((transaction) =>
          app.sequelize.query(`UPDATE schools SET name = 'changed'`, { transaction }),
        ),
    ],
    ['a unit of work', () => app.unitOfWork.executeInTransaction(() => app.schools.update(at.id, { name: 'changed' }))],
  ])(
    'after a write by %s goes to the primary: in the same request, and in the next one of the clinic',
    async (_by, write) => {
      let seen: unknown;
      const other = await plantSchool(primary, standby);
      const reading = async () => (seen = (await read())?.name);
      expect(await request(async () => [await write(), await reading()])).toBe('primary');
      expect(seen).toBe('changed');
      seen = undefined;
      expect(await request(reading)).toBe('primary');
      expect(seen).toBe('changed');
      // Another clinic is not concerned.
      expect(await request(() => app.schools.findById(other.id), other)).toBe('replica');
    },
  );

  it('goes to the primary wherever the request wrote before, also for another clinic and in an inner context [U69]', async () => {
    const elsewhere = await plantSchool(primary, standby);
    await runWithContext(at.nurse, async () => {
      await runWithContext(elsewhere.nurse, () => app.schools.update(elsewhere.id, { name: 'inner' }));
      expect(await servedBy(standby, read)).toBe('primary');
      expect(await servedBy(standby, () => app.schools.findAll())).toBe('primary');
    });
    expect(await request(() => app.schools.findAll())).toBe('replica');
  });

  it('of another request goes to the primary while a unit that has written for the clinic is open [U69]', async () => {
    const [wrote, go] = [signal(), signal()];
    const unit = app.unitOfWork.executeInTransaction(async () => {
      await app.schools.update(at.id, { name: 'open' });
      wrote.resolve();
      await go.promise;
    }, at.nurse);
    await wrote.promise;
    expect(await request(read)).toBe('primary');
    go.resolve();
    await unit;
    expect(await request(read)).toBe('primary');
  });

  it('in an afterCommit hook sees what was committed [U69]', async () => {
    let seen: string | undefined;
    const unit = () =>
      app.unitOfWork.executeInTransaction(async (uow) => {
        uow.afterCommit(async () => (seen = (await read())?.name));
        await app.schools.update(at.id, { name: 'committed' });
      });
    expect(await request(unit)).toBe('primary');
    expect(seen).toBe('committed');
  });

  it('on the replica is bound to the clinic as on the primary', async () => {
    const other = await plantSchool(primary, standby);
    let seen: unknown[] = [];
    const strange = async () => (seen = [await app.schools.findById(other.id), await app.schools.count()]);
    expect(await request(strange)).toBe('replica');
    expect(seen).toEqual([null, 1]);
  });

  it('takes no connection of the primary, and gives back the one of the replica', async () => {
    const used: number[] = [];
    await runWithContext(at.nurse, () =>
      Promise.all(
        Array.from({ length: 50 }, async () => {
          await app.schools.findAll();
          used.push(poolStatus(app.sequelize).used);
        }),
      ),
    );
    expect(Math.max(...used)).toBe(0);
    const { rows } = await standby.query<{ sessions: number; busy: number }>(
      `SELECT count(*)::int AS sessions, count(*) FILTER (WHERE state <> 'idle')::int AS busy
      FROM pg_stat_activity WHERE application_name = 'nestjs-phi-database'`,
    );
    expect(rows[0]!.sessions).toBeLessThanOrEqual(5);
    expect(rows[0]!.busy).toBe(0);
  });
});

describe('a replica', () => {
  let app: ReplicaApp;
  let proxy: FaultProxy;
  let at: StoredSchool;
  beforeAll(async () => {
    proxy = await startFaultProxy({ host: server.host, port: server.standbyPort });
    app = await startReplicaApp(server, 1_000, [{ host: '127.0.0.1', port: proxy.port }]);
    at = await plantSchool(primary, standby);
  });
  afterAll(async () => {
    await app?.close();
    await proxy?.close();
  });
  beforeEach(() => inUse());

  const inUse = () => waitUntil('the replica is in use', async () => (await app.usable()) === 1);
  const outOfUse = () => waitUntil('the replica is out of use', async () => (await app.usable()) === 0);
  const name = () => runWithContext(at.nurse, async () => (await app.schools.findById(at.id))?.name);
  const rename = (to: string) => primary.query('UPDATE schools SET name = $2 WHERE id = $1', [at.id, to]);

  it('that lags too far is not read from, and is again when it has caught up [U69]', async () => {
    await standby.query('SELECT pg_wal_replay_pause()');
    await rename('lagging');
    await outOfUse();
    expect(await name()).toBe('lagging');
    await standby.query('SELECT pg_wal_replay_resume()');
    await inUse();
    expect(await name()).toBe('lagging');
  });

  it('of a primary that rests does not seem to lag', async () => {
    await inUse();
    const until = performance.now() + 2_500;
    const seen: number[] = [];
    await waitUntil('the time is over', async () => {
      seen.push(await app.usable());
      return performance.now() > until;
    });
    // A machine that is very busy may miss a probe or two.
    expect(seen.filter((usable) => usable === 1).length).toBeGreaterThan(seen.length / 2);
  });

  it('that is killed fails no read, and is read from again after its restart; the process survives [L] [U83]', async () => {
    const reads = Promise.all(Array.from({ length: 200 }, () => name()));
    await server.killStandby();
    const during = await Promise.all([...Array.from({ length: 50 }, () => name()), reads.then(() => name())]);
    expect(new Set([...(await reads), ...during]).size).toBe(1);
    await outOfUse();
    expect(await name()).toBe('lagging');
    await server.startStandby();
    standby = await server.superClient('standby');
    await inUse();
    expect(await servedBy(standby, name)).toBe('replica');
    expect(poolStatus(app.sequelize)).toMatchObject({ used: 0, waiting: 0 });
  });

  it('whose sessions are ended one by one fails no read', async () => {
    const { rows } = await standby.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'nestjs-phi-database'`,
    );
    const reads = Promise.all(Array.from({ length: 100 }, () => name()));
    for (const { pid } of rows) await standby.query('SELECT pg_terminate_backend($1)', [pid]);
    expect(new Set([...(await reads), await name()]).size).toBe(1);
  });

  it('that answers nothing any more keeps no read waiting beyond the lag allowed [L] [U82]', async () => {
    proxy.stall();
    expect(await Promise.all(Array.from({ length: 10 }, () => name()))).toEqual(Array(10).fill('lagging'));
    await outOfUse();
    proxy.resume();
    await inUse();
    expect(await name()).toBe('lagging');
  });

  it('is not a server that takes writes itself', async () => {
    const { host, port } = server.primary;
    const wrong = await startReplicaApp(server, 500, [{ host, port }]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect((await wrong.database.getConnectionStatus()).replicas).toEqual({ configured: 1, usable: 0 });
    await wrong.close();
  });

  it('is left by the shutdown: no session stays, and no timer', async () => {
    expect(await servedBy(standby, name)).toBe('replica');
    await app.close();
    await waitUntil('no session is left', async () => {
      const { rowCount } = await standby.query(`SELECT 1 FROM pg_stat_activity WHERE usename = 'phi_app'`);
      return rowCount === 0;
    });
    expect(await app.usable()).toBe(0);
  });
});
