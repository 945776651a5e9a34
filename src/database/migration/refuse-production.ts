import type { Client } from 'pg';
import { isMarkedProduction } from '../seeding/environment-marker';
import { migrationId, type MigrationFile } from './migration-files';
import { MigrationRefusedError } from './migration.errors';

const DROP = /\bDROP\s+(TABLE|COLUMN|SCHEMA)\s+(?:IF\s+EXISTS\s+)?([\w."]+)/gi;

/**
 * A rollback drops what its migrations made, rows and all; in production that is a decision of its own.
 * @throws MigrationRefusedError that names what would be dropped, when the database carries the production mark.
 */
export async function refuseProductionRollback(client: Client, files: readonly MigrationFile[]): Promise<void> {
  if (files.length === 0 || !(await isMarkedProduction(client))) return;
  const lines = files.map((file) => {
    const dropped = dropsOf(file);
    return `${migrationId(file)}${dropped.length > 0 ? `: drops ${dropped.join(', ')}` : ''}`;
  });
  throw new MigrationRefusedError(
    `This database is marked as production. The rollback would undo, with all data in it:\n  ${lines.join('\n  ')}`,
    'Check which database the command is pointed at. Take a backup, then add --yes-production to do it.',
  );
}

/** Read from the text, for the message only. */
function dropsOf({ kind, text }: MigrationFile): string[] {
  const start = text.search(kind === 'sql' ? /^--\s*migrate:down/m : /\bdown\b/);
  if (start < 0) return [];
  return [...text.slice(start).matchAll(DROP)].map(([, what = '', name = '']) => `${what.toLowerCase()} ${name}`);
}
