import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** A user without rights of its own, for children of root. */
export const NOBODY = { uid: 65_534, gid: 65_534 };

const project = join(__dirname, '..', '..');
const readProject = `require('node:fs').readdirSync(${JSON.stringify(project)})`;

/** True when this is root, and an ordinary user may enter the checkout: not so below a folder that is root's alone. */
export const mayBecomeOrdinary =
  process.getuid?.() === 0 && spawnSync(process.execPath, ['-e', readProject], { cwd: '/', ...NOBODY }).status === 0;
