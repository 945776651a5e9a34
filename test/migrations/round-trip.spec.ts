import { readdirSync } from 'node:fs';
import { Migrator } from '../../src/database/migration/migrator';
import { MIGRATOR_LOGIN } from '../../src/database/embedded/bootstrap';
import { createEmptyDatabase, type TestDatabase } from '../support/database';
import { readCatalog } from './catalog';

let db: TestDatabase;

beforeAll(async () => {
  db = await createEmptyDatabase();
});
afterAll(() => db?.drop());

describe('The migrations', () => {
  it('lead to current, back file by file, and to the same schema again [000-39] [000-45] [001-13]', async () => {
    const client = await db.superClient();
    const { host, port, name: database, env } = db;
    const migrator = new Migrator({
      connection: { host, port, database, user: MIGRATOR_LOGIN, password: env.DB_MIGRATOR_PASSWORD },
    });
    const files = readdirSync('migrations').filter((file) => /^\d{4}-/.test(file));
    const empty = await readCatalog(client);

    const after: string[][] = [empty];
    for (const _ of files) {
      await migrator.migrate({ step: 1 });
      after.push(await readCatalog(client));
    }
    expect(after.at(-1)!.filter((line) => line.startsWith('trigger')).length).toBeGreaterThan(60);

    // Each down leaves exactly what was there before its up.
    for (const before of after.slice(0, -1).toReversed()) {
      await migrator.rollback({ step: 1 });
      expect(await readCatalog(client)).toEqual(before);
    }

    await migrator.migrate();
    expect(await readCatalog(client)).toEqual(after.at(-1));
  });
});
