import { v7 as uuidv7 } from 'uuid';
import type { BenchmarkDatabase } from './database';
import type { NewRow, Peer, Protection } from './work';

export interface Plan {
  readonly rows: number;
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmupMs: number;
  readonly concurrency: number;
}

export interface Result {
  readonly work: string;
  readonly protection: Protection;
  readonly peer: Peer['name'];
  /** Operations a second at the plan's concurrency, median of the rounds. */
  readonly opsPerSecond: number;
  /** CPU of this process an operation, in µs, median of the rounds. */
  readonly cpuMicros: number;
  /** Median latency with one call at a time, in µs. */
  readonly p50Micros: number;
}

type Work = (peer: Peer, database: BenchmarkDatabase, turn: number) => Promise<unknown>;

const newRow = (turn: number): NewRow => ({ id: uuidv7(), name: `New ${turn}`, grade: 'new', notes: 'n'.repeat(80) });

const WORK: Record<string, Work> = {
  findById: (peer, { ids }, turn) => peer.findById(ids[(turn * 7919) % ids.length]!),
  'page of 20 + count': (peer, _database, turn) => peer.page(String(turn % 12)),
  create: (peer, _database, turn) => peer.create(newRow(turn)),
  'three writes': (peer, _database, turn) => peer.threeWrites(newRow(turn), newRow(turn)),
};

/** Rounds go peer by peer, so that whatever else the machine does meets all of them. */
export async function measureAll(
  peers: readonly Peer[],
  database: BenchmarkDatabase,
  plan: Plan,
  say: (line: string) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [name, work] of Object.entries(WORK)) {
    say(`${name} …`);
    const rounds = new Map(peers.map((peer) => [peer, { ops: [] as number[], cpu: [] as number[], latency: [] as number[] }]));
    for (const peer of peers) await runFor(plan.warmupMs, plan.concurrency, (turn) => work(peer, database, turn));
    for (let round = 0; round < plan.rounds; round += 1) {
      for (const [peer, measured] of rounds) {
        const busy = await runFor(plan.roundMs, plan.concurrency, (turn) => work(peer, database, turn));
        measured.ops.push((busy.operations * 1_000) / busy.ms);
        measured.cpu.push(busy.cpuMicros / busy.operations);
        measured.latency.push(median((await runFor(plan.roundMs / 2, 1, (turn) => work(peer, database, turn))).latencies));
      }
    }
    for (const [peer, { ops, cpu, latency }] of rounds) {
      results.push({
        work: name,
        protection: peer.protection,
        peer: peer.name,
        opsPerSecond: Math.round(median(ops)),
        cpuMicros: Math.round(median(cpu)),
        p50Micros: Math.round(median(latency)),
      });
    }
  }
  return results;
}

async function runFor(ms: number, concurrency: number, work: (turn: number) => Promise<unknown>) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const latencies: number[] = [];
  let turn = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - start < ms) {
      const began = performance.now();
      await work((turn += 1));
      latencies.push((performance.now() - began) * 1_000);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const used = process.cpuUsage(cpu);
  return { operations: latencies.length, ms: performance.now() - start, cpuMicros: used.user + used.system, latencies };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
