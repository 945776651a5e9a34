import { readFileSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same id: on Linux its start time is part of it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot (field 22 of /proc/pid/stat); empty where there is no /proc. */
  readonly started: string;
}

const ENDED = 'ended';

/** @param pid Process id; default: this process. */
export function processIdentity(pid: number = process.pid): ProcessIdentity {
  return { pid, started: startTime(pid) };
}

/** Whether that very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return pidExists(identity.pid) && startTime(identity.pid) === identity.started;
}

/** Whether some process with this id runs. One of another user counts; one that ended and was not reaped does not. */
export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return startTime(pid) !== ENDED;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; the fields after it do not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? ENDED : (fields[19] ?? '');
  } catch {
    return '';
  }
}
