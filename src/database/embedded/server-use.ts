import type { Binaries } from './binaries';
import { withFolderLock } from './folder-lock';
import { findPostmaster, signal, stopPostmaster } from './postmaster';
import { processIdentity } from './process-identity';
import type { ServerFolder } from './server-folder';
import { readState, writeState } from './server-state';
import { stopWithProcess } from './stop-with-process';

/**
 * This process's use of a server. It begins before the server is started, so that a Ctrl-C in between stops it too. The
 * last user stops the server, unless that runs in the background.
 */
export class ServerUse {
  private forget: (() => void) | undefined;

  constructor(
    private readonly folder: ServerFolder,
    private readonly binaries: Binaries,
  ) {}

  /** The caller holds the folder's lock. */
  begin(): void {
    const state = readState(this.folder.root);
    writeState(this.folder.root, { ...state, users: [...state.users, processIdentity()] });
    this.forget = stopWithProcess({ stop: () => this.end(), stopNow: () => this.endNow() });
  }

  /** Safe to repeat. */
  async end(): Promise<void> {
    if (!this.forget) return;
    this.forget();
    this.forget = undefined;
    await withFolderLock(this.folder.lock, async () => {
      if (this.leave()) await stopPostmaster(this.folder.data, this.binaries);
    });
  }

  /** While the process exits: nothing can be awaited, not even the lock. */
  private endNow(): void {
    const found = findPostmaster(this.folder.data);
    if (this.leave() && found) signal(found.pid, 'INT', this.binaries);
  }

  /** Takes this use off the list; true when nobody else needs the server. */
  private leave(): boolean {
    const state = readState(this.folder.root);
    const place = state.users.findIndex(({ pid }) => pid === process.pid);
    const users = state.users.filter((_user, index) => index !== place);
    writeState(this.folder.root, { ...state, users });
    return place >= 0 && users.length === 0 && !state.background;
  }
}
