'use strict';

/**
 * npm run requirements [-- --json] [--from FILE]
 * Which requirement ids the names of the tests carry, by which tests, and which ids none carries yet. The list of ids
 * lies beside the checkout (../shared/design/requirements.md); without it only the ids that tests carry are known.
 */
const { existsSync, readFileSync, readdirSync } = require('node:fs');
const { join, relative } = require('node:path');

const root = join(__dirname, '..', '..');
const defaultList = join(root, '..', 'shared', 'design', 'requirements.md');

/** `[003-21]`, `[D01]`, and several in one bracket: `[D01, 003-21]`. */
const bracket = /\[((?:\d{3}-\d{2}|D\d{2})(?:[\s,]+(?:\d{3}-\d{2}|D\d{2}))*)\]/g;
const title = /\b(it|test|describe)(?:\.\w+)*\s*(?:\([^()'"`]*\)\s*)?\(\s*(['"`])((?:\\.|(?!\2)[\s\S])*)\2/g;

/**
 * @param {string} text The list, one `- [ ] 003-21 text` or `- D01 text` a line.
 * @returns {Map<string, string>} Ids and their text.
 */
function readList(text) {
  return new Map(
    [...text.matchAll(/^- (?:\[.\] )?(\d{3}-\d{2}|D\d{2}) (.+)$/gm)].map(([, id, rest]) => [id, rest.trim()]),
  );
}

/**
 * @param {string} source Text of a test file.
 * @param {RegExp} pattern What an id in brackets looks like.
 * @returns {{ name: string, group: string, ids: string[] }[]} The titles that carry ids, and the nearest `describe`
 * before each. A title of an `each` counts once.
 */
function readTitles(source, pattern = bracket) {
  let group = '';
  return [...source.matchAll(title)]
    .map(([, kind, , name]) => {
      const before = group;
      if (kind === 'describe') group = name;
      const ids = [...name.matchAll(pattern)].flatMap(([, found]) => found.split(/[\s,]+/));
      return { name, group: kind === 'describe' ? '' : before, ids };
    })
    .filter(({ ids }) => ids.length > 0);
}

/** @returns {{ file: string, name: string, ids: string[] }[]} */
function readTests(pattern = bracket, folder = join(root, 'test')) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.spec.ts') && !file.includes('node_modules'))
    .toSorted()
    .flatMap((file) => {
      const path = join(folder, file);
      return readTitles(readFileSync(path, 'utf8'), pattern).map((test) => ({ file: relative(root, path), ...test }));
    });
}

/**
 * @param {Map<string, string>} list
 * @param {{ file: string, name: string, ids: string[] }[]} tests
 */
function report(list, tests) {
  const covered = {};
  for (const { file, name, ids } of tests) {
    for (const id of ids) (covered[id] ??= []).push({ file, name });
  }
  const known = [...list.keys()];
  return {
    listed: known.length,
    covered: Object.fromEntries(Object.entries(covered).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    uncovered: known.filter((id) => !(id in covered)),
    unknown: known.length === 0 ? [] : Object.keys(covered).filter((id) => !list.has(id)),
  };
}

function main(args) {
  const file = args.includes('--from') ? args[args.indexOf('--from') + 1] : defaultList;
  const list = existsSync(file) ? readList(readFileSync(file, 'utf8')) : new Map();
  const result = report(list, readTests());
  const line = (id) => `${id}  ${list.get(id) ?? ''}`.slice(0, 118);
  if (args.includes('--json')) {
    console.log(JSON.stringify(result, null, 2));
    return;
  }
  for (const [id, tests] of Object.entries(result.covered)) {
    console.log(line(id));
    for (const test of tests) console.log(`        ${test.file}: ${test.name}`);
  }
  if (list.size === 0) {
    console.log(`\nThe list (${relative(root, file)}) is not here, so what no test carries is not known.`);
    console.log(`${Object.keys(result.covered).length} ids are carried by tests.`);
    return;
  }
  console.log('\nNo test carries:');
  for (const id of result.uncovered) console.log(line(id));
  console.log(`\n${result.listed - result.uncovered.length} of ${result.listed} ids are carried by tests.`);
  if (result.unknown.length > 0) {
    console.error(`Tests carry ids that the list does not have: ${result.unknown.join(', ')}`);
    process.exitCode = 1;
  }
}

module.exports = { readList, readTitles, readTests, report, defaultList };

if (require.main === module) main(process.argv.slice(2));
