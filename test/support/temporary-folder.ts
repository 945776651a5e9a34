import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder that every account may pass through, so that a server that runs as another user finds its data. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'phi-spec-'));
  chmodSync(folder, 0o711);
  return folder;
}
