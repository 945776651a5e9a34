import { join } from 'node:path';
import type { ExportFile, ExportFolder } from './export-files';
import type { ImportLedger } from './import-ledger';
import { readCsv } from './read-csv';
import { RowRejection } from './row-rejection';
import { type Header, readHeader, SourceRow } from './source-row';

/**
 * Reads one file of an export, row by row; a file that is not there has no rows. Counts each row, and rejects those
 * that do not have the columns of the header.
 * @throws SyntheaInputError
 */
export async function* readExportFile(
  folder: ExportFolder,
  file: ExportFile,
  ledger: ImportLedger,
  onBytes?: (bytes: number) => void,
): AsyncGenerator<SourceRow> {
  if (!folder.bytes.has(file)) return;
  let header: Header | undefined;
  for await (const { line, fields } of readCsv(join(folder.path, file), onBytes)) {
    if (!header) {
      header = readHeader(file, fields);
      continue;
    }
    const row = new SourceRow(file, line, header, fields);
    ledger.counts.read(file);
    const refusal = refusalOf(row);
    if (refusal) await ledger.ended(row, { end: 'rejected', code: refusal.code, reason: refusal.reason });
    else yield row;
  }
}

function refusalOf({ fields, header }: SourceRow): RowRejection | undefined {
  if (fields.length !== header.size) {
    return new RowRejection('WRONG_COLUMN_COUNT', `the row has ${fields.length} columns, the header ${header.size}`);
  }
  // PostgreSQL cannot store it, and a key that holds it could not be looked up.
  return fields.some((field) => field.includes('\0'))
    ? new RowRejection('BAD_VALUE', 'the row holds a NUL')
    : undefined;
}
