import { openExportFolder } from '../../seeders/synthea/export-files';
import { ImportLedger } from '../../seeders/synthea/import-ledger';
import { PatientPartition } from '../../seeders/synthea/patient-partition';

/** Sorts an export by patient and prints how many patients and rows came out. */
async function main(from: string, rejectsFile: string): Promise<void> {
  const ledger = await ImportLedger.open(rejectsFile);
  const partition = await PatientPartition.of(await openExportFolder(from), ledger);
  let patients = 0;
  let rows = 0;
  for await (const patient of partition) {
    patients += 1;
    for (const found of patient.values()) rows += found.length;
  }
  await partition.close();
  await ledger.rejects.close();
  process.stdout.write(`${JSON.stringify({ patients, rows })}\n`);
}

void main(process.argv[2]!, process.argv[3]!);
