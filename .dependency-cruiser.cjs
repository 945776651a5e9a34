'use strict';

/**
 * Who may import whom (docs/01-architecture.md). Inside src/database a layer imports itself and the layers before it.
 * Type imports count: a type leads the reader to the same file.
 */
const layers = [
  ['database\\.errors', 'transaction\\.errors', 'database\\.options', 'context', 'model'],
  ['connection'],
  ['transaction'],
  ['encryption'],
  ['audit', 'cache'],
  ['repository'],
  ['migration', 'seeding', 'backup', 'health', 'metrics', 'documents', 'embedded'],
  ['open-database', 'data-source\\.module', 'database\\.module'],
  ['testing'],
];

const pathOf = (names) => `^src/database/(${names.join('|')})(/|\\.ts$)`;

/** @param {string} name @param {string} comment @param {object} from @param {object} to */
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const layerRules = layers.slice(0, -1).map((names, index) =>
  forbid(
    `left-of-${names.at(-1).replace('\\', '')}`,
    `${names.join(', ').replaceAll('\\', '')} may not import a layer to its right`,
    { path: pathOf(names) },
    { path: pathOf(layers.slice(index + 1).flat()) },
  ),
);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    forbid(
      'database-has-layers-only',
      'every file of src/database belongs to a layer named above',
      { path: '^src/database/', pathNot: pathOf(layers.flat()) },
      {},
    ),
    forbid(
      'database-knows-nobody',
      'the library knows nothing of domains, application, seeds or entry points',
      { path: '^src/database/' },
      { path: '^(src/(?!database/)|seeders/|migrations/)' },
    ),
    forbid('index-is-the-library', 'the entry point exports the library only', { path: '^src/index\\.ts$' }, {
      path: '^(src/(?!database/)|seeders/|migrations/)',
    }),
    forbid(
      'domains-use-the-library',
      'domains import the library and other domains',
      { path: '^src/domains/' },
      { path: '^(src/(?!database/|domains/|index\\.ts$)|seeders/|migrations/)' },
    ),
    forbid(
      'nobody-imports-the-app',
      'only main.ts starts the application',
      { path: '^(src|seeders|migrations)/', pathNot: '^src/(app/|main\\.ts$)' },
      { path: '^src/(app/|main\\.ts$)' },
    ),
    forbid(
      'migrations-stay-frozen',
      'a migration imports the types of the runner and nothing else of the project',
      { path: '^migrations/' },
      { path: '^(src|seeders|test)/', pathNot: '^src/database/migration/' },
    ),
    forbid(
      'migrations-import-types-only',
      'what a migration takes from the runner is a type',
      { path: '^migrations/' },
      { path: '^src/', dependencyTypesNot: ['type-only'] },
    ),
    forbid('nobody-imports-tests', 'test code stays in test', { pathNot: '^test/' }, { path: '^test/' }),
    forbid('no-cycles', 'a cycle has no first file to read', {}, { circular: true }),
    forbid(
      'no-orphans',
      'a file that imports nothing and that nothing imports is dead',
      { orphan: true, pathNot: ['\\.d\\.ts$', '^migrations/', '^test/(types|benchmarks|tools)/', '\\.config\\.cjs$'] },
      {},
    ),
    forbid(
      'no-unresolved',
      'an import must resolve',
      { path: '^(src|seeders|migrations|test)/', pathNot: '^test/benchmarks/' },
      { couldNotResolve: true },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|test/benchmarks/node_modules)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['require', 'node', 'default', 'import', 'types'] },
  },
};
