import { resolve } from 'node:path';
import { defineSeed, type SeedContext } from '../../src/database/seeding/define-seed';
import type { FileCounts } from './import-counts';
import { importExport } from './import-export';
import { SyntheaInputError } from './synthea.errors';

/** The list of rejected rows, in the folder where the command runs. */
const REJECTS_FILE = 'synthea.rejects.csv';

export default defineSeed({
  name: 'synthea',
  description: 'Patients of a Synthea CSV export (--from), in a demo clinic of their own',
  run: async (seed) => {
    if (!seed.options.from) {
      throw new SyntheaInputError('--from is missing: the csv folder of a Synthea export', 'Add it.');
    }
    const rejectsFile = resolve(REJECTS_FILE);
    report(seed, await importExport(seed, { from: resolve(seed.options.from), rejectsFile }), rejectsFile);
  },
});

function report(seed: SeedContext, counts: readonly FileCounts[], rejectsFile: string): void {
  for (const file of counts) seed.emit({ event: 'counts', ...file });
  for (const { file, rows, stored, merged, rejected, unchanged } of counts) {
    seed.log(
      `${file}: ${rows} rows = ${stored} stored (${unchanged} by a former run)` +
        ` + ${merged} merged + ${rejected} rejected`,
    );
  }
  const rejected = counts.reduce((sum, file) => sum + file.rejected, 0);
  seed.log(
    rejected === 0
      ? 'No row was rejected.'
      : `${rejected} rows were rejected; line, code and reason of each: ${rejectsFile}`,
  );
}
