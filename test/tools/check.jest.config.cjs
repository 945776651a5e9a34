'use strict';

const config = require('../../jest.config.cjs');

/** The tests of `npm run check`: what needs the compiler and the text of the project, and no server. */
module.exports = {
  ...config,
  globalSetup: undefined,
  globalTeardown: undefined,
  testMatch: ['exports', 'documentation', 'environment', 'requirements', 'failure-modes'].map(
    (name) => `<rootDir>/test/contract/${name}.spec.ts`,
  ),
};
