import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Columns of a file; those that are not named are empty. */
export type Columns = Readonly<Record<string, string>>;

const HEADERS: Readonly<Record<string, string>> = {
  'patients.csv':
    'Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,' +
    'BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,ZIP',
  'encounters.csv':
    'Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION,REASONCODE,REASONDESCRIPTION',
  'conditions.csv': 'START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION',
  'medications.csv': 'START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,DISPENSES,REASONCODE,REASONDESCRIPTION',
  'observations.csv': 'DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE',
};

const DEFAULTS: Readonly<Record<string, Columns>> = {
  'patients.csv': { Id: 'p1', BIRTHDATE: '2010-04-02', FIRST: 'Ann1', LAST: 'Lee2', GENDER: 'F' },
  'encounters.csv': {
    Id: 'e1',
    PATIENT: 'p1',
    START: '2023-01-27T16:17:47Z',
    ENCOUNTERCLASS: 'wellness',
    CODE: '410620009',
  },
  'conditions.csv': {
    PATIENT: 'p1',
    ENCOUNTER: 'e1',
    START: '2023-01-27',
    CODE: '195662009',
    DESCRIPTION: 'Acute viral pharyngitis',
  },
  'medications.csv': {
    PATIENT: 'p1',
    ENCOUNTER: 'e1',
    START: '2023-01-27T16:17:47Z',
    CODE: '665078',
    DESCRIPTION: 'Loratadine 5 MG',
  },
  'observations.csv': {
    PATIENT: 'p1',
    ENCOUNTER: 'e1',
    DATE: '2023-01-27T16:17:47Z',
    CATEGORY: 'vital-signs',
    CODE: '8302-2',
    DESCRIPTION: 'Body Height',
    VALUE: '127.9',
    UNITS: 'cm',
    TYPE: 'numeric',
  },
};

/**
 * Writes an export into a folder.
 * @param files Rows by file: columns over those of one plain row, or a whole line. Patient p1 and encounter e1 are
 * added where the file is not given.
 */
export async function writeSmallExport(
  folder: string,
  files: Readonly<Record<string, readonly (Columns | string)[]>>,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const all = { 'patients.csv': [{}], 'encounters.csv': [{}], ...files };
  for (const [file, rows] of Object.entries(all)) {
    const columns = HEADERS[file]!.split(',');
    const lines = rows.map((row) => {
      if (typeof row === 'string') return row;
      const values: Columns = { ...DEFAULTS[file], ...row };
      return columns.map((column) => values[column] ?? '').join(',');
    });
    await writeFile(join(folder, file), `${[HEADERS[file], ...lines].join('\n')}\n`);
  }
  return folder;
}
