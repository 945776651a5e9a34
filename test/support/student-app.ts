import type { Type } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/sequelize';
import type { Client } from 'pg';
import type { Sequelize } from 'sequelize-typescript';
import type { DatabaseModuleOptions, Feature } from '../../src';
import { poolStatus } from '../../src/database/connection/connections';
import { StudentRepository } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from './database-app';

/** An application with students and two clinics, and a superuser's eyes on what is really stored. */
export interface StudentApp extends DatabaseApp {
  readonly clinics: TwoClinics;
  readonly students: StudentRepository;
  readonly sequelize: Sequelize;
  /** A superuser's connection: sees every row that is committed, whatever the application claims. */
  readonly truth: Client;
  /** Numbers of the stored students that begin with `prefix`, in order. */
  stored(prefix: string): Promise<string[]>;
}

/** Starts it; `overrides` as for startDatabaseApp. */
export async function startStudentApp(
  overrides: Omit<DatabaseModuleOptions, 'host'> = {},
  services: readonly Type<unknown>[] = [],
  features: readonly Feature[] = [StudentRepository],
): Promise<StudentApp> {
  const app = await startDatabaseApp(features, overrides, services);
  const truth = await app.db.superClient();
  return {
    ...app,
    clinics: await plantClinics(app),
    students: app.get(StudentRepository),
    sequelize: app.module.get<Sequelize>(getConnectionToken()),
    truth,
    stored: async (prefix) => {
      const { rows } = await truth.query<{ number: string }>(
        'SELECT student_number AS number FROM students WHERE starts_with(student_number, $1) ORDER BY 1',
        [prefix],
      );
      return rows.map(({ number }) => number);
    },
  };
}

/** A student to create. */
export const pupil = (studentNumber: string) => ({
  studentNumber,
  firstName: 'Ada',
  lastName: 'Lovelace',
  dateOfBirth: '2014-12-10',
  gender: 'FEMALE' as const,
  grade: '5',
});

/** SQL that stores a student, number `$1`, without a repository. */
export const INSERT_STUDENT = `INSERT INTO students (id, student_number, first_name, last_name, date_of_birth, gender)
  VALUES (gen_random_uuid(), $1, 'Ada', 'Lovelace', '2014-12-10', 'FEMALE')`;

/** A promise and what settles it, for steps that must meet in a given order. */
export function signal<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Asks until the answer is true; the test's own time limit is the only one. */
export async function eventually(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Proves that no slot of the pool is lost: `max` units hold a connection at the same moment. */
export async function expectWholePool(app: StudentApp, max: number): Promise<void> {
  await eventually(() => poolStatus(app.sequelize).used === 0);
  let inside = 0;
  const all = signal();
  const pids = await Promise.all(
    Array.from({ length: max }, () =>
      app.unitOfWork.executeInTransaction(async () => {
        const { pid } = await app.database.one<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        inside += 1;
        if (inside === max) all.resolve();
        await all.promise;
        return pid;
      }),
    ),
  );
  expect(new Set(pids).size).toBe(max);
  expect(poolStatus(app.sequelize)).toMatchObject({ used: 0, waiting: 0 });
  expect(poolStatus(app.sequelize).size).toBeLessThanOrEqual(max);
}

/** Backend that serves the current unit. */
export async function backendPid(app: StudentApp): Promise<number> {
  return (await app.database.one<{ pid: number }>('SELECT pg_backend_pid() AS pid')).pid;
}

/** Ends a backend from outside and waits until the server has forgotten it. */
export async function terminate(truth: Client, pid: number): Promise<void> {
  await truth.query('SELECT pg_terminate_backend($1)', [pid]);
  await eventually(
    async () => (await truth.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount === 0,
  );
}
