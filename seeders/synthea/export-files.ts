import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SyntheaInputError } from './synthea.errors';

/**
 * The files of a Synthea CSV export that are imported, with the columns that the import reads. Other files (claims,
 * payers, devices, …) and other columns (costs, payers, coordinates) have no entity in this domain and are not read.
 */
export const exportFiles = {
  'organizations.csv': ['Id', 'NAME'],
  'providers.csv': ['Id', 'NAME'],
  'patients.csv': [
    'Id',
    'BIRTHDATE',
    'DEATHDATE',
    'SSN',
    'DRIVERS',
    'PASSPORT',
    'PREFIX',
    'FIRST',
    'LAST',
    'SUFFIX',
    'MAIDEN',
    'MARITAL',
    'RACE',
    'ETHNICITY',
    'GENDER',
    'BIRTHPLACE',
    'ADDRESS',
    'CITY',
    'STATE',
    'COUNTY',
    'ZIP',
  ],
  'encounters.csv': [
    'Id',
    'START',
    'STOP',
    'PATIENT',
    'ORGANIZATION',
    'PROVIDER',
    'ENCOUNTERCLASS',
    'CODE',
    'DESCRIPTION',
    'REASONCODE',
    'REASONDESCRIPTION',
  ],
  'conditions.csv': ['START', 'STOP', 'PATIENT', 'ENCOUNTER', 'CODE', 'DESCRIPTION'],
  'medications.csv': [
    'START',
    'STOP',
    'PATIENT',
    'ENCOUNTER',
    'CODE',
    'DESCRIPTION',
    'DISPENSES',
    'REASONCODE',
    'REASONDESCRIPTION',
  ],
  'immunizations.csv': ['DATE', 'PATIENT', 'ENCOUNTER', 'CODE', 'DESCRIPTION'],
  'allergies.csv': [
    'START',
    'STOP',
    'PATIENT',
    'ENCOUNTER',
    'CODE',
    'SYSTEM',
    'DESCRIPTION',
    'TYPE',
    'CATEGORY',
    'REACTION1',
    'DESCRIPTION1',
    'SEVERITY1',
    'REACTION2',
    'DESCRIPTION2',
    'SEVERITY2',
  ],
  'observations.csv': ['DATE', 'PATIENT', 'ENCOUNTER', 'CATEGORY', 'CODE', 'DESCRIPTION', 'VALUE', 'UNITS', 'TYPE'],
  'procedures.csv': ['START', 'STOP', 'PATIENT', 'ENCOUNTER', 'CODE', 'DESCRIPTION', 'REASONCODE', 'REASONDESCRIPTION'],
  'careplans.csv': [
    'Id',
    'START',
    'STOP',
    'PATIENT',
    'ENCOUNTER',
    'CODE',
    'DESCRIPTION',
    'REASONCODE',
    'REASONDESCRIPTION',
  ],
} as const;

/** Name of an imported file. */
export type ExportFile = keyof typeof exportFiles;

/** The imported files, in the order of the report. */
export const exportFileNames = Object.keys(exportFiles) as ExportFile[];

/** The files whose rows name a patient. */
export const patientFileNames: readonly ExportFile[] = exportFileNames.filter(
  (file) => file !== 'organizations.csv' && file !== 'providers.csv',
);

/** The files that a folder holds. */
export interface ExportFolder {
  readonly path: string;
  /** Size of each file that is there, in bytes. */
  readonly bytes: ReadonlyMap<ExportFile, number>;
  readonly missing: readonly ExportFile[];
}

/**
 * Looks what a folder holds. An export may lack a file; it cannot lack the patients.
 * @throws SyntheaInputError
 */
export async function openExportFolder(path: string): Promise<ExportFolder> {
  const bytes = new Map<ExportFile, number>();
  for (const file of exportFileNames) {
    const found = await stat(join(path, file)).catch(() => undefined);
    if (found?.isFile()) bytes.set(file, found.size);
  }
  if (!bytes.has('patients.csv')) {
    throw new SyntheaInputError(`${path} holds no patients.csv`, 'Point --from at the csv folder of a Synthea export.');
  }
  return { path, bytes, missing: exportFileNames.filter((file) => !bytes.has(file)) };
}
