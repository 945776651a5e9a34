import { readdirSync, rmSync } from 'node:fs';
import { SpillFile } from '../../../seeders/synthea/spill-file';
import { temporaryFolder } from '../../support/temporary-folder';

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function linesOf(spill: SpillFile, part: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of spill.read(part)) lines.push(line);
  return lines;
}

describe('SpillFile', () => {
  it('gives back the lines of each part in their order, however they were interleaved', async () => {
    const spill = await SpillFile.create(3, folder);
    const written: string[][] = [[], [], []];
    for (let i = 0; i < 20_000; i += 1) {
      const part = (i * 7) % 2;
      const line = `${i} Víctor ${'x'.repeat(i % 50)}`;
      written[part]!.push(line);
      await spill.write(part, line);
    }
    for (const part of [1, 0, 2]) expect(await linesOf(spill, part)).toEqual(written[part]);
    expect(await linesOf(spill, 1)).toEqual(written[1]);
    await spill.close();
  });

  it('has no name on disk while it is open, so that nothing is left of a process that is killed', async () => {
    const spill = await SpillFile.create(1, folder);
    await spill.write(0, 'x'.repeat(100_000));
    expect(readdirSync(folder)).toEqual([]);
    expect(await linesOf(spill, 0)).toEqual(['x'.repeat(100_000)]);
    await spill.close();
    expect(readdirSync(folder)).toEqual([]);
  });
});
