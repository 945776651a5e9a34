import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module';
import type { AppOptions } from './app.options';
import { serveOpenApi } from './open-api';
import { inputShape } from './requests/input-shape';
import { requestId } from './requests/request-id';
import { securityHeaders } from './requests/security-headers';

const MAX_BODY = '1mb';

/**
 * Makes the application; the database is open when it returns. Nothing listens yet.
 * @param logger Where log lines go; default the console.
 * @throws DatabaseError when the database cannot be opened.
 */
export async function createHttpApplication(
  options: AppOptions,
  logger?: LoggerService,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.register(options), {
    abortOnError: false,
    bodyParser: false,
    ...(logger ? { logger } : {}),
  });
  app.disable('x-powered-by');
  // A hash of a record is not for caches either.
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(requestId, securityHeaders);
  app.useBodyParser('json', { limit: MAX_BODY });
  app.use(inputShape);
  serveOpenApi(app);
  return app;
}
