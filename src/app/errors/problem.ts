import { HttpException } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { DatabaseError } from '../../index';
import { RequestError } from './request.errors';

/** Body of every answer that is an error. Names things, never a value of a record or of the request. */
export class Problem {
  @ApiProperty({ example: 409 })
  readonly statusCode!: number;

  @ApiProperty({ description: 'Stable, for programs.', example: 'CONFLICT' })
  readonly code!: string;

  @ApiProperty({ example: 'Student was changed by someone else' })
  readonly message!: string;

  @ApiProperty({
    description: 'What to do next.',
    example: 'Read the row again and repeat the change on its current version.',
  })
  readonly hint!: string;

  @ApiProperty({ description: 'Finds the request in log and audit trail; also the header X-Request-Id.' })
  readonly requestId!: string;

  @ApiPropertyOptional({ example: 'Student' })
  readonly entity?: string;

  @ApiPropertyOptional({ example: 'studentNumber' })
  readonly attribute?: string;

  @ApiPropertyOptional({ description: 'Constraint of the database that refused the row.' })
  readonly constraint?: string;
}

type Description = Pick<Problem, 'code' | 'message' | 'hint'>;

const INTERNAL: Description = {
  code: 'INTERNAL',
  message: 'The request failed',
  hint: 'Repeat it later; if it fails again, report the request id.',
};

/** What a caller can do about a failure that is not the caller's. What an operator can do is in the log. */
const BY_CODE: Readonly<Record<string, Omit<Description, 'code'>>> = {
  TIMEOUT: { message: 'The database did not answer in time', hint: INTERNAL.hint },
  TRANSACTION_OUTCOME_UNKNOWN: {
    message: 'It is not known whether the request was stored',
    hint: 'Read the record before repeating the request.',
  },
};
const BUSY: Omit<Description, 'code'> = {
  message: 'The request cannot be served now; nothing was stored',
  hint: 'Repeat it after the seconds in Retry-After.',
};

/** Codes of failures that are over soon and have stored nothing. Not those of an unknown outcome. */
const RETRY_AFTER_SECONDS: Readonly<Record<string, number>> = { DEADLOCK: 1, POOL_SELF_DEADLOCK: 1, UNAVAILABLE: 5 };

/** @returns The header Retry-After, in seconds, where repeating the request is harmless and may help. */
export function retryAfter({ code }: Pick<Problem, 'code'>): number | undefined {
  return RETRY_AFTER_SECONDS[code];
}

/** What Nest and the body parser refuse. Their own messages quote the request, so only the status is kept. */
const BY_STATUS: Readonly<Record<number, Description>> = {
  400: {
    code: 'MALFORMED_REQUEST',
    message: 'The request cannot be read',
    hint: 'Check the JSON of the body and the escapes of the address.',
  },
  404: { code: 'ROUTE_NOT_FOUND', message: 'There is no such route', hint: 'See /docs for the routes.' },
  413: { code: 'PAYLOAD_TOO_LARGE', message: 'The body is too large', hint: 'Send at most 1 MB.' },
  415: { code: 'UNSUPPORTED_MEDIA_TYPE', message: 'The body cannot be decoded', hint: 'Send JSON in UTF-8.' },
};

/** @returns The answer to any error; one that nobody foresaw says nothing about itself. */
export function describeProblem(error: unknown, requestId: string): Problem {
  if (error instanceof DatabaseError) {
    const { status, code, message, hint, entity, attribute, constraint } = error;
    if (status >= 500) {
      const told = BY_CODE[code] ?? (retryAfter({ code }) ? BUSY : INTERNAL);
      return { statusCode: status, requestId, ...told, code };
    }
    return { statusCode: status, code, message, hint, requestId, entity, attribute, constraint };
  }
  if (error instanceof RequestError) {
    return { statusCode: error.status, code: error.code, message: error.message, hint: error.hint, requestId };
  }
  const statusCode = error instanceof HttpException ? error.getStatus() : 500;
  if (statusCode >= 500) return { statusCode, ...INTERNAL, requestId };
  const known = BY_STATUS[statusCode] ?? {
    code: 'REQUEST_REFUSED',
    message: 'The request was refused',
    hint: 'See /docs for what is allowed.',
  };
  return { statusCode, ...known, requestId };
}
