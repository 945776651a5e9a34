'use strict';

const { createTransformer } = require('@swc/jest');

const swc = createTransformer({
  swcrc: false,
  jsc: { target: 'es2022', parser: { syntax: 'ecmascript' } },
  module: { type: 'commonjs' },
});

/**
 * The packages that carry PostgreSQL's binaries declare `const __dirname`, as an ES module must. Compiled to CommonJS
 * the name is taken already, so it is renamed before the compiler sees the file.
 */
module.exports = {
  process: (source, path, options) => swc.process(source.replaceAll('__dirname', 'packageFolder'), path, options),
  getCacheKey: (source, path, options) => `embedded-1-${swc.getCacheKey(source, path, options)}`,
};
