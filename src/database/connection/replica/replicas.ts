import type { Transaction } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import { ambient } from '../../context/ambient';
import type { ExecutionContext } from '../../context/execution-context';
import type { DatabaseOptions } from '../../database.options';
import { ProbeClient } from './probe-client';
import { readsOnly } from '../read-only';
import { RecentWrites, type Writer } from './recent-writes';
import { Replica } from './replica';
import { WalHistory, walPosition } from './wal-position';

/** Probes within the time that a replica may lag: a healthy one must not age out of use between two of them. */
const PROBES_PER_LAG = 4;
const MAX_INTERVAL_MS = 1_000;

// The insert position, not the one written: a commit that was not waited for (synchronous_commit = off) counts too.
const POSITION = 'SELECT pg_current_wal_insert_lsn()::text AS lsn';

/**
 * The streaming replicas of one database. Which of them may serve a read is decided at the moment of the read: it must
 * hold every commit that is older than the lag allowed. Sequelize's own replication is not used: an error while it
 * connects is an uncaughtException that ends the process (unit-of-work §4).
 */
export class Replicas {
  private readonly replicas: readonly Replica[];
  private readonly recent: RecentWrites;
  private readonly history: WalHistory;
  private readonly primary: ProbeClient;
  private readonly intervalMs: number;
  private timer?: NodeJS.Timeout;
  private sampling = false;
  private turn = 0;

  constructor(
    private readonly sequelize: Sequelize,
    options: DatabaseOptions,
  ) {
    const { hosts, maxLagMs } = options.replicas;
    this.intervalMs = Math.min(maxLagMs / PROBES_PER_LAG, MAX_INTERVAL_MS);
    this.history = new WalHistory(maxLagMs * 2);
    this.recent = new RecentWrites(maxLagMs);
    this.primary = new ProbeClient(options, maxLagMs);
    const rules = { maxLagMs, history: this.history, identity: () => this.primary.identity };
    const version = () => (sequelize.options as { databaseVersion?: string | number }).databaseVersion;
    this.replicas = hosts.map(
      (host) => new Replica({ ...options, ...host }, rules, () => (version() ? String(version()) : undefined)),
    );
  }

  /** How many there are, and how many may be read from now. */
  get status(): { readonly configured: number; readonly usable: number } {
    const usable = this.replicas.filter((replica) => replica.usable).length;
    return { configured: this.replicas.length, usable };
  }

  /** Begins to probe. Until a replica was found fit all reads go to the primary. */
  start(): void {
    this.timer = setInterval(() => void this.probe(), this.intervalMs);
    this.timer.unref();
    void this.probe();
  }

  /** Stops probing and closes the connections; reads under way get `graceMs`. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.timer);
    this.primary.close();
    await Promise.all(this.replicas.map((replica) => replica.close(graceMs)));
  }

  /**
   * A replica for a read outside a unit of work, or undefined: then it goes to the primary. That is so outside a
   * request, after the request's first write, and for a clinic that was just written for.
   */
  pick(context: ExecutionContext | undefined): Replica | undefined {
    const { request } = ambient();
    if (!request || request.wroteTo.has(this.sequelize) || this.recent.isRecent(context?.clinicId)) return undefined;
    for (let i = 0; i < this.replicas.length; i += 1) {
      this.turn = (this.turn + 1) % this.replicas.length;
      const replica = this.replicas[this.turn]!;
      if (replica.usable) return replica;
    }
    return undefined;
  }

  /** Notes a write before it is sent. */
  wrote(context: ExecutionContext | undefined, writer: Writer): void {
    ambient().request?.wroteTo.add(this.sequelize);
    this.recent.begin(context?.clinicId, writer);
  }

  private async probe(): Promise<void> {
    this.recent.sweep();
    if (!this.sampling) {
      this.sampling = true;
      try {
        // Before it is asked: what was committed by now is in the answer.
        const at = performance.now();
        const { lsn } = await this.primary.ask<{ lsn: string }>(POSITION);
        this.history.add(walPosition(lsn), at);
      } catch {
        // Without the primary nobody knows how far a replica lags: they age out of use.
      } finally {
        this.sampling = false;
      }
    }
    await Promise.all(this.replicas.map((replica) => replica.check()));
  }
}

const attached = new WeakMap<Sequelize, Replicas>();

/** Gives a Sequelize instance the replicas that its options name, and begins to probe them. */
export function startReplicas(sequelize: Sequelize, options: DatabaseOptions): Replicas | undefined {
  if (options.replicas.hosts.length === 0) return undefined;
  const replicas = new Replicas(sequelize, options);
  attached.set(sequelize, replicas);
  replicas.start();
  return replicas;
}

/** The replicas of a Sequelize instance, where it has any. */
export function replicasOf(sequelize: Sequelize): Replicas | undefined {
  return attached.get(sequelize);
}

const CONTROL = /^\s*(?:start|begin|set|commit|rollback|savepoint|release)\b/i;

/**
 * Notes SQL before it is sent, where it writes and there are replicas: from now on its request, and for a while its
 * clinic, read from the primary. A function that writes and is called by SELECT is not noticed.
 */
export function noteWrite(
  sequelize: Sequelize,
  sql: string,
  context: ExecutionContext | undefined,
  writer: Writer,
): void {
  const replicas = attached.get(sequelize);
  if (replicas && !readsOnly(sql) && !CONTROL.test(sql)) replicas.wrote(context, writer);
}

/** The writer that a transaction opened with Sequelize is. */
export function writerOf(transaction: Transaction): Writer {
  return {
    get settled() {
      return (transaction as Transaction & { finished?: string }).finished !== undefined;
    },
  };
}
