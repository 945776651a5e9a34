import { createHash } from 'node:crypto';
import { type ExportFile, exportFiles } from './export-files';
import { RowRejection } from './row-rejection';
import { SyntheaInputError } from './synthea.errors';

/** Places of the columns of one file. */
export type Header = ReadonlyMap<string, number>;

/**
 * Reads the header of a file. Columns may stand in any order, and unknown ones are allowed.
 * @throws SyntheaInputError that names the columns that are missing.
 */
export function readHeader(file: ExportFile, names: readonly string[]): Header {
  const header = new Map(names.map((name, place) => [name, place]));
  const missing = exportFiles[file].filter((column) => !header.has(column));
  if (missing.length > 0) {
    throw new SyntheaInputError(
      `${file} lacks the column ${missing.join(', ')}`,
      'Export again with a current Synthea.',
    );
  }
  if (header.size < names.length) throw new SyntheaInputError(`${file} names a column twice`, 'Correct its header.');
  return header;
}

/**
 * Identity of a row: SHA-256 in hex over the JSON array of the file's name and all fields. JSON keeps apart what a
 * separator would join, and the name keeps apart equal rows of two files that go to one table.
 */
export function hashOfRow(file: ExportFile, fields: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([file, ...fields]))
    .digest('hex');
}

/** One row of an export. */
export class SourceRow {
  private known?: string;

  constructor(
    readonly file: ExportFile,
    /** Line on which the row ends, from 1. */
    readonly line: number,
    readonly header: Header,
    readonly fields: readonly string[],
  ) {}

  /** Identity of the row, see hashOfRow. */
  get hash(): string {
    return (this.known ??= hashOfRow(this.file, this.fields));
  }

  /** Text of a column exactly as it stands there; empty, or a column that this export lacks: null. */
  text(column: string): string | null {
    return this.fields[this.header.get(column) ?? -1] || null;
  }

  /** @throws RowRejection when the column is empty. */
  required(column: string): string {
    const text = this.text(column);
    if (text === null) throw new RowRejection('MISSING_VALUE', `${column} is empty`);
    return text;
  }
}
