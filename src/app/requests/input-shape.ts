import type { NextFunction, Request, Response } from 'express';
import { InvalidRequestError, UnsupportedMediaTypeError } from '../errors/request.errors';

const MAX_DEPTH = 10;
const MAX_VALUES = 10_000;
/** Names through which an assignment reaches a prototype. */
const PROTOTYPE_KEYS = ['__proto__', 'constructor', 'prototype'];

/**
 * Refuses input that no route takes before anything walks it: a body that is not a JSON object, one nested or stuffed to
 * keep the server busy, keys that reach a prototype.
 */
export function inputShape(request: Request, _response: Response, next: NextFunction): void {
  if (request.is('application/json') === false) throw new UnsupportedMediaTypeError();
  if (Array.isArray(request.body)) throw new InvalidRequestError('The body must be an object', 'See /docs for its shape.');
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
    if (objects.some((value) => PROTOTYPE_KEYS.some((key) => Object.hasOwn(value, key)))) {
      throw new InvalidRequestError('The input has an attribute that is not known here', 'See /docs for its shape.');
    }
    level = objects.flatMap((value) => Object.values(value) as unknown[]);
  }
}
