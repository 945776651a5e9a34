import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { Problem } from './problem';

const REASONS: Readonly<Record<number, string>> = {
  400: 'The input is not valid.',
  401: 'No valid token.',
  403: 'The role does not allow it.',
  404: 'Not there, deleted, or of another clinic.',
  409: 'The version is old, a number is taken, or a row that is referred to is missing.',
  413: 'More than 1 MB.',
  422: 'A rule of the schema is broken.',
  503: 'The database is busy or away. With Retry-After: nothing was stored.',
};

/** Documents the errors of a route. */
export function ProblemResponses(
  ...statuses: readonly (keyof typeof REASONS & number)[]
): ClassDecorator & MethodDecorator {
  return applyDecorators(
    ...statuses.map((status) => ApiResponse({ status, type: Problem, description: REASONS[status] })),
  );
}
