import request from 'supertest';
import { readOptions } from '../../src';
import { createHttpApplication } from '../../src/app/http-application';
import { createTestDatabase, dropDatabase } from '../support/database';
import { type ClinicApp, JWT_SECRET, LogLines, startClinicApp } from './clinic-app';

let clinic: ClinicApp;
beforeAll(async () => {
  clinic = await startClinicApp();
});
afterAll(() => clinic?.close());

describe('/health', () => {
  it.each(['/health', '/health/db'])('answers in the form of Terminus: %s [004-11] [004-23]', async (path) => {
    const { body } = await request(clinic.server).get(path).expect(200);
    expect(body).toMatchObject({
      status: 'ok',
      error: {},
      details: { database: { status: 'up', pool: { size: expect.any(Number), used: expect.any(Number), waiting: 0 } } },
    });
  });

  it('tells that the database is gone, and neither where nor why in its words [004-10] [004-23]', async () => {
    const db = await createTestDatabase();
    const logs = new LogLines();
    const app = await createHttpApplication({ database: readOptions(db.env), jwtSecret: JWT_SECRET }, logs);
    try {
      await app.init();
      await dropDatabase(db.name);
      const { body, text } = await request(app.getHttpServer()).get('/health/db').expect(503);
      expect(body).toMatchObject({
        status: 'error',
        details: { database: { status: 'down', message: expect.stringMatching(/^[A-Z_]+$/) } },
      });
      await request(app.getHttpServer()).get('/health').expect(503);
      for (const written of [text, logs.text()]) {
        for (const secret of [String(db.port), db.host, db.name, db.env.DB_PASSWORD!])
          expect(written).not.toContain(secret);
      }
    } finally {
      await app.close();
      await db.drop();
    }
  });
});

describe('/docs-json', () => {
  interface Operation {
    readonly security?: object[];
    readonly responses: Record<string, { content?: Record<string, { schema?: object }> }>;
    readonly requestBody?: { content: Record<string, { schema: object }> };
    readonly parameters?: { name: string }[];
  }
  const operations = async (): Promise<Record<string, Operation>> => {
    const { body } = await request(clinic.server).get('/docs-json').expect(200);
    const paths = body.paths as Record<string, Record<string, Operation>>;
    return Object.fromEntries(
      Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation]),
      ),
    );
  };

  it('lists every route', async () => {
    expect(Object.keys(await operations()).toSorted()).toEqual([
      'delete /students/{id}',
      'get /health',
      'get /health/db',
      'get /students',
      'get /students/scroll',
      'get /students/{id}',
      'get /students/{id}/audit',
      'patch /students/{id}',
      'post /enrolments',
      'post /students',
      'post /students/{id}/restore',
      'post /students/{id}/transfer',
    ]);
  });

  it('describes token, input, answer and errors of each', async () => {
    const described = Object.entries(await operations()).filter(([name]) => !name.includes('/health'));
    for (const [name, { security, responses, requestBody }] of described) {
      expect(security).toEqual([{ bearer: [] }]);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '401']));
      const [, good] = Object.entries(responses).find(([status]) => status.startsWith('2'))!;
      expect([name, good.content?.['application/json']?.schema !== undefined]).toEqual([
        name,
        !name.startsWith('delete'),
      ]);
      const takesBody = /^(patch|post)(?!.*restore)/.test(name);
      expect([name, requestBody?.content['application/json']?.schema !== undefined]).toEqual([name, takesBody]);
    }
  });

  it('documents the filters of the list', async () => {
    const names = (await operations())['get /students']!.parameters?.map(({ name }) => name);
    expect(names).toEqual(['grade', 'schoolId', 'isActive', 'limit', 'sort', 'page']);
  });
});
