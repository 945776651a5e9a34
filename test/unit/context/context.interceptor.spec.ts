import type { CallHandler, ExecutionContext as NestExecutionContext } from '@nestjs/common';
import { defer, firstValueFrom, Observable } from 'rxjs';
import { ContextInterceptor, currentContext, type ExecutionContext } from '../../../src';

const CLINIC = '0190a000-0000-7000-8000-00000000000a';

const request = (rest: object = {}) => ({
  user: { id: 'user-1', role: 'NURSE', clinicId: CLINIC },
  headers: {},
  ip: '192.0.2.1',
  ...rest,
});

const host = (httpRequest: object, type = 'http') =>
  ({ getType: () => type, switchToHttp: () => ({ getRequest: () => httpRequest }) }) as unknown as NestExecutionContext;

/** What the handler finds, asked later in its own time. */
function seenBy(httpRequest: object, type?: string): Promise<ExecutionContext | undefined> {
  const handler: CallHandler = { handle: () => defer(async () => (await Promise.resolve(), currentContext())) };
  return firstValueFrom(
    new ContextInterceptor().intercept(host(httpRequest, type), handler) as Observable<ExecutionContext | undefined>,
  );
}

describe('ContextInterceptor', () => {
  it('makes the context of a request from the user that a guard found [003-36]', async () => {
    const headers = { 'x-request-id': 'req-7', 'user-agent': 'Firefox', 'x-purpose-of-use': 'TREATMENT' };
    expect(await seenBy(request({ headers }))).toEqual({
      userId: 'user-1',
      userRole: 'NURSE',
      clinicId: CLINIC,
      requestId: 'req-7',
      ipAddress: '192.0.2.1',
      userAgent: 'Firefox',
      purposeOfUse: 'TREATMENT',
    });
  });

  it.each([
    ['a line break', 'x\r\nSet-Cookie: y'],
    ['a quote', "x'; DROP"],
    ['NUL', 'x\0'],
    ['too much', 'x'.repeat(201)],
    ['nothing', ''],
  ])('replaces a request id with %s in it', async (_name, id) => {
    expect((await seenBy(request({ headers: { 'x-request-id': id } })))?.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('makes headers printable, so that no header can stop a request', async () => {
    const headers = { 'user-agent': `a\0b\ud800${'x'.repeat(500)}`, 'x-request-id': ['first', 'second'] };
    const context = await seenBy(request({ headers }));
    expect(context?.userAgent).toMatch(/^a\?b\?x+$/);
    expect(context?.userAgent).toHaveLength(200);
    expect(context?.requestId).toBe('first');
  });

  it('gives a request without a user no context: it can write nothing', async () => {
    expect(await seenBy(request({ user: undefined }))).toBeUndefined();
    expect(await seenBy(request(), 'rpc')).toBeUndefined();
  });

  it('keeps requests that run at once apart [D03]', async () => {
    const users = Array.from({ length: 50 }, (_, i) => `user-${i}`);
    const seen = await Promise.all(users.map((id) => seenBy(request({ user: { id } }))));
    expect(seen.map((context) => context?.userId)).toEqual(users);
  });
});
