import { type ExportFile, exportFileNames } from './export-files';
import type { SourceRow } from './source-row';
import { SyntheaCountError } from './synthea.errors';

/** How a row ended. */
export type RowEnd =
  | { readonly end: 'stored'; /** A former run had stored it. */ readonly unchanged: boolean }
  | { readonly end: 'merged'; /** Name of the row that it went into. */ readonly into: string }
  | { readonly end: 'rejected'; readonly code: string; readonly reason: string };

/** A row and how it ended. */
export type Outcome = RowEnd & { readonly row: SourceRow };

/** The account of one file: `rows = stored + merged + rejected`. */
export interface FileCounts {
  readonly file: ExportFile;
  readonly rows: number;
  readonly stored: number;
  readonly merged: number;
  readonly rejected: number;
  /** Of the stored: how many a former run had stored. */
  readonly unchanged: number;
  /** Of the merged: how many went into what. */
  readonly mergedInto: Readonly<Record<string, number>>;
  /** Of the rejected: how many for which code. */
  readonly rejectedFor: Readonly<Record<string, number>>;
}

type Account = { -readonly [K in keyof FileCounts]: FileCounts[K] } & {
  mergedInto: Record<string, number>;
  rejectedFor: Record<string, number>;
};

/** Counts every row once when it is read and once when it ends. */
export class ImportCounts {
  private readonly accounts = new Map<ExportFile, Account>(
    exportFileNames.map((file) => [
      file,
      { file, rows: 0, stored: 0, merged: 0, rejected: 0, unchanged: 0, mergedInto: {}, rejectedFor: {} },
    ]),
  );

  read(file: ExportFile): void {
    this.accounts.get(file)!.rows += 1;
  }

  ended(file: ExportFile, how: RowEnd): void {
    const account = this.accounts.get(file)!;
    account[how.end] += 1;
    if (how.end === 'stored' && how.unchanged) account.unchanged += 1;
    if (how.end === 'merged') increment(account.mergedInto, how.into);
    if (how.end === 'rejected') increment(account.rejectedFor, how.code);
  }

  /** @throws SyntheaCountError when a row has ended twice or not at all. */
  list(): FileCounts[] {
    const accounts = [...this.accounts.values()];
    const wrong = accounts.filter(({ rows, stored, merged, rejected }) => rows !== stored + merged + rejected);
    if (wrong.length > 0) {
      throw new SyntheaCountError(
        `Rows of ${wrong.map(({ file }) => file).join(', ')} are not accounted for`,
        'Report it with the version of Synthea; what was stored is complete for each patient.',
      );
    }
    return accounts;
  }
}

function increment(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
