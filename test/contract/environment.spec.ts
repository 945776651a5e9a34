import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentSchema } from '../../src/database/database.options';

const root = join(__dirname, '..', '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Names and values of `.env.example`, the ones behind `#` included. */
const example = new Map(
  [...read('.env.example').matchAll(/^#?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name, value]) => [name!, value!]),
);

describe('.env.example', () => {
  const known = Object.keys(environmentSchema.shape);

  it('lists every variable of the library [000-17] [004-17]', () => {
    expect([...example.keys()]).toEqual(expect.arrayContaining(known));
  });

  it('lists none that the library would refuse as unknown', () => {
    const ofTheLibrary = [...example.keys()].filter((name) => /^(DB|AUDIT)_/.test(name));
    expect(ofTheLibrary.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('shows the defaults that the library has [000-10] [004-03]', () => {
    const shown = Object.fromEntries([...example].filter(([name, value]) => value !== '' && known.includes(name)));
    const defaults = environmentSchema.parse({});
    const differing = Object.entries(environmentSchema.parse(shown)).filter(
      ([name, value]) => name in defaults && name in shown && defaults[name as keyof typeof defaults] !== value,
    );
    expect(differing).toEqual([]);
  });

  it('holds no secret', () => {
    const secrets = [...example].filter(([name]) => /PASSWORD|SECRET|KEY/.test(name));
    expect(secrets.filter(([, value]) => value !== '')).toEqual([]);
  });
});

describe('docker-compose.yml', () => {
  const compose = read('docker-compose.yml');

  it('takes every secret from a variable that .env.example names, without a default [004-17]', () => {
    const secrets = [...compose.matchAll(/\$\{(\w*PASSWORD)([^}]*)\}/g)];
    expect(secrets.map(([, name]) => name)).toEqual(expect.arrayContaining(['DB_PASSWORD', 'POSTGRES_PASSWORD']));
    for (const [, name, rest] of secrets) {
      expect(example.has(name!)).toBe(true);
      expect(rest).toMatch(/^:\?/);
    }
  });

  it('publishes ports on the loopback address only [004-18]', () => {
    const ports = [...compose.matchAll(/ports:\n((?:\s+- .*\n)+)/g)].map(([, lines]) => lines!.trim());
    expect(ports.length).toBe(3);
    for (const port of ports) expect(port).toMatch(/^- 127\.0\.0\.1:\S+$/);
  });

  it('gives PostgreSQL the settings asked for [000-04] [000-05] [004-21]', () => {
    for (const setting of [
      'max_connections=100',
      'shared_buffers=256MB',
      'effective_cache_size=1GB',
      'work_mem=4MB',
      'maintenance_work_mem=64MB',
      'timezone=UTC',
      'shared_preload_libraries=pg_stat_statements',
      '--encoding=UTF8 --locale=en_US.UTF-8',
    ]) {
      expect(compose).toContain(setting);
    }
  });

  it('has a health check and a volume for each store [002-26]', () => {
    expect(compose.match(/healthcheck:/g)).toHaveLength(3);
    expect(compose.match(/^ {2}\w+-data:$/gm)).toHaveLength(3);
  });
});
