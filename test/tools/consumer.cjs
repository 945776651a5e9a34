'use strict';

/**
 * npm run test:consumer: packs the package, installs it into an empty project of NestJS 12 and of NestJS 11, compiles
 * the README's module example and the files of the folder consumer strictly, runs them against a PostgreSQL outside, and
 * runs the project's own test under node:test. Needs the registry. The server is the one that DB_HOST, DB_PORT, PGUSER and PGPASSWORD (an administrator) name, else a throw-away PostgreSQL 15 or newer
 * found under /usr/lib/postgresql.
 */
const { execFileSync, spawnSync } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const fs = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { startServer } = require('./throwaway-server.cjs');

const root = join(__dirname, '..', '..');
/** Sources of the projects. No .ts files: to the checks of this repository the package has another name. */
const sources = join(__dirname, 'consumer');
const projects = [
  { nest: '12', typescript: '6', nestPackages: '^12.0.0' },
  { nest: '11', typescript: '5.9', nestPackages: '^11.0.0' },
];

/** Runs a command and shows its output only when it fails. */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (result.status !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed (${result.status})\n${result.stdout}\n${result.stderr}`);
  }
  return result.stdout;
}

/** The README's block that makes the module. */
function moduleExample() {
  const blocks = [...fs.readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  const found = blocks.find(([, code]) => code.includes('DatabaseModule.forRoot()'));
  if (!found) throw new Error('README.md has no ```ts block with DatabaseModule.forRoot()');
  return found[1];
}

function writeProject(folder, { nest, typescript, nestPackages }, tarball) {
  const write = (file, text) => fs.writeFileSync(join(folder, file), text);
  fs.mkdirSync(join(folder, 'src'), { recursive: true });
  write(
    'package.json',
    JSON.stringify({
      name: `consumer-nest-${nest}`,
      private: true,
      dependencies: {
        '@nestjs/common': nestPackages,
        '@nestjs/core': nestPackages,
        '@nestjs/sequelize': nestPackages,
        'nestjs-phi-database': `file:${tarball}`,
        'reflect-metadata': '^0.2.2',
        rxjs: '^7.8.0',
        sequelize: '^6.37.8',
        'sequelize-typescript': '^2.1.6',
      },
      devDependencies: { '@types/node': '^20.19.0', typescript: `~${typescript}` },
    }),
  );
  write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        moduleResolution: 'nodenext',
        target: 'ES2022',
        strict: true,
        isolatedModules: true,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        skipLibCheck: false,
        types: ['node'],
        rootDir: 'src',
        outDir: 'dist',
      },
      include: ['src'],
    }),
  );
  write('src/app.module.ts', moduleExample());
  for (const file of fs.readdirSync(sources)) {
    fs.cpSync(join(sources, file), join(folder, 'src', file.replace(/\.txt$/, '')));
  }
}

function check(project, tarball, work, server) {
  const folder = join(work, `nest-${project.nest}`);
  const [database, reporting] = [`consumer_${project.nest}`, `reporting_${project.nest}`];
  const env = {
    ...process.env,
    ...server.env,
    DB_NAME: database,
    DB_CURSOR_KEY: randomBytes(32).toString('base64'),
    REPORTING_DB_NAME: reporting,
    NODE_ENV: 'production',
  };
  const show = (text) => console.log(`  ${text}`);
  console.log(`NestJS ${project.nest}, PostgreSQL ${server.version}`);

  fs.mkdirSync(folder);
  writeProject(folder, project, tarball);
  run('npm', ['install', '--no-audit', '--no-fund', '--include=dev'], { cwd: folder });
  const modules = join(folder, 'node_modules');
  const installed = (name) => JSON.parse(fs.readFileSync(join(modules, name, 'package.json'), 'utf8')).version;
  show(`installed @nestjs/common ${installed('@nestjs/common')}, typescript ${installed('typescript')}`);

  const copies = fs
    .readdirSync(modules, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(^|\/)@nestjs\/common\/package\.json$/.test(file));
  if (copies.length !== 1) throw new Error(`more than one @nestjs/common: ${copies.join(', ')}`);

  run('npx', ['tsc', '-p', '.'], { cwd: folder });
  show('compiles strictly');

  const migrations = join(modules, 'nestjs-phi-database', 'migrations');
  const lastLine = (text) => text.trim().split('\n').at(-1);
  for (const name of [database, reporting]) {
    server.createDatabase(name, join(migrations, 'bootstrap', 'roles-and-extensions.sql'));
    const migrated = run('npx', ['phi-db', 'migrate'], { cwd: folder, env: { ...env, DB_NAME: name } });
    show(`${name}: bootstrap run by the administrator; ${lastLine(migrated)}`);
  }
  show(lastLine(run('node', ['dist/main.js'], { cwd: folder, env })));
  run('node', ['--test', 'dist/rollback.test.js'], { cwd: folder, env });
  show('its own test passes under node:test, by nestjs-phi-database/testing');
}

function main() {
  const work = fs.mkdtempSync(join(tmpdir(), 'consumer-'));
  let server;
  try {
    const [{ filename }] = JSON.parse(
      execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', work], {
        cwd: root,
        encoding: 'utf8',
      }).replace(/^[^[]*/, ''),
    );
    console.log(`packed ${filename}`);
    server = startServer();
    for (const project of projects) check(project, join(work, filename), work, server);
    console.log('Both projects compile and run.');
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  } finally {
    server?.stop();
    if (fs.existsSync(work)) fs.rmSync(work, { recursive: true, force: true });
  }
}

main();
