import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import type { Model, ModelStatic } from 'sequelize';
import { runWithContext } from '../../src';
import { type ColumnDescription, describeEntity } from '../../src/database/model/entity-description';
import { domainRepositories } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { ENTITY_CASES, type EntityCase, plantEveryEntity, type Planted } from '../support/every-entity';

let app: DatabaseApp;
let clinics: TwoClinics;
let planted: Planted;
let superuser: Client;

beforeAll(async () => {
  app = await startDatabaseApp([...domainRepositories]);
  clinics = await plantClinics(app);
  planted = await plantEveryEntity(app, clinics.a, 'a');
  superuser = await app.db.superClient();
});
afterAll(() => app?.close());

/** Text that is nowhere else. Short: some columns hold ten characters. */
const CANARY = 'qzCanary';
const CANARY_DATE = '1987-06-05';

/** What goes with a value, so that the schema takes it. */
const COMPANIONS: Record<string, object> = {
  Appointment: { status: 'CANCELLED' },
  HealthRecord: { codeSystem: 'SNOMED' },
  Allergy: { codeSystem: 'SNOMED' },
  ChronicCondition: { codeSystem: 'SNOMED' },
  TreatmentPlan: { codeSystem: 'SNOMED' },
};

let number = 10;

function canaryFor({ attribute, kind, maxLength = 20, values }: ColumnDescription): unknown {
  number += 1;
  switch (kind) {
    case 'text':
      return attribute === 'email' ? `${CANARY}@example.org` : `${CANARY}${number}`.slice(0, maxLength);
    case 'enum':
      return values![0];
    case 'integer':
      return 7;
    case 'decimal':
      return attribute === 'painScore' ? '7.3' : '37.3';
    case 'date':
      return CANARY_DATE;
    case 'json':
      return [{ code: CANARY, description: CANARY, severity: null }];
    default:
      throw new Error(`No canary for a column of kind ${kind}`);
  }
}

const modelOf = ({ repository }: EntityCase): ModelStatic<Model> =>
  (repository as unknown as { model: ModelStatic<Model> }).model;

const phiColumns = (one: EntityCase): ColumnDescription[] =>
  describeEntity(modelOf(one)).columns.filter(({ phi }) => phi);

const withCanaries = (one: EntityCase): object => ({
  ...one.input(planted, `phi-${(number += 1)}`),
  ...COMPANIONS[one.entity],
  ...Object.fromEntries(phiColumns(one).map((column) => [column.attribute, canaryFor(column)])),
});

const toRow = (one: EntityCase, values: object): Record<string, unknown> => {
  const { byAttribute } = describeEntity(modelOf(one));
  return Object.fromEntries(
    Object.entries(values).map(([attribute, value]) => [
      byAttribute.get(attribute)!.field,
      byAttribute.get(attribute)!.kind === 'json' ? JSON.stringify(value) : value,
    ]),
  );
};

const patientEntities = ENTITY_CASES.filter(
  (one) => !['District', 'School', 'User', 'Medication'].includes(one.entity),
);

describe.each(patientEntities)('The trail of $entity', (one) => {
  it('tells which protected columns changed, and no value of any, by whatever path [003-39] [000-29]', async () => {
    const repo = app.get(one.repository);
    const model = modelOf(one);
    const columns = phiColumns(one);
    expect(columns.length).toBeGreaterThan(0);
    const id = randomUUID();
    await runWithContext(clinics.a, async () => {
      const created = await repo.create(withCanaries(one));
      await repo.bulkCreate([withCanaries(one), withCanaries(one)]);
      await repo.update(created.id, Object.fromEntries(columns.map((column) => [column.attribute, canaryFor(column)])));
      await repo.delete(created.id);
      await repo.restore(created.id);
      await model.create({ ...withCanaries(one), id } as never);
      await model.update({ [columns[0]!.attribute]: canaryFor(columns[0]!) }, { where: { id } as never });
      const row = toRow(one, { ...withCanaries(one), id: randomUUID() });
      const names = Object.keys(row);
      await app.database.none(
        `INSERT INTO ${one.table} (${names.join(', ')}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
        Object.values(row),
      );
      await app.database.none(`DELETE FROM ${one.table} WHERE id = $1`, [id]);
    });

    const { rows: events } = await superuser.query('SELECT * FROM audit.event WHERE entity = $1 ORDER BY seq', [
      one.entity,
    ]);
    // Planted, 4 creates, 2 updates, delete, restore, model's create, raw insert, hard delete.
    expect(events.length).toBeGreaterThanOrEqual(10);
    const fields = columns.map(({ field }) => field);
    for (const { before, after } of events) {
      expect(Object.keys({ ...before, ...after }).filter((key) => fields.includes(key))).toEqual([]);
    }
    const changed = new Set<string>(events.flatMap((event) => event.changed ?? []));
    expect(fields.filter((field) => !changed.has(field))).toEqual([]);
  });
});

describe('The whole trail', () => {
  it('holds no planted value, in no column [000-29]', async () => {
    const { rows } = await superuser.query<{ line: string }>('SELECT to_jsonb(e)::text AS line FROM audit.event AS e');
    expect(rows.length).toBeGreaterThan(100);
    const leaks = rows.filter(({ line }) => line.includes(CANARY) || line.includes(CANARY_DATE));
    expect(leaks).toEqual([]);
    // The scan would have found one.
    const stored = await superuser.query(
      `SELECT FROM students WHERE first_name LIKE '${CANARY}%' AND date_of_birth = '${CANARY_DATE}'`,
    );
    expect(stored.rowCount).toBeGreaterThan(0);
  });

  it('shows exactly the columns that are not @Phi: a new one is hidden until it is listed [003-39] [D09]', async () => {
    for (const one of ENTITY_CASES) {
      const { columns } = describeEntity(modelOf(one));
      const { rows } = await superuser.query<{ definition: string }>(
        `SELECT pg_get_triggerdef(oid) AS definition FROM pg_trigger
         WHERE tgrelid = $1::regclass AND tgname = 'audit_insert'`,
        [one.table],
      );
      const listed = /'\{([^}]*)\}'/.exec(rows[0]!.definition)![1]!.split(',');
      expect([one.entity, listed.toSorted()]).toEqual([
        one.entity,
        columns
          .filter(({ phi }) => !phi)
          .map(({ field }) => field)
          .toSorted(),
      ]);
    }
  });
});
