import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { APP_OPTIONS, type AppOptions } from '../app.options';
import { UnauthenticatedError } from '../errors/request.errors';
import type { AuthenticatedRequest } from './authenticated-request';
import { PUBLIC } from './public.decorator';
import { verifyToken } from './token';

const BEARER = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** Lets a request with a valid bearer token through, and puts who it is on the request (RFC 6750). */
@Injectable()
export class JwtGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Inject(APP_OPTIONS) private readonly options: AppOptions,
  ) {}

  /** @throws UnauthenticatedError; it does not tell what was wrong. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, [context.getHandler(), context.getClass()])) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
    if (!token) throw new UnauthenticatedError();
    try {
      const { userId, role, clinicId } = await verifyToken(token, this.options.jwtSecret);
      request.user = { id: userId, role, clinicId };
      return true;
    } catch {
      throw new UnauthenticatedError();
    }
  }
}
