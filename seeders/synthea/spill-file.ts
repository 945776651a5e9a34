import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Text of one part that is kept before it is written, in characters. */
const PENDING = 16_384;

/**
 * Lines on disk, sorted into parts: written in any order, read part by part. It is one temporary file in which each
 * part has its stretches. The file is removed from its folder as soon as it is open, so patient data does not stay
 * behind, not even when the process is killed.
 */
export class SpillFile {
  private readonly pending: string[];
  private readonly stretches: { readonly start: number; readonly bytes: number }[][];
  private end = 0;

  private constructor(
    private readonly folder: string,
    private readonly file: FileHandle,
    readonly parts: number,
  ) {
    this.pending = Array.from({ length: parts }, () => '');
    this.stretches = Array.from({ length: parts }, () => []);
  }

  /** @param folder Where the file is made; default the system's temporary folder. */
  static async create(parts: number, folder = tmpdir()): Promise<SpillFile> {
    const own = await mkdtemp(join(folder, 'phi-synthea-'));
    const file = await open(join(own, 'rows'), 'wx+', 0o600);
    // Where an open file cannot be removed (Windows), close() does it.
    await rm(own, { recursive: true, force: true }).catch(() => {});
    return new SpillFile(own, file, parts);
  }

  /** @param line Without a line break. */
  async write(part: number, line: string): Promise<void> {
    this.pending[part] += `${line}\n`;
    if (this.pending[part]!.length >= PENDING) await this.flush(part);
  }

  /** The lines of one part, in the order in which they were written. */
  async *read(part: number): AsyncGenerator<string> {
    await this.flush(part);
    for (const { start, bytes } of this.stretches[part]!) {
      const buffer = Buffer.allocUnsafe(bytes);
      for (let done = 0; done < bytes;) {
        const { bytesRead } = await this.file.read(buffer, done, bytes - done, start + done);
        if (bytesRead === 0) throw new Error('The temporary file is shorter than what was written to it');
        done += bytesRead;
      }
      // A stretch ends with a line, so none is cut in two.
      yield* buffer.toString('utf8').slice(0, -1).split('\n');
    }
  }

  async close(): Promise<void> {
    await this.file.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async flush(part: number): Promise<void> {
    const buffer = Buffer.from(this.pending[part]!, 'utf8');
    if (buffer.length === 0) return;
    this.pending[part] = '';
    for (let done = 0; done < buffer.length;) {
      done += (await this.file.write(buffer, done, buffer.length - done, this.end + done)).bytesWritten;
    }
    this.stretches[part]!.push({ start: this.end, bytes: buffer.length });
    this.end += buffer.length;
  }
}
