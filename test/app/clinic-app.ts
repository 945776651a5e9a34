import type { Server } from 'node:http';
import { format } from 'node:util';
import type { LoggerService } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import request, { type Response, type Test } from 'supertest';
import { type Entity, type ExecutionContext, readOptions, runWithContext } from '../../src';
import { createHttpApplication } from '../../src/app/http-application';
import { signToken } from '../../src/app/auth/token';
import { type Student, SchoolRepository, StudentRepository } from '../../src/domains';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { type DatabaseApp, plantClinics } from '../support/database-app';

export const JWT_SECRET = 'a secret of the tests, 32 bytes or more';
export const USER = '0190c000-0000-7000-8000-00000000000c';

/** Keeps every line that the application logs. */
export class LogLines implements LoggerService {
  readonly lines: string[] = [];
  readonly log = (...parts: unknown[]): void => void this.lines.push(format(...parts));
  readonly error = this.log;
  readonly warn = this.log;
  readonly fatal = this.log;
  readonly debug = this.log;
  readonly verbose = this.log;
  text(): string {
    return this.lines.join('\n');
  }
}

type Method = 'get' | 'post' | 'patch' | 'delete';

/** One clinic, and calls in the name of its users. */
export interface TestClinic {
  readonly context: ExecutionContext;
  /** Ids of two schools. */
  readonly schools: readonly [string, string];
  call(method: Method, path: string, body?: object): Test;
  /** The same as another role. */
  callAs(role: string, method: Method, path: string, body?: object): Test;
  /** Stores a student past HTTP. */
  plant(studentNumber: string, more?: object): Promise<Entity<Student>>;
}

/** The reference application on a database of its own, with two clinics. */
export interface ClinicApp {
  readonly db: TestDatabase;
  readonly app: NestExpressApplication;
  readonly server: Server;
  readonly logs: LogLines;
  readonly a: TestClinic;
  readonly b: TestClinic;
  /** All rows that an enrolment or a transfer writes, the audit trail included, as a superuser sees them. */
  stored(): Promise<string>;
  close(): Promise<void>;
}

export const pupil = (studentNumber: string) => ({
  studentNumber,
  firstName: 'Grace',
  lastName: 'Hopper',
  dateOfBirth: '2012-12-09',
  gender: 'FEMALE' as const,
});

/** Asserts the status of an answer, and hands the answer on. */
export async function expectStatus(status: number, call: PromiseLike<Response>): Promise<Response> {
  const answer = await call;
  expect({ status: answer.status, code: (answer.body as { code?: string }).code }).toMatchObject({ status });
  return answer;
}

export async function startClinicApp(): Promise<ClinicApp> {
  const db = await createTestDatabase();
  const logs = new LogLines();
  const app = await createHttpApplication({ database: readOptions(db.env), jwtSecret: JWT_SECRET }, logs);
  await app.init();
  const server = app.getHttpServer() as Server;
  const contexts = await plantClinics({ get: (token) => app.get(token, { strict: false }) } as DatabaseApp);
  const superuser = await db.superClient();
  return {
    db,
    app,
    server,
    logs,
    a: await clinicOf(app, server, contexts.a),
    b: await clinicOf(app, server, contexts.b),
    stored: async () => {
      const { rows } = await superuser.query(`SELECT
        (SELECT json_agg(s ORDER BY id) FROM (SELECT id, school_id, version, deleted_at FROM students) s) AS students,
        (SELECT count(*) FROM emergency_contacts) AS contacts, (SELECT count(*) FROM allergies) AS allergies,
        (SELECT count(*) FROM health_records) AS records, (SELECT count(*) FROM audit.event WHERE action <> 'TRANSACTION') AS events`);
      return JSON.stringify(rows);
    },
    close: async () => {
      await app.close();
      await db.drop();
    },
  };
}

async function clinicOf(app: NestExpressApplication, server: Server, context: ExecutionContext): Promise<TestClinic> {
  const clinicId = context.clinicId!;
  const roles = ['ADMIN', 'NURSE', 'VIEWER'];
  const tokens = new Map<string, string>();
  for (const role of roles) tokens.set(role, await signToken({ userId: USER, role, clinicId }, JWT_SECRET, 1));
  const [first, second] = await app.get(SchoolRepository, { strict: false }).bulkCreate(
    [
      { name: 'Northside', code: 'N' },
      { name: 'Southside', code: 'S' },
    ],
    context,
  );
  const callAs: TestClinic['callAs'] = (role, method, path, body) => {
    const agent = request(server);
    const call = agent[method](path).set('Authorization', `Bearer ${tokens.get(role)}`);
    return body === undefined ? call : call.send(body);
  };
  return {
    context,
    schools: [first!.id, second!.id],
    callAs,
    call: (method, path, body) => callAs('NURSE', method, path, body),
    plant: (studentNumber, more = {}) =>
      runWithContext(context, () =>
        app.get(StudentRepository, { strict: false }).create({ ...pupil(studentNumber), ...more }),
      ),
  };
}
