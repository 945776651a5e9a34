import { createWriteStream, rmSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startChild } from '../support/child';
import { writeSmallExport } from '../support/small-export';

const PATIENTS = 4_000;
const ROWS = 450_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phi-test-synthea-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Observations in the order of their time: each patient's rows lie all over the file. */
function* observations(): Generator<string> {
  yield 'DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE\n';
  for (let row = 0; row < ROWS; row += 1) {
    const patient = `00000000-0000-4000-8000-${String((row * 7) % PATIENTS).padStart(12, '0')}`;
    const encounter = '57f2562b-445c-f11c-ba40-edc55af3c84f';
    yield `2023-01-27T16:17:47Z,${patient},${encounter},laboratory,2339-0,Glucose,${row}.1,mg/dL,numeric\n`;
  }
}

describe('Memory of a Synthea import', () => {
  it('does not grow with the export: one of 60 MB is sorted by patient in a heap of 96 MB', async () => {
    await writeSmallExport(folder, {});
    await pipeline(Readable.from(observations()), createWriteStream(join(folder, 'observations.csv')));
    expect(statSync(join(folder, 'observations.csv')).size).toBeGreaterThan(60_000_000);

    // Two thirds of that heap hold the code; the rows alone, read at once, would need several times as much.
    const child = startChild('test/support/sort-export.child.ts', [folder, join(folder, 'rejects.csv')], {
      env: { NODE_OPTIONS: '--max-old-space-size=96' },
    });
    // The two of the plain export: patient p1 and encounter e1.
    expect(await child.ended()).toMatchObject({
      code: 0,
      stdout: `${JSON.stringify({ patients: PATIENTS + 1, rows: ROWS + 2 })}\n`,
    });
  }, 120_000);
});
