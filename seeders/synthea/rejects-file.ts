import { type FileHandle, open } from 'node:fs/promises';

/** A row that was not stored, and why. */
export interface Reject {
  readonly file: string;
  /** Line on which the row ends. */
  readonly line: number;
  /** Identity of the row, see hashOfRow. */
  readonly hash: string;
  readonly code: string;
  /** Names columns, never a value. */
  readonly reason: string;
}

const HEADER = 'file,line,row_sha256,code,reason\n';

/** The rejected rows as CSV. It says where a row stands, not what it says: no patient data leaves the export. */
export class RejectsFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /** Replaces the list of a former run. Only its owner may read it. */
  static async create(path: string): Promise<RejectsFile> {
    const handle = await open(path, 'w', 0o600);
    await handle.write(HEADER);
    return new RejectsFile(path, handle);
  }

  async add({ file, line, hash, code, reason }: Reject): Promise<void> {
    await this.handle.write(`${[file, line, hash, code, `"${reason.replaceAll('"', '""')}"`].join(',')}\n`);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
