import { createHash } from 'node:crypto';
import { type ExportFile, type ExportFolder, patientFileNames } from './export-files';
import type { ImportLedger } from './import-ledger';
import { readExportFile } from './read-export-file';
import { type Header, SourceRow } from './source-row';
import { SpillFile } from './spill-file';

/** Input of one part, in bytes: what is in memory at a time, give or take the overhead of strings. */
const PART_BYTES = 8 * 1024 * 1024;
/** From an export of 16 GB on the parts grow instead. */
const MAX_PARTS = 2_048;
/** Characters of the digest that stands for the patient's id in front of a line. */
const KEY = 32;

/** All rows of an export that name one patient: by file, in the order of the file. */
export type PatientRows = ReadonlyMap<ExportFile, readonly SourceRow[]>;

/**
 * An export sorted by patient. Its files interleave patients; one pass writes every row to one of many parts, chosen by
 * a hash of the patient's id, so that later only one part has to be in memory to gather a patient.
 */
export class PatientPartition {
  private readonly headers = new Map<ExportFile, Header>();
  private rows = 0;

  private constructor(private readonly spill: SpillFile) {}

  /**
   * Reads all files that name patients.
   * @param onBytes Told how many bytes were read since the last call.
   * @throws SyntheaInputError, before anything is stored.
   */
  static async of(
    folder: ExportFolder,
    ledger: ImportLedger,
    onBytes?: (bytes: number) => void,
  ): Promise<PatientPartition> {
    const bytes = patientFileNames.reduce((sum, file) => sum + (folder.bytes.get(file) ?? 0), 0);
    const parts = Math.min(MAX_PARTS, Math.ceil(bytes / PART_BYTES) || 1);
    const partition = new PatientPartition(await SpillFile.create(parts));
    try {
      for (const file of patientFileNames) {
        for await (const row of readExportFile(folder, file, ledger, onBytes)) await partition.add(row);
      }
      return partition;
    } catch (error) {
      await partition.close();
      throw error;
    }
  }

  /** Rows that wait to be taken out. */
  get size(): number {
    return this.rows;
  }

  /** Each patient once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<PatientRows> {
    for (let part = 0; part < this.spill.parts; part += 1) {
      const patients = new Map<string, string[]>();
      for await (const line of this.spill.read(part)) {
        const key = line.slice(0, KEY);
        const known = patients.get(key);
        if (known) known.push(line);
        else patients.set(key, [line]);
      }
      // Parsed a patient at a time: parsed rows take several times the room of their lines.
      for (const lines of patients.values()) yield this.parse(lines);
    }
  }

  /** Removes the temporary file. */
  close(): Promise<void> {
    return this.spill.close();
  }

  private async add(row: SourceRow): Promise<void> {
    this.headers.set(row.file, row.header);
    this.rows += 1;
    const patient = row.text(row.file === 'patients.csv' ? 'Id' : 'PATIENT') ?? '';
    const key = createHash('sha256').update(patient).digest('hex').slice(0, KEY);
    const part = Number.parseInt(key.slice(0, 8), 16) % this.spill.parts;
    // JSON escapes line breaks, so a row stays a line.
    await this.spill.write(part, key + JSON.stringify([patientFileNames.indexOf(row.file), row.line, ...row.fields]));
  }

  private parse(lines: readonly string[]): PatientRows {
    const rows = new Map<ExportFile, SourceRow[]>();
    for (const text of lines) {
      const [place, line, ...fields] = JSON.parse(text.slice(KEY)) as [number, number, ...string[]];
      const file = patientFileNames[place]!;
      const row = new SourceRow(file, line, this.headers.get(file)!, fields);
      const known = rows.get(file);
      if (known) known.push(row);
      else rows.set(file, [row]);
    }
    return rows;
  }
}
