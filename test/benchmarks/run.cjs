'use strict';

require('reflect-metadata');
require('@swc-node/register');
require('./main.ts');
