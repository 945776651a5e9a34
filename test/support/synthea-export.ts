import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A real Synthea export of 27 patients, which lies beside the repository and is not part of it. */
export const syntheaExport = resolve(__dirname, '../../../shared/data/synthea-27');

/**
 * A suite that reads the real export. Where there is none it is skipped and says so; in CI it fails, for there the
 * export always lies.
 */
export function describeWithExport(name: string, suite: () => void): void {
  const there = existsSync(join(syntheaExport, 'patients.csv'));
  if (there || process.env.CI) {
    describe(name, suite);
  } else {
    process.stderr.write(`SKIPPED: "${name}" needs the Synthea export in ${syntheaExport}\n`);
    describe.skip(name, suite);
  }
}

/** A row of a file, by column. */
export interface ExportRow {
  readonly hash: string;
  readonly [column: string]: string;
}

/**
 * Reads a file of the export without the importer's reader: these files have no quotes. The hash is the documented
 * identity of a row: SHA-256 over the JSON array of the file's name and its fields.
 */
export function readExportRows(file: string, folder = syntheaExport): ExportRow[] {
  const [header, ...lines] = readFileSync(join(folder, file), 'utf8').trimEnd().split('\n');
  const columns = header!.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    const hash = createHash('sha256')
      .update(JSON.stringify([file, ...fields]))
      .digest('hex');
    return { ...Object.fromEntries(columns.map((column, i) => [column, fields[i]!])), hash };
  });
}
