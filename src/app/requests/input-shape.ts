import type { NextFunction, Request, Response } from 'express';
import { InvalidRequestError, UnsupportedMediaTypeError } from '../errors/request.errors';

const MAX_DEPTH = 10;
const MAX_VALUES = 10_000;

/**
 * Refuses input that no route takes before anything walks it: a body that is not a JSON object, one nested or stuffed to
 * keep the server busy, and keys that every object has (`__proto__`, `constructor`, `toString`), which the mapping to
 * classes would drop without a word.
 */
export function inputShape(request: Request, _response: Response, next: NextFunction): void {
  // A POST without a body announces one of 0 bytes.
  const isEmpty = request.headers['content-length'] === '0';
  if (!isEmpty && request.is('application/json') === false) throw new UnsupportedMediaTypeError();
  if (Array.isArray(request.body))
    throw new InvalidRequestError('The body must be an object', 'See /docs for its shape.');
  refuseStrange(request.query);
  refuseStrange(request.body);
  next();
}

/** Walks without recursion: the input decides how deep it is. */
function refuseStrange(input: unknown): void {
  let level = [input];
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    const objects = level.filter((value): value is object => typeof value === 'object' && value !== null);
    values += level.length;
    if (depth > MAX_DEPTH || values > MAX_VALUES) {
      throw new InvalidRequestError('The input is nested too deep, or has too many values', 'See /docs for its shape.');
    }
    if (objects.some((value) => Object.keys(value).some((key) => key in Object.prototype))) {
      throw new InvalidRequestError('The input has an attribute that is not known here', 'See /docs for its shape.');
    }
    level = objects.flatMap((value) => Object.values(value) as unknown[]);
  }
}
