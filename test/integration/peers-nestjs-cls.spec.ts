import { Inject, Injectable } from '@nestjs/common';
import { InjectUnitOfWork, type IUnitOfWork, runWithContext, Transactional } from '../../src';
import { StudentRepository } from '../../src/domains';
import { expectWholePool, pupil, signal, startStudentApp, type StudentApp } from '../support/student-app';

// Behaviours that the tests of @nestjs-cls/transactional, typeorm-transactional and MikroORM's propagation name, on
// decorated methods of services that call each other.

type Step = () => Promise<unknown>;

/** One method for each propagation: it stores a row, runs a step, and throws if the step says so. */
@Injectable()
class Called {
  constructor(
    private readonly students: StudentRepository,
    @InjectUnitOfWork() private readonly uow: IUnitOfWork,
  ) {}

  readonly hooks: string[] = [];

  @Transactional()
  required(number: string, step?: Step) {
    return this.work(number, step);
  }
  @Transactional({ propagation: 'REQUIRES_NEW' })
  requiresNew(number: string, step?: Step) {
    return this.work(number, step);
  }
  @Transactional({ propagation: 'NESTED' })
  nested(number: string, step?: Step) {
    return this.work(number, step);
  }
  @Transactional({ propagation: 'SUPPORTS' })
  supports(number: string, step?: Step) {
    return this.work(number, step);
  }
  @Transactional({ propagation: 'NOT_SUPPORTED' })
  notSupported(number: string, step?: Step) {
    return this.work(number, step);
  }
  @Transactional({ propagation: 'MANDATORY' })
  mandatory(number: string, step?: Step) {
    return this.work(number, step);
  }
  @Transactional({ propagation: 'NEVER' })
  never(number: string, step?: Step) {
    return this.work(number, step);
  }

  private async work(number: string, step?: Step): Promise<string> {
    await this.students.create(pupil(number));
    await step?.();
    return `${number} ${this.uow.isInTransaction() ? 'inside' : 'outside'}`;
  }
}
const METHODS = ['required', 'requiresNew', 'nested', 'supports', 'notSupported', 'mandatory', 'never'] as const;
type Method = (typeof METHODS)[number];

/** Calls the other service from methods of its own, as a use case calls its collaborators. */
@Injectable()
class Calling {
  constructor(
    private readonly students: StudentRepository,
    @Inject(Called) readonly called: Called,
    @InjectUnitOfWork() readonly uow: IUnitOfWork,
  ) {}

  @Transactional()
  async around(number: string, method: Method, after: Step = () => Promise.resolve()): Promise<string> {
    await this.students.create(pupil(`${number}-own`));
    const result = await this.called[method](`${number}-called`);
    await after();
    return result;
  }

  /** Not decorated. */
  bare(number: string, method: Method): Promise<string> {
    return this.called[method](number);
  }

  @Transactional()
  async together(number: string, methods: readonly Method[]): Promise<unknown> {
    return Promise.all(methods.map((method, i) => this.called[method](`${number}-${i}`)));
  }

  @Transactional()
  async forgets(number: string, meanwhile: Step): Promise<void> {
    await this.students.create(pupil(`${number}-own`));
    void this.called.required(`${number}-forgotten`, meanwhile).catch((error: { code: string }) => {
      this.called.hooks.push(error.code);
    });
    // The forgotten method has got as far as its own step.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  @Transactional()
  async throwsAtOnce(): Promise<never> {
    throw new TypeError('at once');
  }

  @Transactional()
  async hooked(number: string, hooks: string[], step: Step): Promise<void> {
    this.uow.afterCommit(() => hooks.push('commit'));
    this.uow.afterRollback((error) => hooks.push(`rollback ${(error as Error).message}`));
    this.uow.afterCompletion((status) => hooks.push(status));
    await this.students.create(pupil(number));
    await step();
  }
}

let app: StudentApp;
let service: Calling;
let runs = 0;
let prefix: string;

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 4, acquireTimeoutMs: 10_000 } }, [Called, Calling]);
  service = app.get(Calling);
});
afterAll(() => app?.close());
beforeEach(() => {
  runs += 1;
  prefix = `n${runs}`;
});
afterEach(() => expectWholePool(app, 4));

const inClinic = <T>(fn: () => Promise<T>): Promise<T> => runWithContext(app.clinics.a, fn);
const stored = async () => (await app.stored(`${prefix}-`)).map((number) => number.slice(prefix.length + 1));
const fail = () => Promise.reject(new Error('fail'));
const told = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: { code?: string; message: string }) => error.code ?? error.message);

describe('a decorated method called from a method that is not [U15]', () => {
  it.each<[Method, string]>([
    ['required', 'inside'],
    ['requiresNew', 'inside'],
    ['nested', 'inside'],
    ['supports', 'outside'],
    ['notSupported', 'outside'],
    ['never', 'outside'],
    ['mandatory', 'PROPAGATION'],
  ])('%s runs %s', async (method, where) => {
    const number = `${prefix}-bare`;
    const outcome = await told(inClinic(() => service.bare(number, method)));
    expect(outcome).toBe(where === 'PROPAGATION' ? where : `${number} ${where}`);
    expect(await stored()).toEqual(where === 'PROPAGATION' ? [] : ['bare']);
  });
});

