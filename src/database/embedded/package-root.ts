import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Folder that holds this package's `migrations` and `seeders`.
 * The same file runs as `src/…` in the repository and as `dist/src/…` in the installed package, so it looks upwards.
 */
export function packageRoot(from: string = __dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'migrations'))) return folder;
    if (folder === dirname(folder)) throw new Error(`No package with migrations above ${from}`);
  }
}
