import { Injectable } from '@nestjs/common';
import type { ConnectionStatus, Database } from '../transaction/database';

/** What a health check answers, in the form that @nestjs/terminus expects of an indicator. */
export type DatabaseHealth = Record<
  string,
  { readonly status: 'up' | 'down' } & Omit<ConnectionStatus, 'connected' | 'lastErrorAt'>
>;

/** Health of the database for /health and its like (004-10). No host, port or login is shown. */
@Injectable()
export class DatabaseHealthIndicator {
  /** @param name Key of the result unless a call names another: `database`, or the name of the data source. */
  constructor(
    private readonly database: Database,
    private readonly name = 'database',
  ) {}

  /** @param key Name under which the result is listed. */
  async isHealthy(key = this.name): Promise<DatabaseHealth> {
    const { connected, pool, replicas, lastError } = await this.database.getConnectionStatus();
    return {
      [key]: {
        status: connected ? 'up' : 'down',
        pool,
        ...(replicas ? { replicas } : {}),
        ...(lastError ? { lastError } : {}),
      },
    };
  }

  /** The same, giving up after `timeout` ms. */
  async pingCheck(key = this.name, { timeout = 1_000 }: { readonly timeout?: number } = {}): Promise<DatabaseHealth> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), timeout);
    });
    const result = await Promise.race([this.isHealthy(key), late]);
    clearTimeout(timer);
    if (result !== 'late') return result;
    return { [key]: { status: 'down', lastError: 'TIMEOUT', pool: { size: 0, used: 0, waiting: 0 } } };
  }
}
