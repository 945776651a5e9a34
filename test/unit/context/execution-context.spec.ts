import {
  createExecutionContext,
  createSystemExecutionContext,
  currentContext,
  type ExecutionContext,
  InvalidInputError,
  runWithContext,
} from '../../../src';
import { everythingOf, refusalOf } from '../../support/refusal';

const CLINIC = '0190a000-0000-7000-8000-00000000000a';
const CANARY = 'Canary-7301';

describe('An ExecutionContext', () => {
  it('says who acts, for which clinic, and why, and cannot be changed [003-36]', () => {
    const context = createExecutionContext({
      userId: 'user-1',
      userRole: 'NURSE',
      clinicId: CLINIC.toUpperCase(),
      requestId: 'r',
      reason: 'care',
    });
    expect(context).toEqual({ userId: 'user-1', userRole: 'NURSE', clinicId: CLINIC, requestId: 'r', reason: 'care' });
    expect(Object.isFrozen(context)).toBe(true);
  });

  it('gets a request id of its own where none is given', () => {
    const made = [1, 2].map(() => createExecutionContext({ userId: 'u' }).requestId);
    expect(new Set(made).size).toBe(2);
    expect(made[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('may name an actor that is no UUID [D07]', () => {
    expect(createExecutionContext({ userId: 'system' }).userId).toBe('system');
    expect(createSystemExecutionContext({ clinicId: CLINIC, reason: 'import' })).toMatchObject({
      userId: 'system',
      userRole: 'SYSTEM',
      clinicId: CLINIC,
      reason: 'import',
    });
  });

  it('leaves out what is absent', () => {
    const context = createExecutionContext({ userId: 'u', userRole: undefined, ipAddress: null as never });
    expect(Object.keys(context).toSorted()).toEqual(['requestId', 'userId']);
  });

  it.each<[string, object]>([
    ['no actor', {}],
    ['an empty actor', { userId: '' }],
    ['a clinic that is no UUID', { userId: 'u', clinicId: CANARY }],
    ['an empty clinic', { userId: 'u', clinicId: '' }],
    ['SQL as the clinic', { userId: 'u', clinicId: `${CLINIC}'; RESET ROLE; --` }],
    ['NUL', { userId: `${CANARY}\0` }],
    ['a lone surrogate', { userId: 'u', reason: `${CANARY}\ud800` }],
    ['text that is too long', { userId: 'u', userAgent: CANARY.repeat(30) }],
    ['a number', { userId: 7301 }],
    ['an object', { userId: 'u', userRole: { role: CANARY } }],
  ])('is refused with %s, without repeating it', (_name, input) => {
    const error = refusalOf(() => createExecutionContext(input as never));
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(everythingOf(error)).not.toMatch(/Canary|7301|RESET/);
  });
});

describe('The ambient context', () => {
  const of = (userId: string): ExecutionContext => createExecutionContext({ userId });

  it('is there inside, also after awaits, and gone outside', async () => {
    expect(currentContext()).toBeUndefined();
    const seen = await runWithContext(of('a'), async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return currentContext()?.userId;
    });
    expect(seen).toBe('a');
    expect(currentContext()).toBeUndefined();
  });

  it('is replaced inside an inner call, and the outer one’s again after it', () => {
    runWithContext(of('outer'), () => {
      expect(runWithContext(of('inner'), () => currentContext()?.userId)).toBe('inner');
      expect(currentContext()?.userId).toBe('outer');
    });
  });

  it('does not leak between calls that run at once [D03]', async () => {
    const users = Array.from({ length: 200 }, (_, i) => `user-${i}`);
    const seen = await Promise.all(
      users.map((user, i) =>
        runWithContext(of(user), async () => {
          for (let turn = 0; turn <= i % 7; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          return currentContext()?.userId;
        }),
      ),
    );
    expect(seen).toEqual(users);
  });

  it('is gone after a throw', async () => {
    await expect(runWithContext(of('a'), () => Promise.reject(new Error('fault')))).rejects.toThrow('fault');
    expect(() =>
      runWithContext(of('a'), () => {
        throw new Error('fault');
      }),
    ).toThrow('fault');
    expect(currentContext()).toBeUndefined();
  });
});
