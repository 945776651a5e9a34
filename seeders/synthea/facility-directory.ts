import type { ExportFolder } from './export-files';
import type { ImportLedger } from './import-ledger';
import { readExportFile } from './read-export-file';

/** Characters of facilityName and providerName. */
const MAX_NAME = 200;

/**
 * Names of organisations and providers by their id. They have no table: a visit, and what was recorded at it, carries
 * the names. Held in memory, some 200 bytes an entry; an export of 1 GB has about 100,000.
 */
export class FacilityDirectory {
  private readonly names = {
    'organizations.csv': new Map<string, string>(),
    'providers.csv': new Map<string, string>(),
  };

  /** Reads both files; each row ends as merged into the directory, or rejected. */
  static async read(
    folder: ExportFolder,
    ledger: ImportLedger,
    onBytes?: (bytes: number) => void,
  ): Promise<FacilityDirectory> {
    const directory = new FacilityDirectory();
    for (const file of ['organizations.csv', 'providers.csv'] as const) {
      for await (const row of readExportFile(folder, file, ledger, onBytes)) {
        const id = row.text('Id');
        const name = row.text('NAME');
        if (id && name && [...name].length <= MAX_NAME) {
          directory.names[file].set(id, name);
          await ledger.ended(row, { end: 'merged', into: 'names on visits and records' });
        } else {
          const reason = `Id or NAME is empty, or NAME is longer than ${MAX_NAME} characters`;
          await ledger.ended(row, { end: 'rejected', code: 'BAD_VALUE', reason });
        }
      }
    }
    return directory;
  }

  /** Name of an organisation; null when the export does not list it. */
  facility(id: string | null): string | null {
    return this.names['organizations.csv'].get(id ?? '') ?? null;
  }

  /** Name of a provider; null when the export does not list it. */
  provider(id: string | null): string | null {
    return this.names['providers.csv'].get(id ?? '') ?? null;
  }
}
