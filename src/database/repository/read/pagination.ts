import { InvalidInputError } from '../../database.errors';
import type { PageRequest, PaginatedResult } from '../criteria';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
/** Beyond it OFFSET would have the server walk and drop the rows of the pages before. */
const MAX_PAGE = 100_000;

export interface Page {
  readonly page: number;
  readonly limit: number;
  readonly offset: number;
  readonly counted: boolean;
}

/**
 * Reads a page request.
 * @throws InvalidInputError for a page below 1, or a limit outside 1 to 100: refused, not clamped, so that a caller
 * never takes a part for the whole.
 */
export function readPage(entity: string, request: PageRequest = {}): Page {
  // Not `??`: null is no number, and must not pass for the default.
  const { page = 1, limit = DEFAULT_LIMIT } = request;
  const check = (name: string, value: number, max: number): void => {
    if (!Number.isInteger(value) || value < 1 || value > max) {
      throw new InvalidInputError(
        `${entity}: ${name} must be a whole number from 1 to ${max}`,
        'Correct the page request.',
        {
          entity,
        },
      );
    }
  };
  check('page', page, MAX_PAGE);
  check('limit', limit, MAX_LIMIT);
  return { page, limit, offset: (page - 1) * limit, counted: request.total !== false };
}

/** @param rows One row more than the limit when there is a next page. */
export function toPage<T>(rows: readonly T[], { page, limit }: Page, total: number | null): PaginatedResult<T> {
  return {
    data: rows.slice(0, limit),
    pagination: {
      page,
      limit,
      total,
      pages: total === null ? null : Math.ceil(total / limit),
      hasNext: rows.length > limit,
      hasPrevious: page > 1,
    },
  };
}
