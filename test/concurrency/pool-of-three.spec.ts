import { DatabaseError, type IUnitOfWork, type Propagation } from '../../src';
import { expectWholePool, INSERT_STUDENT, pupil, startStudentApp, type StudentApp } from '../support/student-app';

const POOL = 3;
const UNITS = 50;

let app: StudentApp;

beforeAll(async () => {
  // Far more than the test takes: who waited for it would be seen by its code.
  app = await startStudentApp({ pool: { min: 0, max: POOL, acquireTimeoutMs: 40_000 } });
});
afterAll(() => app?.close());
afterEach(() => expectWholePool(app, POOL));

/** A unit that opens another one inside, and so on. */
interface Plan {
  readonly name: string;
  /** How many connections it wants beyond the first. */
  readonly depth: number;
  readonly propagation: Propagation;
  /** True: each level goes on when the one inside it failed. */
  readonly lenient: boolean;
}

/** What became of a plan: the deepest level that was written, or the code of the failure. */
async function run(plan: Plan): Promise<{ readonly failures: string[]; readonly expected: string[] }> {
  const failures: string[] = [];
  const level = async (uow: IUnitOfWork, depth: number): Promise<string[]> => {
    const row = `${plan.name}-${depth}`;
    if (depth % 2) await app.database.query(INSERT_STUDENT, [row]);
    else await app.students.create(pupil(row));
    if (depth === plan.depth) return [row];
    try {
      return [row, ...(await open(uow, depth + 1))];
    } catch (error) {
      if (!plan.lenient) throw error;
      failures.push(codeOf(error));
      return [row];
    }
  };
  const open = (uow: IUnitOfWork, depth: number): Promise<string[]> =>
    uow.executeInTransaction((inner) => level(inner, depth), app.clinics.a, {
      propagation: depth === 0 ? 'REQUIRED' : plan.propagation,
    });
  try {
    return { failures, expected: await open(app.unitOfWork, 0) };
  } catch (error) {
    return { failures: [...failures, codeOf(error)], expected: [] };
  }
}

const codeOf = (error: unknown): string => (error instanceof DatabaseError ? error.code : String(error));

async function runAll(plans: readonly Plan[]): Promise<{ readonly codes: string[]; readonly whole: number }> {
  const results = await Promise.all(plans.map(run));
  const prefix = plans[0]!.name.split('.')[0]!;
  expect(await app.stored(prefix)).toEqual(results.flatMap(({ expected }) => expected).toSorted());
  return {
    codes: [...new Set(results.flatMap(({ failures }) => failures))],
    whole: results.filter(({ failures }) => failures.length === 0).length,
  };
}

describe('fifty units on a pool of three [U23] [U24]', () => {
  it('all finish where no unit wants a second connection', async () => {
    const plans = Array.from({ length: UNITS }, (_, i): Plan => {
      const propagation = i % 2 ? 'NESTED' : 'REQUIRED';
      return { name: `flat.${i}`, depth: i % 4, propagation, lenient: false };
    });
    expect(await runAll(plans)).toEqual({ codes: [], whole: UNITS });
  });

  it.each([
    ['fail', false],
    ['go on without the inner unit', true],
  ] as const)(
    'finish, or fail fast because of the pool and then %s: REQUIRES_NEW one to three deep',
    async (_, lenient) => {
      const plans = Array.from({ length: UNITS }, (_unused, i): Plan => ({
        name: `deep${lenient}.${i}`,
        depth: i % 4,
        propagation: 'REQUIRES_NEW',
        lenient,
      }));
      const { codes, whole } = await runAll(plans);
      // Three deep wants four connections, which there never are.
      expect(codes).toEqual(['POOL_SELF_DEADLOCK']);
      expect(whole).toBeGreaterThanOrEqual(plans.filter(({ depth }) => depth === 0).length);
    },
  );

  it('finish, or fail fast because of the pool, where units go outside for a statement', async () => {
    const plans = Array.from({ length: UNITS }, (_, i): Plan => {
      const propagation = i % 2 ? 'NOT_SUPPORTED' : 'REQUIRES_NEW';
      return { name: `lone.${i}`, depth: i % 3 === 0 ? 1 : 0, propagation, lenient: false };
    });
    const { codes } = await runAll(plans);
    expect(codes.filter((code) => code !== 'POOL_SELF_DEADLOCK')).toEqual([]);
  });

  it('all finish when only one of them at a time wants more: nobody fails needlessly', async () => {
    let last: Promise<unknown> = Promise.resolve();
    const results = await Promise.all(
      Array.from({ length: UNITS }, (_, i) => {
        const plan: Plan = { name: `turns.${i}`, depth: i % 3, propagation: 'REQUIRES_NEW', lenient: false };
        const turn = last.then(() => run(plan));
        last = turn;
        return turn;
      }),
    );
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
    expect(await app.stored('turns.')).toHaveLength(results.flatMap(({ expected }) => expected).length);
  });
});
