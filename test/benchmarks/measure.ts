/** How long and how often a cell is measured. Times in ms. */
export interface Plan {
  readonly rows: number;
  readonly rounds: number;
  readonly warmUpMs: number;
  /** Of one round at concurrency 32. */
  readonly busyMs: number;
  /** Of one round at concurrency 1. */
  readonly singleMs: number;
}

export const FULL: Plan = { rows: 20_000, rounds: 8, warmUpMs: 1_000, busyMs: 500, singleMs: 250 };
export const QUICK: Plan = { rows: 5_000, rounds: 3, warmUpMs: 300, busyMs: 200, singleMs: 80 };

/** One round of one cell. */
export interface Sample {
  readonly opsPerSecond: number;
  /** Processor time of this process for one operation. */
  readonly cpuMicros: number;
  /** The same of the server's processes; null where the system does not tell. */
  readonly serverMicros: number | null;
  readonly p50Micros: number;
}

/**
 * Calls as fast as `concurrency` callers can, for `ms` milliseconds.
 * @param serverCpu Reads the server's processor time in µs.
 */
export async function sample(
  call: () => Promise<unknown>,
  concurrency: number,
  ms: number,
  serverCpu: () => number | null,
): Promise<Sample> {
  const durations: number[] = [];
  const serverBefore = serverCpu();
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const end = started + ms;
  const caller = async (): Promise<void> => {
    let now = performance.now();
    while (now < end) {
      await call();
      const then = performance.now();
      durations.push(then - now);
      now = then;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const seconds = (performance.now() - started) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const serverAfter = serverCpu();
  const count = durations.length;
  return {
    opsPerSecond: count / seconds,
    cpuMicros: (cpu.user + cpu.system) / count,
    serverMicros: serverBefore === null || serverAfter === null ? null : (serverAfter - serverBefore) / count,
    p50Micros: median(durations) * 1_000,
  };
}

/** The middle of the values: an outlier, such as a checkpoint, does not move it. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Samples of a cell as one, value by value. */
export function medianSample(samples: readonly Sample[]): Sample {
  const of = (value: (sample: Sample) => number): number => median(samples.map(value));
  return {
    opsPerSecond: of((sample) => sample.opsPerSecond),
    cpuMicros: of((sample) => sample.cpuMicros),
    // A tick is longer than a few operations: only the mean of all rounds is fine enough.
    serverMicros: samples.some((sample) => sample.serverMicros === null)
      ? null
      : samples.reduce((sum, sample) => sum + sample.serverMicros!, 0) / samples.length,
    p50Micros: of((sample) => sample.p50Micros),
  };
}
