import { existsSync, readFileSync } from 'node:fs';

interface Titled {
  readonly name: string;
  readonly ids: readonly string[];
}

interface Tool {
  readonly defaultList: string;
  readList(text: string): Map<string, string>;
  readTitles(source: string): readonly Titled[];
  readTests(): readonly (Titled & { readonly file: string })[];
  report(list: Map<string, string>, tests: readonly Titled[]): { uncovered: string[]; unknown: string[] };
}

const tool = jest.requireActual<Tool>('../tools/requirements.cjs');
const id = (text: string): string => `[${text}]`;

describe('npm run requirements', () => {
  it('reads ids and their text from the list', () => {
    const list = tool.readList('## Part\n- [ ] 003-21 commit on return\n- [x] 000-01 PostgreSQL\n- D01 No CLS.\n- x\n');
    expect([...list]).toEqual([
      ['003-21', 'commit on return'],
      ['000-01', 'PostgreSQL'],
      ['D01', 'No CLS.'],
    ]);
  });

  it('finds ids in the names of tests, also of tables and in several brackets', () => {
    const source = [
      `it('rolls back ${id('D01')} ${id('003-21')}', () => {});`,
      `describe("it's a thing ${id('000-22')}", () => {});`,
      `it.each([1, 2])('takes %s ${id('001-08, D15')}', () => {});`,
      `it(\n  'stands on its own line ${id('004-06')}',\n);`,
      `it('carries none [1]', () => {});`,
    ].join('\n');
    expect(tool.readTitles(source).flatMap(({ ids }) => ids)).toEqual([
      'D01',
      '003-21',
      '000-22',
      '001-08',
      'D15',
      '004-06',
    ]);
  });

  it('says what no test carries and what the list does not have', () => {
    const { uncovered, unknown } = tool.report(
      new Map([
        ['000-01', 'a'],
        ['000-02', 'b'],
      ]),
      [{ name: 'x', ids: ['000-01', 'D99'] }],
    );
    expect({ uncovered, unknown }).toEqual({ uncovered: ['000-02'], unknown: ['D99'] });
  });

  const listed = existsSync(tool.defaultList);
  (listed ? it : it.skip)('knows every id that a test of this project carries', () => {
    const list = tool.readList(readFileSync(tool.defaultList, 'utf8'));
    const tests = tool.readTests().filter(({ file }) => !file.endsWith('requirements.spec.ts'));
    expect(tool.report(list, tests).unknown).toEqual([]);
  });
});
