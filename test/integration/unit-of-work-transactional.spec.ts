import {
  Controller,
  Get,
  HttpCode,
  Inject,
  Injectable,
  type INestApplication,
  Param,
  Post,
  SetMetadata,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import {
  Database,
  DatabaseModule,
  InjectUnitOfWork,
  type IUnitOfWork,
  readOptions,
  runWithContext,
  Transactional,
  UNIT_OF_WORK,
} from '../../src';
import { StudentRepository } from '../../src/domains';
import { expectWholePool, pupil, startStudentApp, type StudentApp } from '../support/student-app';

@Injectable()
class EnrolmentService {
  // Interface types have no token of their own.
  constructor(
    private readonly students: StudentRepository,
    @InjectUnitOfWork() readonly byDecorator: IUnitOfWork,
    @Inject('IUnitOfWork') readonly byToken: IUnitOfWork,
  ) {}

  @Transactional()
  async enrol(number: string, fail = false): Promise<string> {
    await this.students.create(pupil(`${number}-1`));
    const inside = this.byToken.isInTransaction();
    await this.students.create(pupil(`${number}-2`));
    if (fail) throw new Error('enrol failed');
    return `${number} ${inside}`;
  }

  @Transactional()
  async enrolTwice(number: string): Promise<void> {
    await this.enrol(`${number}-a`);
    await this.enrol(`${number}-b`, true);
  }

  @Transactional({ propagation: 'NESTED' })
  async attempt(number: string): Promise<void> {
    await this.enrol(number, true);
  }

  @Transactional()
  async enrolOrGoOn(number: string): Promise<void> {
    await this.students.create(pupil(`${number}-kept`));
    await this.attempt(`${number}-lost`).catch(() => undefined);
  }

  @Transactional({ readOnly: true, isolation: 'REPEATABLE READ' })
  async look(database: Database): Promise<unknown> {
    return database.one(
      `SELECT current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only') AS read_only`,
    );
  }
}

/** Inherits a transactional method, and has one and a dependency of its own. */
@Injectable()
class SpecialService extends EnrolmentService {
  @Inject(Database) private readonly database!: Database;

  @Transactional()
  async own(): Promise<unknown> {
    return this.database.one('SELECT pg_current_xact_id_if_assigned() IS NULL AS idle, $1::text AS text', [
      String(this.byToken.isInTransaction()),
    ]);
  }
}

@Controller('things')
class ThingsController {
  constructor(@Inject('IUnitOfWork') private readonly uow: IUnitOfWork) {}

  @Get('above/:id')
  @Transactional()
  @SetMetadata('below', 'yes')
  async above(@Param('id') id: string): Promise<object> {
    return { id, inside: this.uow.isInTransaction() };
  }

  @Transactional()
  @Post('below/:id')
  @HttpCode(202)
  async below(@Param('id') id: string): Promise<object> {
    return { id, inside: this.uow.isInTransaction() };
  }
}

let app: StudentApp;
let service: EnrolmentService;

beforeAll(async () => {
  app = await startStudentApp({ pool: { min: 0, max: 2, acquireTimeoutMs: 5_000 } }, [
    EnrolmentService,
    SpecialService,
  ]);
  service = app.get(EnrolmentService);
});
afterAll(() => app?.close());
afterEach(() => expectWholePool(app, 2));

describe('@Transactional', () => {
  it('runs the method in a unit on the ambient context, with its arguments, its this and its result [003-21]', async () => {
    expect(await runWithContext(app.clinics.a, () => service.enrol('plain'))).toBe('plain true');
    expect(await app.stored('plain')).toEqual(['plain-1', 'plain-2']);
    expect(service.byToken).toBe(app.unitOfWork);
    expect(service.byDecorator).toBe(app.unitOfWork);
  });

  it('rolls back when the method throws, with what methods it called have done [003-23] [003-24]', async () => {
    await expect(runWithContext(app.clinics.a, () => service.enrol('throws', true))).rejects.toThrow('enrol failed');
    await expect(runWithContext(app.clinics.a, () => service.enrolTwice('twice'))).rejects.toThrow('enrol failed');
    expect(await app.stored('throws')).toEqual([]);
    expect(await app.stored('twice')).toEqual([]);
  });

  it('takes the options of executeInTransaction', async () => {
    await runWithContext(app.clinics.a, () => service.enrolOrGoOn('nested'));
    expect(await app.stored('nested')).toEqual(['nested-kept']);
    expect(await service.look(app.database)).toEqual({ isolation: 'repeatable read', read_only: 'on' });
  });

  it('is inherited, beside dependencies of the subclass', async () => {
    const special = app.get(SpecialService);
    expect(await special.own()).toEqual({ idle: true, text: 'true' });
    expect(await runWithContext(app.clinics.a, () => special.enrol('heir'))).toBe('heir true');
  });

  it('keeps two classes apart that share a unit of work, when both run at once', async () => {
    await runWithContext(app.clinics.a, () =>
      Promise.allSettled([service.enrol('apart-a', true), app.get(SpecialService).enrol('apart-b')]),
    );
    expect(await app.stored('apart')).toEqual(['apart-b-1', 'apart-b-2']);
  });

  it('keeps the name of the method and what other decorators say of it', () => {
    const { enrol } = EnrolmentService.prototype;
    expect(enrol.name).toBe('enrol');
    expect(Reflect.getMetadata('below', ThingsController.prototype.above)).toBe('yes');
    expect(Reflect.getMetadata('path', ThingsController.prototype.below)).toBe('below/:id');
  });
});

describe('a route with @Transactional', () => {
  let http: INestApplication;
  beforeAll(async () => {
    const module = await Test.createTestingModule({
      imports: [DatabaseModule.forRoot(readOptions(app.db.env))],
      controllers: [ThingsController],
    }).compile();
    http = module.createNestApplication({ logger: false });
    await http.init();
    expect(module.get(UNIT_OF_WORK, { strict: false })).toBeDefined();
  });
  afterAll(() => http?.close());

  it('keeps its path, parameters and status, above and below the route’s decorator', async () => {
    const server = http.getHttpServer() as Parameters<typeof request>[0];
    const above = await request(server).get('/things/above/7');
    expect([above.status, above.body]).toEqual([200, { id: '7', inside: true }]);
    const below = await request(server).post('/things/below/8');
    expect([below.status, below.body]).toEqual([202, { id: '8', inside: true }]);
  });
});

describe('@Transactional on an object that Nest did not make', () => {
  class Handmade {
    @Transactional()
    run(): Promise<string> {
      return Promise.resolve('ran');
    }
  }

  it('rejects with an error that says what to do, and does not run the method', async () => {
    await expect(new Handmade().run()).rejects.toMatchObject({
      code: 'TRANSACTION_OPTIONS',
      hint: expect.stringContaining('provider'),
    });
    const { run } = new Handmade();
    await expect(run()).rejects.toMatchObject({ code: 'TRANSACTION_OPTIONS' });
  });
});
