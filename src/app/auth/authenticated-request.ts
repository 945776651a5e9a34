import type { Request } from 'express';
import type { AuthenticatedUser } from '../../index';

/** A request as the guards leave it: the ContextInterceptor of the library reads `user`. */
export type AuthenticatedRequest = Request & { user?: AuthenticatedUser };
