import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { complaints, createProgram, projectRoot } from '../support/typescript-program';

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(projectRoot, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

/** Each ```ts block is a file of its own, beside the sources so that packages resolve. */
const blocks = documents.flatMap((document) => {
  const text = readFileSync(join(projectRoot, document), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => {
    const line = text.slice(0, match.index).split('\n').length;
    return {
      place: `${document}:${line}`,
      file: join(projectRoot, 'test', 'documentation', `${document.replaceAll(/\W/g, '-')}-${line}.ts`),
      code: match[1]!,
    };
  });
});

describe('the documents', () => {
  const program = createProgram(new Map(blocks.map(({ file, code }) => [file, code])));

  it('show code in the README', () => {
    expect(blocks.filter(({ place }) => place.startsWith('README.md')).length).toBeGreaterThan(0);
  });

  it.each(blocks)('compile: $place [003-48]', ({ file }) => {
    expect(complaints(program, file)).toEqual([]);
  });

  it.each(documents)('link to files that exist: %s', (document) => {
    const text = readFileSync(join(projectRoot, document), 'utf8');
    const targets = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target]) => target!);
    const missing = targets.filter((target) => !existsSync(join(projectRoot, document, '..', target)));
    expect(missing).toEqual([]);
  });
});