describe('a decorated method called from another one', () => {
  it.each<[Method, unknown, readonly string[], readonly string[]]>([
    ['required', 'inside', ['called', 'own'], []],
    ['requiresNew', 'inside', ['called', 'own'], ['called']],
    ['nested', 'inside', ['called', 'own'], []],
    ['supports', 'inside', ['called', 'own'], []],
    ['notSupported', 'outside', ['called', 'own'], ['called']],
    ['mandatory', 'inside', ['called', 'own'], []],
    ['never', 'PROPAGATION', [], []],
  ])('%s runs %s; stored: %j, or %j when the caller fails afterwards', async (method, where, rows, rowsOfFailed) => {
    const outcome = await told(inClinic(() => service.around(`${prefix}-good`, method)));
    expect(outcome).toBe(where === 'PROPAGATION' ? where : `${prefix}-good-called ${String(where)}`);
    await told(inClinic(() => service.around(`${prefix}-bad`, method, fail)));
    expect(await stored()).toEqual([...rowsOfFailed.map((row) => `bad-${row}`), ...rows.map((row) => `good-${row}`)]);
  });

  it.each<[Method, readonly string[]]>([
    ['required', []],
    ['supports', []],
    ['mandatory', []],
    ['nested', ['own']],
    ['requiresNew', ['own']],
    ['notSupported', ['called', 'own']],
  ])('%s fails and is caught: stored: %j', async (method, rows) => {
    const work = () =>
      app.unitOfWork.executeInTransaction(async () => {
        await app.students.create(pupil(`${prefix}-own`));
        await told(service.called[method](`${prefix}-called`, fail));
      });
    await told(inClinic(work));
    expect(await stored()).toEqual(rows);
  });

  it('throws before it does anything: the caller’s own error, and no transaction is left', async () => {
    await expect(inClinic(() => service.throwsAtOnce())).rejects.toThrow(TypeError);
  });
});

describe('decorated methods at the same time', () => {
  it('REQUIRES_NEW twice in a Promise.all inside a unit are two transactions beside it', async () => {
    await inClinic(() => service.together(`${prefix}-both`, ['requiresNew', 'requiresNew']));
    expect(await stored()).toEqual(['both-0', 'both-1']);
  });

  it('of one service for several requests stay apart: each commits or rolls back for itself [U10]', async () => {
    const both = signal();
    let inside = 0;
    const meet = async (fails: boolean): Promise<void> => {
      inside += 1;
      if (inside === 4) both.resolve();
      await both.promise;
      if (fails) await fail();
    };
    await Promise.all(
      [false, true, false, true].map((fails, i) =>
        told(inClinic(() => service.around(`${prefix}-${i}`, 'required', () => meet(fails)))),
      ),
    );
    expect(await stored()).toEqual(['0-called', '0-own', '2-called', '2-own']);
  });

  it('of mixed propagations in a Promise.all share or do not share the unit, each as it says', async () => {
    const work = () =>
      app.unitOfWork.executeInTransaction(async () => {
        await service.together(`${prefix}-mixed`, ['required', 'supports', 'mandatory', 'notSupported', 'requiresNew']);
        await fail();
      });
    await told(inClinic(work));
    expect(await stored()).toEqual(['mixed-3', 'mixed-4']);
  });
});

describe('a decorated method that is not awaited [U06]', () => {
  it('rolls its caller back, and what it sends later is refused', async () => {
    const go = signal();
    const { hooks } = service.called;
    hooks.length = 0;
    const outcome = await told(
      inClinic(() =>
        service.forgets(`${prefix}-f`, async () => {
          await go.promise;
          await app.students.create(pupil(`${prefix}-late`));
        }),
      ),
    );
    expect(outcome).toBe('UNAWAITED_WORK');
    go.resolve();
    while (hooks.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(hooks).toEqual(['TRANSACTION_SCOPE_CLOSED']);
    expect(await stored()).toEqual([]);
  });
});

describe('hooks that a decorated method registers [U51]', () => {
  it.each<[string, () => Promise<unknown>, string[]]>([
    ['returns', () => Promise.resolve(), ['commit', 'committed']],
    ['throws', fail, ['rollback fail', 'rolled back']],
  ])('run once it has ended, when it %s', async (_, step, expected) => {
    const hooks: string[] = [];
    await told(inClinic(() => service.hooked(`${prefix}-row`, hooks, step)));
    expect(hooks).toEqual(expected);
  });

  it('wait for the method around it, and follow its fate', async () => {
    const hooks: string[] = [];
    const outer = () =>
      service.called.required(`${prefix}-outer`, async () => {
        await service.hooked(`${prefix}-inner`, hooks, () => Promise.resolve());
        expect(hooks).toEqual([]);
        await fail();
      });
    expect(await told(inClinic(outer))).toBe('fail');
    expect(hooks).toEqual(['rollback fail', 'rolled back']);
  });

  it('find the context of the request, and no transaction', async () => {
    const seen: unknown[] = [];
    await inClinic(() =>
      service.hooked(`${prefix}-row`, [], async () => {
        service.uow.afterCommit(async () => {
          seen.push(service.uow.isInTransaction(), await app.students.count({ studentNumber: `${prefix}-row` }));
        });
      }),
    );
    expect(seen).toEqual([false, 1]);
  });
});
