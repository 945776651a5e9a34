import type { Client } from 'pg';
import { Sequelize, type ModelCtor } from 'sequelize-typescript';
import { describeEntity, type ColumnDescription } from '../../src/database/model/entity-description';
import { domainRepositories } from '../../src/domains';
import { createTestDatabase, type TestDatabase } from '../support/database';

interface TableColumn {
  readonly type: string;
  readonly nullable: boolean;
  readonly hasDefault: boolean;
  /** Text of the CHECK constraints on this column alone. */
  readonly checks: string;
}

const models = domainRepositories.map((repository) => repository.model as unknown as ModelCtor);

let db: TestDatabase;
let client: Client;

beforeAll(async () => {
  const sequelize = new Sequelize({ dialect: 'postgres', define: { underscored: true, paranoid: true } });
  sequelize.addModels(models);
  db = await createTestDatabase();
  client = await db.superClient();
});
afterAll(() => db?.drop());

async function readColumns(table: string): Promise<Map<string, TableColumn>> {
  const { rows } = await client.query<TableColumn & { name: string }>(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
            d.oid IS NOT NULL AS "hasDefault",
            coalesce((SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k
              WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]), '') AS checks
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped`,
    [table],
  );
  return new Map(rows.map(({ name, ...column }) => [name, column]));
}

const SQL_TYPES: Partial<Record<ColumnDescription['kind'], string>> = {
  uuid: 'uuid',
  text: 'text',
  enum: 'text',
  integer: 'integer',
  boolean: 'boolean',
  timestamp: 'timestamp(3) with time zone',
  date: 'date',
  json: 'jsonb',
};

function sqlType({ kind, sqlType }: ColumnDescription): string | undefined {
  return kind === 'decimal' ? sqlType.toLowerCase().replace('decimal', 'numeric') : SQL_TYPES[kind];
}

/** Greatest length that the checks of a text column let through; a hash or a number has its length in its pattern. */
function lengthOf(checks: string): number | undefined {
  const cap = /char_length\(\w+\) <= (\d+)/.exec(checks) ?? /\{(?:\d+,)?(\d+)\}\$/.exec(checks);
  return cap ? Number(cap[1]) : undefined;
}

function valuesOf(checks: string): string[] {
  return [...checks.matchAll(/'([A-Z0-9_]+)'::text/g)].map(([, value]) => value!).toSorted();
}

describe.each(models.map((model) => [model.name, model] as const))('The model %s', (_, model) => {
  it('has the columns of its table, with their types and nullability [001-03]', async () => {
    const { table, columns } = describeEntity(model);
    const inTable = await readColumns(table);
    expect(columns.map(({ field }) => field).toSorted()).toEqual([...inTable.keys()].toSorted());
    const compared = columns.map((column) => ({
      column: column.field,
      model: `${sqlType(column)} nullable=${column.nullable}`,
      table: `${inTable.get(column.field)!.type} nullable=${inTable.get(column.field)!.nullable}`,
    }));
    expect(compared.filter((column) => column.model !== column.table)).toEqual([]);
  });

  it('has the lengths and the values that the checks of its table allow [000-27] [001-14]', async () => {
    const { table, columns } = describeEntity(model);
    const inTable = await readColumns(table);
    const limited = columns.filter(({ kind }) => kind === 'text' || kind === 'enum');
    const ofModel = limited.map(({ field, maxLength, values }) => [field, maxLength ?? values?.toSorted()]);
    const ofTable = limited.map(({ field, kind }) => {
      const { checks } = inTable.get(field)!;
      return [field, kind === 'text' ? lengthOf(checks) : valuesOf(checks)];
    });
    expect(ofModel).toEqual(ofTable);
  });

  it('leaves out of its required input what the table fills in', async () => {
    const { table, columns } = describeEntity(model);
    const inTable = await readColumns(table);
    const optional = columns.filter(
      ({ makeDefault, filledByDatabase, field }) => field !== 'id' && (makeDefault || filledByDatabase),
    );
    expect(optional.filter(({ field, nullable }) => !nullable && !inTable.get(field)!.hasDefault)).toEqual([]);
    const required = columns.filter(
      (column) => !column.nullable && !optional.includes(column) && column.field !== 'id',
    );
    expect(required.filter(({ field }) => inTable.get(field)!.hasDefault)).toEqual([]);
  });

  it('lets the audit trail see every column but its PHI [000-29] [000-46] [003-39]', async () => {
    const { table, name, columns } = describeEntity(model);
    const { rows } = await client.query<{ tgname: string; tgargs: Buffer }>(
      `SELECT tgname, tgargs FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname LIKE 'audit%' ORDER BY tgname`,
      [table],
    );
    expect(rows.map(({ tgname }) => tgname)).toEqual(['audit_delete', 'audit_insert', 'audit_update']);
    const open = columns.filter(({ phi }) => !phi).map(({ field }) => field);
    for (const { tgargs } of rows) {
      const [entity, visible] = tgargs.toString('utf8').split('\0');
      expect(entity).toBe(name);
      expect(visible!.slice(1, -1).split(',').toSorted()).toEqual(open.toSorted());
    }
  });

  it('names whom its PHI is about', async () => {
    const { table, columns, byAttribute } = describeEntity(model);
    const subjects = new Set(columns.flatMap(({ phi }) => (phi ? [phi.subject ?? 'none'] : [])));
    const expected = !byAttribute.has('studentId') ? (table === 'students' ? ['id'] : []) : ['studentId'];
    expect([...subjects]).toEqual(expected);
    const { rows } = await client.query<{ tgargs: Buffer }>(
      `SELECT tgargs FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = 'audit_insert'`,
      [table],
    );
    const patient = rows[0]!.tgargs.toString('utf8').split('\0')[2];
    expect(patient).toBe(expected.map((attribute) => byAttribute.get(attribute)!.field).join(''));
  });
});

describe('The domain', () => {
  it('has one repository for each table of a clinic [001-17]', async () => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
         AND c.relforcerowsecurity ORDER BY 1`,
    );
    expect(models.map((model) => describeEntity(model).table).toSorted()).toEqual(rows.map(({ name }) => name));
  });
});
