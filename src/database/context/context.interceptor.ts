import {
  type CallHandler,
  type ExecutionContext as NestExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { Observable } from 'rxjs';
import { runWithContext } from './ambient';
import { createExecutionContext } from './execution-context';

/** Who a guard found behind the request. */
export interface AuthenticatedUser {
  readonly id: string;
  readonly role?: string;
  /** UUID of the clinic that the user acts for. */
  readonly clinicId?: string;
}

interface HttpRequest {
  readonly user?: AuthenticatedUser;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly ip?: string;
}

const REQUEST_ID = /^[\w.:-]{1,200}$/;
const MAX_USER_AGENT = 200;

/**
 * Makes the ExecutionContext of an HTTP request from `request.user`, which a guard has set, and runs the handler in
 * it. A request without a user runs without a context: it can write nothing.
 */
@Injectable()
export class ContextInterceptor implements NestInterceptor {
  intercept(host: NestExecutionContext, next: CallHandler): Observable<unknown> {
    if (host.getType() !== 'http') return next.handle();
    const request = host.switchToHttp().getRequest<HttpRequest>();
    const { user } = request;
    if (!user) return next.handle();
    const requestId = single(request.headers['x-request-id']);
    const context = createExecutionContext({
      userId: user.id,
      userRole: user.role,
      clinicId: user.clinicId,
      // A request id comes from outside: anything but a plain token is replaced.
      ...(requestId && REQUEST_ID.test(requestId) ? { requestId } : {}),
      ipAddress: request.ip,
      userAgent: printable(single(request.headers['user-agent'])),
      purposeOfUse: printable(single(request.headers['x-purpose-of-use'])),
    });
    // The handler runs on subscription, so it is the subscription that needs the context.
    return new Observable((subscriber) => runWithContext(context, () => next.handle().subscribe(subscriber)));
  }
}

const single = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;

const printable = (value: string | undefined): string | undefined =>
  value?.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_USER_AGENT);
