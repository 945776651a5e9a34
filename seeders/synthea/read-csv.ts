import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream';
import { CsvError, type Info, parse } from 'csv-parse';
import { SyntheaInputError } from './synthea.errors';

/** One record of a CSV file. */
export interface CsvRecord {
  /** Line on which the record ends, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** A longer record is a quote that was never closed; without a limit it would be read into memory up to its end. */
const MAX_RECORD_BYTES = 1_000_000;

/**
 * Reads a CSV file (RFC 4180, with or without quotes) record by record, the header included. Records need not have the
 * same number of fields; whoever reads decides.
 * @param onBytes Told how many bytes were read since the last call.
 * @throws SyntheaInputError when the file cannot be read as CSV.
 */
export async function* readCsv(path: string, onBytes: (bytes: number) => void = () => {}): AsyncGenerator<CsvRecord> {
  const source = createReadStream(path);
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: MAX_RECORD_BYTES,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
  });
  source.on('data', (chunk) => onBytes(chunk.length));
  // A failure of either stream ends the loop below; the callback has nothing to add.
  pipeline(source, parser, () => {});
  try {
    for await (const { info, record } of parser as AsyncIterable<{ info: Info; record: string[] }>) {
      yield { line: info.lines, fields: record };
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    const near = error instanceof CsvError && typeof error.lines === 'number' ? ` near line ${error.lines}` : '';
    throw new SyntheaInputError(
      `${basename(path)} cannot be read${near}: ${code}`,
      'Correct or replace the file; nothing was stored.',
    );
  }
}
