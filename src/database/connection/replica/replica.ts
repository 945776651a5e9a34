import { Logger } from '@nestjs/common';
import { Sequelize } from 'sequelize-typescript';
import { DatabaseError } from '../../database.errors';
import type { DatabaseOptions } from '../../database.options';
import { closePool } from '../connections';
import { isServerAnswer, sqlStateOf } from '../error-mapper';
import { ProbeClient } from './probe-client';
import { sequelizeOptions } from '../sequelize-options';
import { type WalHistory, walPosition } from './wal-position';

/** How long a read waits for a connection of a replica before it goes to the primary, in ms. */
const ACQUIRE_MS = 1_000;

/**
 * Failures that say something of the replica and not of the read: its connection, its shutdown, its space, a conflict
 * with replay (40001, 40P01), an object it does not have yet (42), a write it refuses (25006).
 */
const OF_THE_REPLICA = /^(?:08|53|57P|58|XX|42|40001|40P01|25006)/;

const STANDING = 'SELECT pg_is_in_recovery() AS standby, pg_last_wal_replay_lsn()::text AS lsn';

/** What all replicas of a database are held to. */
export interface ReplicaRules {
  readonly maxLagMs: number;
  /** The primary's log as this process has seen it. */
  readonly history: WalHistory;
  /** Identity of the primary's cluster, as far as the login may ask for it. */
  readonly identity: () => string | undefined;
}

/** One replica: whether it may be read from now, and its connections. */
export class Replica {
  /** For logs. */
  readonly name: string;
  private readonly logger = new Logger('Replica');
  private readonly probe: ProbeClient;
  private pool?: Sequelize;
  /** The replica holds every commit up to this reading of the clock. */
  private covered = -Infinity;
  /** Not tried again before this reading: reads failed although probes did not. */
  private restsUntil = -Infinity;
  private probing = false;
  private said = '';
  private closed = false;

  /** @param options Those of the primary, with host and port of the replica. */
  constructor(
    private readonly options: DatabaseOptions,
    private readonly rules: ReplicaRules,
    private readonly version: () => string | undefined,
  ) {
    this.name = `${options.host}:${options.port}`;
    this.probe = new ProbeClient(options, rules.maxLagMs);
  }

  /** Its connections, when it lags by less than is allowed at this very moment. */
  get usable(): Sequelize | undefined {
    const now = performance.now();
    return now - this.covered <= this.rules.maxLagMs && now >= this.restsUntil ? this.pool : undefined;
  }

  /** Asks how the replica stands. Never rejects. */
  async check(): Promise<void> {
    // One that does not answer is not asked again on top of that; it ages out of use meanwhile.
    if (this.probing || this.closed) return;
    this.probing = true;
    try {
      const refusal = await this.ask();
      if (refusal) this.evict(refusal);
      else this.say(this.usable ? 'in use' : `out of use: it lags by more than ${this.rules.maxLagMs} ms`);
    } catch (error) {
      this.evict(sqlStateOf(error) ?? 'no answer');
    } finally {
      this.probing = false;
    }
  }

  /**
   * Judges the failure of a read.
   * @returns True when the read should be made again on the primary.
   */
  failed(error: unknown): boolean {
    // Refused before it was sent.
    if (error instanceof DatabaseError) return false;
    const state = sqlStateOf(error);
    if (isServerAnswer(error)) return state !== undefined && OF_THE_REPLICA.test(state);
    // A pool that is busy is no reason to give the replica up; a dead server is found by the next probe, too.
    if ((error as Error | undefined)?.name === 'SequelizeConnectionAcquireTimeoutError') return true;
    this.restsUntil = performance.now() + this.rules.maxLagMs;
    this.evict(state ?? 'connection lost');
    return true;
  }

  /** Closes its connections; reads under way get `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.closed = true;
    this.probe.close();
    await this.closeConnections(graceMs);
  }

  /** @returns Why the replica cannot be used, if so. */
  private async ask(): Promise<string | undefined> {
    const { standby, lsn } = await this.probe.ask<{ standby: boolean; lsn: string | null }>(STANDING);
    if (!standby || lsn === null) return 'it is no standby';
    if (this.probe.identity !== this.rules.identity()) return 'it belongs to another cluster than the primary';
    this.covered = this.rules.history.coveredUntil(walPosition(lsn));
    if (!this.closed) this.pool ??= this.open();
    return undefined;
  }

  /** Takes the replica out of use. Reads under way on it fail, and are made again on the primary. */
  private evict(reason: string): void {
    this.covered = -Infinity;
    this.say(`out of use: ${reason}`);
    void this.closeConnections(0);
  }

  /** Says how it stands when that has changed. */
  private say(state: string): void {
    if (state === this.said || this.closed) return;
    this.said = state;
    const line = `${this.name} is ${state}`;
    if (state === 'in use') this.logger.log(line);
    else this.logger.warn(line);
  }

  private open(): Sequelize {
    const { pool } = this.options;
    const version = this.version();
    // No connection is kept by the pool itself: it would go on trying, unasked, while the server is away.
    const own = { ...pool, min: 0, acquireTimeoutMs: Math.min(pool.acquireTimeoutMs, ACQUIRE_MS) };
    return new Sequelize({
      ...sequelizeOptions({ ...this.options, pool: own }),
      ...(version ? { databaseVersion: version } : {}),
    });
  }

  private async closeConnections(graceMs: number): Promise<void> {
    const { pool } = this;
    this.pool = undefined;
    // A peer that is gone cannot be told.
    if (pool) await closePool(pool, graceMs).catch(() => undefined);
  }
}
