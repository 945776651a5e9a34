import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientConfig } from 'pg';
import { type MigrationEvent, Migrator, type MigratorOptions } from '../../src/database/migration/migrator';
import type { TestDatabase } from './database';

/** A folder of migrations that a spec writes itself. */
export class MigrationFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'phi-spec-migrations-'));

  /** Writes a file as it stands. */
  write(file: string, text: string): this {
    writeFileSync(join(this.path, file), text);
    return this;
  }

  /** Writes a SQL migration; without `down` it has no way back. */
  sql(name: string, up: string, down?: string): this {
    return this.write(
      `${name}.sql`,
      `-- migrate:up\n${up}\n${down === undefined ? '' : `\n-- migrate:down\n${down}\n`}`,
    );
  }

  /** Writes a migration in TypeScript; `body` is the object that is its default export. */
  code(name: string, body: string): this {
    return this.write(`${name}.ts`, `export default ${body};\n`);
  }

  delete(file: string): this {
    rmSync(join(this.path, file));
    return this;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** How the migrator connects to a spec's database. */
export function migratorOf({ host, port, name, env }: TestDatabase): ClientConfig {
  return { host, port, database: name, user: env.DB_MIGRATOR_USERNAME, password: env.DB_MIGRATOR_PASSWORD };
}

/** A runner over the folder in place of the package's, and over the application's if given; `events` collects what it tells. */
export function runnerFor(
  database: TestDatabase,
  [own, application]: readonly MigrationFolder[],
  options: Partial<MigratorOptions> = {},
): Migrator & { events: MigrationEvent[] } {
  const events: MigrationEvent[] = [];
  const migrator = new Migrator({
    connection: migratorOf(database),
    sources: { ...(own ? { package: own.path } : {}), ...(application ? { application: application.path } : {}) },
    onEvent: (event) => events.push(event),
    ...options,
  });
  return Object.assign(migrator, { events });
}
