import { Controller, Get, UseFilters } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  HealthCheck,
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { DatabaseHealthIndicator } from '../../index';
import { Public } from '../auth/public.decorator';
import { HealthFilter } from './health.filter';

const TIMEOUT_MS = 2_000;
/** Nobody needs a token to ask, so not every question reaches the database. */
const CACHE_MS = 1_000;

/** Whether the application is well. Shows no host, port, login or message of a driver (004-10). */
@Public()
@ApiTags('health')
@UseFilters(HealthFilter)
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly database: DatabaseHealthIndicator,
  ) {}

  /** Everything that the application needs. */
  @Get()
  @HealthCheck()
  all(): Promise<HealthCheckResult> {
    return this.health.check([() => this.databaseIsUp()]);
  }

  /** The database alone. */
  @Get('db')
  @HealthCheck()
  databaseOnly(): Promise<HealthCheckResult> {
    return this.health.check([() => this.databaseIsUp()]);
  }

  private async databaseIsUp(): Promise<HealthIndicatorResult<'database'>> {
    return this.indicators
      .check('database')
      .attempt(async () => {
        const { status, pool, lastError } = (await this.database.isHealthy()).database!;
        // Terminus shows the message of what is thrown: it is the code of the failure and nothing else.
        if (status === 'down') throw new Error(lastError ?? 'UNAVAILABLE');
        return { pool };
      })
      .withTimeout(TIMEOUT_MS)
      .cacheFor(CACHE_MS);
  }
}
