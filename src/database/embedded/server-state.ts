import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity } from './process-identity';

/** What processes that share one embedded server tell each other, in `server.json`. */
export interface ServerState {
  /** Port of the last start, taken again while it is free. */
  readonly port?: number;
  /** Started by `db:start`: runs until `db:stop`. Otherwise the last process that uses it stops it. */
  readonly background: boolean;
  /** Processes that use the server and still run. */
  readonly users: readonly ProcessIdentity[];
}

/** Reads the state; users that died are left out. A damaged file counts as none. */
export function readState(root: string): ServerState {
  const nothing: ServerState = { background: false, users: [] };
  const file = join(root, 'server.json');
  if (!existsSync(file)) return nothing;
  try {
    const state = { ...nothing, ...(JSON.parse(readFileSync(file, 'utf8')) as Partial<ServerState>) };
    return { ...state, users: state.users.filter(isRunning) };
  } catch {
    return nothing;
  }
}

export function writeState(root: string, state: ServerState): void {
  const file = join(root, 'server.json');
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(state)}\n`);
  renameSync(temporary, file);
}
