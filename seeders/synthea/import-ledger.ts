import { ImportCounts, type Outcome, type RowEnd } from './import-counts';
import { RejectsFile } from './rejects-file';
import type { SourceRow } from './source-row';

/** Where every row of an import is accounted for: counts in memory, rejected rows in their file. */
export class ImportLedger {
  readonly counts = new ImportCounts();

  private constructor(readonly rejects: RejectsFile) {}

  /** @param rejectsFile Path of the file of rejected rows; an existing one is replaced. */
  static async open(rejectsFile: string): Promise<ImportLedger> {
    return new ImportLedger(await RejectsFile.create(rejectsFile));
  }

  /** Notes how a row ended. */
  async ended(row: SourceRow, how: RowEnd): Promise<void> {
    this.counts.ended(row.file, how);
    if (how.end === 'rejected') {
      await this.rejects.add({ file: row.file, line: row.line, hash: row.hash, code: how.code, reason: how.reason });
    }
  }

  /** Notes the outcomes of one unit of work; call it when they are committed. */
  async settle(outcomes: Iterable<Outcome>): Promise<void> {
    for (const { row, ...how } of outcomes) await this.ended(row, how);
  }
}
