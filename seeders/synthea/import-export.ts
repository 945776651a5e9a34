import { type IUnitOfWork, UNIT_OF_WORK, UniqueViolationError } from '../../src';
import type { SeedContext } from '../../src/database/seeding/define-seed';
import { type ExportFolder, openExportFolder } from './export-files';
import { FacilityDirectory } from './facility-directory';
import type { FileCounts } from './import-counts';
import { ImportLedger } from './import-ledger';
import { PatientImport } from './patient-import';
import { PatientPartition } from './patient-partition';
import { ensureSyntheaClinic, syntheaContext } from './synthea-clinic';

/** From where to import, and where to list what was not stored. */
export interface SyntheaImport {
  /** Folder with the CSV files. */
  readonly from: string;
  /** Path of the list of rejected rows; one of a former run is replaced. */
  readonly rejectsFile: string;
}

/**
 * Imports a Synthea CSV export into the demo clinic of this seed: each patient in one unit of work, in bounded memory.
 * A second run changes nothing; a run that was interrupted is completed by the next one.
 * @returns The account of each file; stored, merged and rejected rows add up to the rows read.
 * @throws SyntheaInputError before anything is stored.
 */
export async function importExport(seed: SeedContext, { from, rejectsFile }: SyntheaImport): Promise<FileCounts[]> {
  const folder = await openExportFolder(from);
  for (const file of folder.missing) seed.log(`${file} is not there; its rows count as none`);
  const ledger = await ImportLedger.open(rejectsFile);
  try {
    const { directory, partition } = await readExport(seed, folder, ledger);
    try {
      await storePatients(seed, partition, new PatientImport(seed, directory), ledger);
    } finally {
      await partition.close();
    }
    return ledger.counts.list();
  } finally {
    await ledger.rejects.close();
  }
}

async function readExport(
  seed: SeedContext,
  folder: ExportFolder,
  ledger: ImportLedger,
): Promise<{ directory: FacilityDirectory; partition: PatientPartition }> {
  const total = [...folder.bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const progress = seed.progress(total, 'Reading, bytes');
  try {
    const directory = await FacilityDirectory.read(folder, ledger, (bytes) => progress.advance(bytes));
    return { directory, partition: await PatientPartition.of(folder, ledger, (bytes) => progress.advance(bytes)) };
  } finally {
    progress.done();
  }
}

async function storePatients(
  seed: SeedContext,
  partition: PatientPartition,
  patients: PatientImport,
  ledger: ImportLedger,
): Promise<void> {
  const unitOfWork = seed.get<IUnitOfWork>(UNIT_OF_WORK);
  const ensure = () => unitOfWork.executeInTransaction(() => ensureSyntheaClinic(seed), syntheaContext());
  await ensure().catch((error: unknown) => {
    if (!(error instanceof UniqueViolationError)) throw error;
    // Another import stored them between our look and our insert.
    return ensure();
  });
  const progress = seed.progress(partition.size, 'Storing, rows');
  try {
    for await (const patient of partition) {
      const outcomes = await patients.import(patient);
      await ledger.settle(outcomes);
      progress.advance(outcomes.length);
    }
  } finally {
    progress.done();
  }
}
