import { readdirSync, readFileSync } from 'node:fs';

/** The kernel counts in hundredths of a second. */
const TICK_MICROS = 10_000;

/**
 * Processor time that a PostgreSQL server and its processes have used.
 * @param pid Process id of the server.
 * @returns µs, or null where the system does not tell (it does on Linux).
 */
export function serverCpuMicros(pid: number): number | null {
  let entries: string[];
  try {
    entries = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return null;
  }
  let ticks = 0;
  for (const entry of entries) {
    const stat = statOf(entry);
    if (!stat || (stat.pid !== pid && stat.parent !== pid)) continue;
    ticks += stat.ticks;
  }
  return ticks * TICK_MICROS;
}

/** Reads `/proc/PID/stat`; see proc(5). The name, the second field, is in parentheses and may hold spaces. */
function statOf(entry: string): { pid: number; parent: number; ticks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${entry}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid: Number(entry), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
