import * as library from '../../src';
import { StudentRepository } from '../../src/domains';
import { type ClinicApp, startClinicApp } from './clinic-app';

let clinic: ClinicApp;
beforeAll(async () => {
  clinic = await startClinicApp();
});
afterAll(() => clinic?.close());
afterEach(() => jest.restoreAllMocks());

const ID = '0190ffff-0000-7000-8000-00000000ffff';
/** A value of a row, as PostgreSQL quotes it in what becomes the cause. */
const SECRET = 'Zyxwvu';
const cause = new Error(`Key (last_name)=(${SECRET}) already exists`);
const OPERATOR = 'for the operator';
const context = { entity: 'Student', constraint: 'students_key', sqlState: 'XX000', cause };
const told = ['for anybody', 'for anybody', context] as const;
const internal = ['for anybody', OPERATOR, context] as const;

type Answer = [error: library.DatabaseError, status: number, code: string, retryAfter?: string];
const answers: readonly Answer[] = [
  [new library.ConfigurationError(...internal), 500, 'DATABASE_CONFIGURATION'],
  [new library.NotFoundError('Student', ID), 404, 'NOT_FOUND'],
  [new library.ConflictError('Student'), 409, 'CONFLICT'],
  [new library.UniqueViolationError(...told), 409, 'UNIQUE_VIOLATION'],
  [new library.ForeignKeyViolationError(...told), 409, 'FOREIGN_KEY_VIOLATION'],
  [new library.CheckViolationError(...told), 422, 'CHECK_VIOLATION'],
  [new library.NotNullViolationError(...told), 422, 'NOT_NULL_VIOLATION'],
  [new library.InvalidInputError(...told), 400, 'INVALID_INPUT'],
  [new library.InvalidCursorError('Student'), 400, 'INVALID_CURSOR'],
  [new library.ResultTooLargeError('Student', 1_000), 400, 'RESULT_TOO_LARGE'],
  [new library.UnexpectedRowCountError(...internal), 500, 'UNEXPECTED_ROW_COUNT'],
  [new library.MissingContextError('Student.create'), 500, 'MISSING_CONTEXT'],
  [new library.MissingTenantError('Student'), 403, 'MISSING_TENANT'],
  [new library.TenantDeniedError(...told), 403, 'TENANT_DENIED'],
  [new library.TimeoutError(...internal), 504, 'TIMEOUT'],
  [new library.DeadlockError(...internal), 503, 'DEADLOCK', '1'],
  [new library.UnavailableError(...internal), 503, 'UNAVAILABLE', '5'],
  [new library.StatementError(...internal), 500, 'STATEMENT_FAILED'],
  [new library.TransactionScopeClosedError('committed'), 500, 'TRANSACTION_SCOPE_CLOSED'],
  [new library.NestedScopeActiveError(), 500, 'NESTED_SCOPE_ACTIVE'],
  [new library.UnawaitedWorkError(1), 500, 'UNAWAITED_WORK'],
  [new library.UnexpectedRollbackError(cause), 500, 'UNEXPECTED_ROLLBACK'],
  // No Retry-After: it may have been stored.
  [new library.TransactionOutcomeUnknownError(cause, '7'), 503, 'TRANSACTION_OUTCOME_UNKNOWN'],
  [new library.TransactionOptionsError(...internal), 500, 'TRANSACTION_OPTIONS'],
  [new library.PropagationError(...internal), 500, 'PROPAGATION'],
  [new library.PoolSelfDeadlockError(20, context), 503, 'POOL_SELF_DEADLOCK', '1'],
  [new library.TransactionAbortedError(cause), 499, 'TRANSACTION_ABORTED'],
];

describe('An error of the library', () => {
  it('is in this table', () => {
    const bases = new Set<unknown>([library.DatabaseError, library.RepositoryError, library.TransactionError]);
    const exported = Object.values(library).filter(
      (item) => typeof item === 'function' && item.prototype instanceof library.DatabaseError && !bases.has(item),
    );
    expect(new Set(answers.map(([error]) => error.constructor))).toEqual(new Set(exported));
  });

  // A row that is shorter than the parameters would be handed a callback in its place.
  it.each(answers.map(([error, status, code, retryAfter]) => [error.name, error, status, code, retryAfter] as const))(
    'is answered without a value of a row, and with a header where repeating helps: %s',
    async (_name, error, status, code, retryAfter) => {
      jest.spyOn(StudentRepository.prototype, 'findOne').mockRejectedValueOnce(error);
      const answer = await clinic.a.call('get', `/students/${ID}`);
      expect(answer.body).toMatchObject({
        statusCode: status,
        code,
        message: expect.any(String),
        hint: expect.any(String),
        requestId: answer.headers['x-request-id'],
      });
      expect(answer.status).toBe(status);
      expect(answer.headers['retry-after']).toBe(retryAfter);
      for (const written of [answer.text, clinic.logs.text()]) expect(written).not.toContain(SECRET);
    },
  );

  it.each(answers.filter(([, status]) => status >= 500).map(([error]) => [error.name, error] as const))(
    'that the server is to blame for tells the log what to do, and the caller only whether to try again: %s',
    async (_name, error) => {
      jest.spyOn(StudentRepository.prototype, 'findOne').mockRejectedValueOnce(error);
      const { body, text } = await clinic.a.call('get', `/students/${ID}`);
      expect(Object.keys(body).toSorted()).toEqual(['code', 'hint', 'message', 'requestId', 'statusCode']);
      expect(text).not.toContain(error.hint);
      const line = clinic.logs.lines.find((logged) => logged.includes(body.requestId));
      expect(line).toContain(`${error.code}: ${error.message} ${error.hint}`);
    },
  );
});
