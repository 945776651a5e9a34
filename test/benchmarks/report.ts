import type { Result } from './measure';

const HEADER = ['work', 'protection', 'peer', 'ops/s', 'ratio', 'CPU µs/op', 'ratio', 'p50 µs', 'ratio', ''];

/** Ratios are against raw pg doing the same work with the same protection: its throughput, CPU and latency are 1.00. */
export function printTable(results: readonly Result[], out: { write(text: string): unknown }): void {
  const of = (result: Result, peer: Result['peer']): Result =>
    results.find((other) => other.work === result.work && other.protection === result.protection && other.peer === peer)!;
  const lines = results.map((result) => {
    const raw = of(result, 'raw pg');
    const verdict = result.peer === 'ours' ? (result.opsPerSecond >= of(result, 'Sequelize').opsPerSecond ? 'OK' : 'SLOWER') : '';
    return [
      result.work,
      result.protection,
      result.peer,
      String(result.opsPerSecond),
      (result.opsPerSecond / raw.opsPerSecond).toFixed(2),
      String(result.cpuMicros),
      (result.cpuMicros / raw.cpuMicros).toFixed(2),
      String(result.p50Micros),
      (result.p50Micros / raw.p50Micros).toFixed(2),
      verdict,
    ];
  });
  const widths = HEADER.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]!.length)));
  for (const line of [HEADER, ...lines]) {
    out.write(`${line.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')}\n`);
  }
  const slower = lines.filter((line) => line.at(-1) === 'SLOWER').length;
  out.write(slower === 0 ? 'Ours is not slower than plain Sequelize in any row.\n' : `Ours is SLOWER than plain Sequelize in ${slower} row(s).\n`);
}
