import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ForbiddenError } from '../errors/request.errors';
import type { AuthenticatedRequest } from './authenticated-request';
import { ROLES } from './roles.decorator';

const READS = new Set(['GET', 'HEAD']);

/** Asks the role of the user; runs after JwtGuard. Which clinic's rows are seen is not its business: the database decides. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  /** @throws ForbiddenError */
  canActivate(context: ExecutionContext): boolean {
    const allowed = this.reflector.getAllAndOverride<readonly string[] | undefined>(ROLES, [
      context.getHandler(),
      context.getClass(),
    ]);
    const { method, user } = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (allowed ? allowed.includes(user?.role ?? '') : READS.has(method)) return true;
    throw new ForbiddenError();
  }
}
