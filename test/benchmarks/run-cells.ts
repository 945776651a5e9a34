import type { BenchmarkDatabase } from './database';
import { medianSample, type Plan, type Sample, sample } from './measure';
import { callOf, type Operation } from './operations';
import type { Peer } from './peers/peer';
import { serverCpuMicros } from './server-cpu';

/** Callers at once: many, then one alone for the latency. */
export const CONCURRENCIES = [32, 1] as const;

/** A peer's result in one operation at one concurrency. */
export interface Cell extends Sample {
  readonly operation: Operation;
  readonly peer: Peer;
  readonly concurrency: number;
}

/**
 * Measures all peers on each operation. Every round gives each peer its turn, so that whatever slows the machine for
 * a while slows all of them.
 */
export async function runCells(
  database: BenchmarkDatabase,
  peers: readonly Peer[],
  operations: readonly Operation[],
  plan: Plan,
): Promise<Cell[]> {
  const serverCpu = (): number | null => serverCpuMicros(database.server.pid);
  const cells: Cell[] = [];
  for (const operation of operations) {
    console.error(`${operation} …`);
    const calls = peers.map((peer) => callOf(operation, peer, database.ids[peer.protections]));
    for (const call of calls) await sample(call, 32, plan.warmUpMs, serverCpu);
    for (const concurrency of CONCURRENCIES) {
      const samples: Sample[][] = peers.map(() => []);
      for (let round = 0; round < plan.rounds; round += 1) {
        await database.vacuum();
        for (const [n, call] of calls.entries()) {
          samples[n]!.push(await sample(call, concurrency, concurrency === 1 ? plan.singleMs : plan.busyMs, serverCpu));
        }
      }
      peers.forEach((peer, n) => cells.push({ operation, peer, concurrency, ...medianSample(samples[n]!) }));
    }
  }
  return cells;
}
