import type { Draft } from './draft';
import type { ExportFile } from './export-files';
import type { Outcome, RowEnd } from './import-counts';
import type { PatientRows } from './patient-partition';
import { RowRejection } from './row-rejection';
import type { SourceRow } from './source-row';
import type { StoredDraft } from './store-drafts';

/** What becomes of the rows of one patient. Equal rows count once: the copies go where the first one goes. */
export class PatientOutcomes {
  private readonly ends = new Map<SourceRow, RowEnd>();
  private readonly firsts = new Map<ExportFile, Map<string, SourceRow>>();

  constructor(private readonly source: PatientRows) {
    for (const [file, rows] of source) {
      const firsts = new Map<string, SourceRow>();
      for (const row of rows) if (!firsts.has(row.hash)) firsts.set(row.hash, row);
      this.firsts.set(file, firsts);
    }
  }

  /** The rows of one file, without copies. */
  rows(file: ExportFile): readonly SourceRow[] {
    return [...(this.firsts.get(file)?.values() ?? [])];
  }

  reject(row: SourceRow, { code, reason }: { readonly code: string; readonly reason: string }): void {
    this.ends.set(row, { end: 'rejected', code, reason });
  }

  /** Maps the rows of a file; those that cannot be mapped are rejected and left out. */
  map<T>(file: ExportFile, fn: (row: SourceRow) => T): T[] {
    return this.rows(file).flatMap((row) => {
      try {
        return [fn(row)];
      } catch (error) {
        if (!(error instanceof RowRejection)) throw error;
        this.reject(row, error);
        return [];
      }
    });
  }

  /** Notes how drafts ended. */
  settle(drafts: readonly Draft<unknown>[], stored: ReadonlyMap<string, StoredDraft>, entity: string): void {
    for (const { hash, rows } of drafts) {
      const end = stored.get(hash)!;
      for (const [i, row] of rows.entries()) {
        if ('refusal' in end) this.reject(row, { code: end.refusal.code, reason: end.refusal.message });
        else
          this.ends.set(row, i === 0 ? { end: 'stored', unchanged: end.unchanged } : { end: 'merged', into: entity });
      }
    }
  }

  /** Every row with its end; `otherwise` is the end of those that nothing was done with. */
  list(otherwise: RowRejection): Outcome[] {
    return [...this.source].flatMap(([file, rows]) =>
      rows.map((row): Outcome => {
        const first = this.firsts.get(file)!.get(row.hash)!;
        const end = this.ends.get(first) ?? { end: 'rejected', code: otherwise.code, reason: otherwise.reason };
        return end.end !== 'rejected' && row !== first ? { row, end: 'merged', into: 'an equal row' } : { row, ...end };
      }),
    );
  }
}
