import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DatabaseError } from '../../index';
import { describeProblem, retryAfter } from './problem';

/** Answers every error with a Problem, and logs what the server is to blame for: names and places, no values. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Request');

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const request = host.switchToHttp().getRequest<Request>();
    const problem = describeProblem(error, String(request.headers['x-request-id']));
    if (problem.statusCode >= 500) this.report(error, problem.requestId);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (problem.statusCode === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    const seconds = retryAfter(problem);
    if (seconds !== undefined) response.setHeader('Retry-After', String(seconds));
    response.status(problem.statusCode).json(problem);
  }

  private report(error: unknown, requestId: string): void {
    if (error instanceof DatabaseError) {
      this.logger.error(`${error.code}: ${error.message} ${error.hint} (request ${requestId})`);
      return;
    }
    // The message of a foreign error may quote a value; its class and where it came from do not.
    const { name, stack = '' } = error instanceof Error ? error : new Error();
    const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
    this.logger.error(`${name} (request ${requestId})\n${frames.join('\n')}`);
  }
}
