'use strict';

/** Nest 12 ships ES modules only; Jest's CommonJS registry needs them, and what they import, transformed. */
const esmPackages = [
  '@nestjs',
  '@borewit',
  '@faker-js',
  '@standard-schema',
  '@tokenizer',
  'csv-parse',
  'file-type',
  'formidable',
  'jose',
  'libphonenumber-js',
  'strtok3',
  'token-types',
  'uint8array-extras',
  'uuid',
  'zod',
];

/** @type {import('jest').Config} */
module.exports = {
  rootDir: __dirname,
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/dist/', '<rootDir>/test/benchmarks/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.tmp/', '<rootDir>/.data/'],
  setupFiles: ['reflect-metadata'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  transform: {
    '^.+\\.[cm]?[jt]s$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(?:${esmPackages.join('|')})/)`],
  maxWorkers: 2,
  testTimeout: 60_000,
};
