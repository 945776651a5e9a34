import type { Client } from 'pg';
import { AllowNull, Column, DataType, Table } from 'sequelize-typescript';
import { BaseModel, type OrderBy, repositoryFor, type SortDirection, type Entity } from '../../src';
import type { SeededRandom } from './seeded-random';

const levels = ['LOW', 'MID', 'HIGH'] as const;

/** One column of every kind that can be sorted by, most of them nullable. */
@Table({ tableName: 'sort_cases' })
export class SortCase extends BaseModel<SortCase> {
  @Column(DataType.TEXT) declare name: string | null;
  @Column(DataType.TEXT) declare exact: string | null;
  @Column(DataType.TEXT) declare folded: string | null;
  @Column(DataType.DECIMAL(12, 4)) declare amount: string | null;
  @Column(DataType.DOUBLE) declare ratio: number | null;
  @Column(DataType.DATE) declare takenAt: Date | null;
  @Column(DataType.DATE) declare preciseAt: Date | null;
  @Column(DataType.DATEONLY) declare day: string | null;
  @Column(DataType.BOOLEAN) declare flag: boolean | null;
  @Column(DataType.ENUM(...levels)) declare level: (typeof levels)[number] | null;
  @Column(DataType.BIGINT) declare big: string | null;
  @Column(DataType.BLOB) declare bytes: Buffer | null;
  @Column(DataType.UUID) declare ref: string | null;
  @AllowNull(false) @Column(DataType.INTEGER) declare rank: number;
  @AllowNull(false) @Column(DataType.STRING(5)) declare label: string;
  @Column(DataType.JSONB) declare details: object | null;
}

export class SortCaseRepository extends repositoryFor(SortCase) {}

const TABLE = `
  CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  CREATE TABLE sort_cases (
    id uuid PRIMARY KEY,
    name text,
    exact text COLLATE "C",
    folded text COLLATE folding,
    amount numeric(12, 4),
    ratio double precision,
    taken_at timestamptz(3),
    precise_at timestamptz,
    day date,
    flag boolean,
    level text,
    big bigint,
    bytes bytea,
    ref uuid,
    rank integer NOT NULL,
    label varchar(5) NOT NULL,
    details jsonb,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3),
    created_by uuid,
    updated_by uuid
  );
  GRANT SELECT, INSERT, UPDATE, DELETE ON sort_cases TO phi_app;`;

/** Values that are close to each other, as PostgreSQL reads them; few, so that many rows are equal. */
const VALUES: Readonly<Record<string, readonly (string | null)[]>> = {
  name: [null, null, '', 'a', 'A', 'ä', 'z', 'Zoë', '%', '"\\'],
  exact: [null, null, 'a', 'B', 'ä', 'z', ' '],
  folded: [null, 'ada', 'ADA', 'Ada', 'bob', 'Bob'],
  amount: [null, null, '0', '0.1', '0.1000', '-0.0001', '99999999.9999', 'NaN'],
  ratio: [null, '0', '-0', '0.1', '0.30000000000000004', '0.3', '1e-300', 'Infinity', '-Infinity', 'NaN'],
  taken_at: [null, null, '2026-01-01 00:00:00.001Z', '2026-01-01 00:00:00.002Z', '1969-12-31 23:59:59.999Z'],
  // Nearer to each other than JavaScript can tell.
  precise_at: [null, '2026-01-01 00:00:00.001001Z', '2026-01-01 00:00:00.001002Z', '2026-01-01 00:00:00.001999Z'],
  day: [null, '2024-02-29', '2024-03-01', '1900-01-01'],
  flag: [null, 'true', 'false'],
  level: [null, ...levels],
  big: [null, '9007199254740993', '9007199254740992', '-1'],
  bytes: [null, '\\x', '\\x00ff', '\\x00'],
  ref: [null, '0190f000-0000-7000-8000-000000000001', '0190f000-0000-7000-8000-000000000002'],
  rank: ['1', '2', '3'],
  label: ['', 'a', 'b', 'B'],
};

const attributeOf = (field: string): string => field.replace(/_at$/, 'At');

/** Makes the table, with `count` rows of random values. */
export async function plantSortCases(client: Client, random: SeededRandom, count: number): Promise<void> {
  await client.query(TABLE);
  const fields = Object.keys(VALUES);
  const places = fields.map((_, at) => `$${at + 1}`).join(', ');
  for (let row = 0; row < count; row += 1) {
    await client.query(
      `INSERT INTO sort_cases (id, ${fields.join(', ')}) VALUES (gen_random_uuid(), ${places})`,
      fields.map((field) => random.pick(VALUES[field]!)),
    );
  }
}

/** A random order of up to four keys, and the same in SQL with the id as its last key. */
export function randomOrder(random: SeededRandom): { orderBy: OrderBy<Entity<SortCase>>[]; sql: string } {
  const fields = Object.keys(VALUES);
  const keys: (readonly [string, SortDirection])[] = [];
  for (let left = 1 + random.below(4); left > 0; left -= 1) {
    const field = random.below(12) === 0 ? 'id' : fields.splice(random.below(fields.length), 1)[0]!;
    keys.push([field, random.pick(['ASC', 'DESC'])]);
    if (field === 'id') break;
  }
  const all = keys.at(-1)![0] === 'id' ? keys : [...keys, ['id', keys.at(-1)![1]] as const];
  return {
    orderBy: keys.map(([field, direction]) => ({ [attributeOf(field)]: direction })),
    sql: all.map((key) => key.join(' ')).join(', '),
  };
}
