import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { InvalidRequestError } from '../errors/request.errors';

const UNKNOWN = 'whitelistValidation';
const MAX_COMPLAINTS = 20;

/** Checks bodies and queries against their classes. What the class does not name is refused, and not named in the answer. */
export function inputValidation(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    stopAtFirstError: true,
    validationError: { target: false, value: false },
    exceptionFactory: (errors) => {
      const complaints = [...new Set(errors.flatMap((error) => describe(error, '')))];
      return new InvalidRequestError(
        complaints.slice(0, MAX_COMPLAINTS).join('; '),
        'See /docs for what the route takes.',
      );
    },
  });
}

/** class-validator's own messages name the attribute and what is allowed. The name of an unknown one is the caller's text. */
function describe({ constraints = {}, children = [], property }: ValidationError, path: string): string[] {
  const own = Object.entries(constraints).map(([constraint, message]) =>
    constraint === UNKNOWN
      ? `${path || 'the input'} has an attribute that is not known here`
      : [path, message].filter(Boolean).join('.'),
  );
  const place = [path, property].filter(Boolean).join('.');
  return [...own, ...children.flatMap((child) => describe(child, place))];
}
