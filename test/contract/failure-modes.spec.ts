import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../support/typescript-program';

interface Tool {
  readonly modes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly document: string;
  claims(tests?: readonly { file: string; name: string; ids: readonly string[] }[]): Record<string, unknown[]>;
  render(): string;
}

const tool = jest.requireActual<Tool>('../tools/failure-modes.cjs');
const listed = Object.values(tool.modes).flatMap((entries) => Object.keys(entries));

describe('the table of failure modes', () => {
  it.each(listed)('has a test for %s', (id) => {
    expect(tool.claims()[id]?.length ?? 0).toBeGreaterThan(0);
  });

  it('knows every failure mode that a test names', () => {
    expect(Object.keys(tool.claims()).filter((id) => !listed.includes(id))).toEqual([]);
  });

  it('is what the names of the tests say: else run npm run docs:failure-modes', () => {
    expect(readFileSync(join(projectRoot, tool.document), 'utf8')).toBe(tool.render());
  });

  it('reads a test by its name, without its ids', () => {
    const id = listed[0]!;
    const tests = [{ file: 'test/a.spec.ts', name: `stays apart [${id}] [D01]`, ids: [id] }];
    expect(tool.claims(tests)[id]).toEqual([{ file: 'test/a.spec.ts', name: 'stays apart' }]);
  });
});
