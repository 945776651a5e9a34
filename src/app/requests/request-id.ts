import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

const PLAIN = /^[\w.:-]{1,200}$/;

/** Gives every request an id: the caller's, if it is a plain token, else a new one. Context, errors and log share it. */
export function requestId(request: Request, response: Response, next: NextFunction): void {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && PLAIN.test(given) ? given : randomUUID();
  request.headers['x-request-id'] = id;
  response.setHeader('X-Request-Id', id);
  next();
}
