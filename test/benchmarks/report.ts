import type { Operation } from './operations';
import type { PeerName, Protections } from './peers/peer';
import { type Cell, CONCURRENCIES } from './run-cells';

/** A cell beside the driver alone, unprotected, which is 1. */
export interface Result {
  readonly operation: Operation;
  readonly concurrency: number;
  readonly protections: Protections;
  readonly peer: PeerName;
  readonly opsPerSecond: number;
  readonly ratio: number;
  readonly cpuMicros: number;
  readonly serverMicros: number | null;
  readonly p50Micros: number;
  /** Lower is better. */
  readonly p50Ratio: number;
}

/** Whether the library keeps its promise in one row: never slower than Sequelize on the same work. */
export interface Verdict {
  readonly operation: Operation;
  readonly concurrency: number;
  readonly protections: Protections;
  readonly verdict: 'OK' | 'SLOWER';
  /** Speed of ours, Sequelize's being 1. */
  readonly timesSequelize: number;
  /** The same beside Sequelize without any protection. */
  readonly timesUnprotected: number;
}

export function toResults(cells: readonly Cell[]): Result[] {
  return cells.map((cell) => {
    const { operation, concurrency, peer } = cell;
    const base = find(cells, operation, concurrency, 'off', 'raw pg');
    return {
      operation,
      concurrency,
      protections: peer.protections,
      peer: peer.name,
      opsPerSecond: Math.round(cell.opsPerSecond),
      ratio: rounded(cell.opsPerSecond / base.opsPerSecond),
      cpuMicros: Math.round(cell.cpuMicros),
      serverMicros: cell.serverMicros === null ? null : Math.round(cell.serverMicros),
      p50Micros: Math.round(cell.p50Micros),
      p50Ratio: rounded(cell.p50Micros / base.p50Micros),
    };
  });
}

/** Many callers are judged by their throughput, one alone by its latency, which a pause of the disk does not move. */
export function toVerdicts(cells: readonly Cell[]): Verdict[] {
  const speed = (cell: Cell): number => (cell.concurrency === 1 ? 1 / cell.p50Micros : cell.opsPerSecond);
  return cells
    .filter(({ peer }) => peer.name === 'ours')
    .map((cell) => {
      const { operation, concurrency, peer } = cell;
      const times = (protections: Protections): number =>
        speed(cell) / speed(find(cells, operation, concurrency, protections, 'Sequelize'));
      return {
        operation,
        concurrency,
        protections: peer.protections,
        verdict: times(peer.protections) >= 1 ? 'OK' : 'SLOWER',
        timesSequelize: rounded(times(peer.protections)),
        timesUnprotected: rounded(times('off')),
      };
    });
}

/** What one run found. */
export interface Report {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly results: readonly Result[];
  readonly verdicts: readonly Verdict[];
}

/** Prints the report for people. */
export function printTable({ machine, results, verdicts }: Report): void {
  console.log(
    Object.entries(machine)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
  );
  for (const concurrency of CONCURRENCIES) {
    console.log(`\nConcurrency ${concurrency}; raw pg, unprepared and unprotected = 1.00`);
    console.log(`${''.padEnd(32)}${HEAD.map((title) => title.padStart(13)).join('')}`);
    let operation = '';
    for (const result of results.filter((candidate) => candidate.concurrency === concurrency)) {
      if (result.operation !== operation) console.log(result.operation);
      operation = result.operation;
      console.log(line(result));
    }
  }
  console.log('\nSpeed of ours, Sequelize on the same work = 1.00; in brackets against Sequelize without protections:');
  for (const { operation, concurrency, protections, verdict, timesSequelize, timesUnprotected } of verdicts) {
    const bracket = protections === 'on' ? ` (${timesUnprotected.toFixed(2)})` : '';
    const row = `${operation}, protections ${protections}, concurrency ${concurrency}`;
    console.log(`  ${verdict.padEnd(7)}${row.padEnd(56)}${timesSequelize.toFixed(2)}${bracket}`);
  }
  const slower = verdicts.filter(({ verdict }) => verdict === 'SLOWER').length;
  console.log(
    slower === 0
      ? 'OK: ours is not slower in any row.'
      : `SLOWER: ours is slower in ${slower} of ${verdicts.length} rows.`,
  );
}

const HEAD = ['ops/s', 'ratio', 'CPU µs/op', 'server µs/op', 'p50 µs', 'p50 ratio'];

function line(result: Result): string {
  const { protections, peer, opsPerSecond, ratio, cpuMicros, serverMicros, p50Micros, p50Ratio } = result;
  const label = protections === 'off' ? `  ${peer}` : `  ${peer}${peer === 'ours' ? ', protected' : ', by hand'}`;
  const values = [opsPerSecond, ratio.toFixed(2), cpuMicros, serverMicros ?? '-', p50Micros, p50Ratio.toFixed(2)];
  return label.padEnd(32) + values.map((value) => String(value).padStart(13)).join('');
}

function find(
  cells: readonly Cell[],
  operation: Operation,
  concurrency: number,
  protections: Protections,
  name: PeerName,
): Cell {
  return cells.find(
    (cell) =>
      cell.operation === operation &&
      cell.concurrency === concurrency &&
      cell.peer.protections === protections &&
      cell.peer.name === name,
  )!;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;
