import type { Association, Model, ModelStatic } from 'sequelize';
import { ConfigurationError } from '../database.errors';
import { MANAGED_ATTRIBUTES } from './base.model';
import { phiAttributes, type PhiOptions } from './phi.decorator';

export type ColumnKind =
  'uuid' | 'text' | 'enum' | 'integer' | 'decimal' | 'float' | 'boolean' | 'timestamp' | 'date' | 'json' | 'binary';

/** What the library needs to know of a column, read once from Sequelize's metadata. */
export interface ColumnDescription {
  readonly attribute: string;
  /** Name in the database. */
  readonly field: string;
  readonly kind: ColumnKind;
  /** Type in SQL. */
  readonly sqlType: string;
  /** Of text: characters at most. */
  readonly maxLength?: number;
  /** Of a decimal: digits at most, before and after the point. */
  readonly digits?: readonly [before: number, after: number];
  /** Of an enum: what is allowed. */
  readonly values?: readonly string[];
  readonly nullable: boolean;
  /** Kept by the library or the database; not taken from input. */
  readonly managed: boolean;
  /** Value that a missing attribute gets on create; undefined leaves it to the database. */
  readonly makeDefault?: () => unknown;
  /** The database fills it when it is left out. */
  readonly filledByDatabase: boolean;
  readonly phi?: PhiOptions;
}

export interface EntityDescription {
  readonly name: string;
  readonly table: string;
  readonly columns: readonly ColumnDescription[];
  readonly byAttribute: ReadonlyMap<string, ColumnDescription>;
  /** True when rows belong to a clinic. */
  readonly tenantScoped: boolean;
  /** Parents that a row points to, by the name of the `@BelongsTo` attribute. */
  readonly relations: ReadonlyMap<string, RelationDescription>;
}

/** The way from a row to its parent: one at most, so that no row is multiplied by following it. */
export interface RelationDescription {
  readonly name: string;
  /** Column in the child that holds the parent's id. */
  readonly field: string;
  /** What Sequelize knows of it. */
  readonly association: Association;
  /** The parent; described when first asked for, since models may point to each other. */
  readonly target: EntityDescription;
  /** True when both rows belong to a clinic, which is then the same one. */
  readonly withinClinic: boolean;
}

/** The parts of Sequelize's attribute metadata that its types leave out. */
interface RawAttribute {
  readonly type: {
    readonly key: string;
    toSql(): string;
    readonly _length?: number;
    readonly _precision?: number;
    readonly _scale?: number;
    readonly values?: readonly string[];
  };
  readonly field?: string;
  readonly allowNull?: boolean;
  readonly defaultValue?: unknown;
  readonly primaryKey?: boolean;
  readonly values?: readonly string[];
}

/** The parts of an association that Sequelize's types leave out. */
interface RawAssociation extends Association {
  readonly targetKey?: string;
  readonly identifierField: string;
}

const KINDS: Record<string, ColumnKind> = {
  UUID: 'uuid',
  STRING: 'text',
  TEXT: 'text',
  CHAR: 'text',
  CITEXT: 'text',
  ENUM: 'enum',
  INTEGER: 'integer',
  SMALLINT: 'integer',
  BIGINT: 'decimal',
  DECIMAL: 'decimal',
  FLOAT: 'float',
  REAL: 'float',
  'DOUBLE PRECISION': 'float',
  BOOLEAN: 'boolean',
  DATE: 'timestamp',
  DATEONLY: 'date',
  JSON: 'json',
  JSONB: 'json',
  BLOB: 'binary',
};

const descriptions = new WeakMap<object, EntityDescription>();

/**
 * Describes a model that was added to a Sequelize instance.
 * @throws ConfigurationError for a column type or a name that repositories do not support.
 */
export function describeEntity(model: ModelStatic<Model>): EntityDescription {
  let description = descriptions.get(model);
  if (!description) {
    description = build(model);
    descriptions.set(model, description);
  }
  return description;
}

function build(model: ModelStatic<Model>): EntityDescription {
  const phi = phiAttributes(model);
  const raw = model.getAttributes() as unknown as Record<string, RawAttribute>;
  const columns = Object.entries(raw)
    .filter(([, attribute]) => attribute.type.key !== 'VIRTUAL')
    .map(([attribute, description]) => describeColumn(model.name, attribute, description, phi.get(attribute)));
  const table = String(model.getTableName());
  const names = [table, ...columns.flatMap(({ attribute, field }) => [attribute, field])];
  if (!names.every(isUsableName)) {
    throw new ConfigurationError(
      `${model.name}: a name of its table, columns or attributes has a quote, a dot or more than 63 bytes, or there is a schema`,
      'Rename it, and leave the schema to the search path.',
      { entity: model.name },
    );
  }
  let relations: EntityDescription['relations'] | undefined;
  return {
    name: model.name,
    table,
    columns,
    byAttribute: new Map(columns.map((column) => [column.attribute, column])),
    tenantScoped: 'clinicId' in raw,
    get relations() {
      return (relations ??= describeRelations(model));
    },
  };
}

/** Sequelize drops quotes, splits at dots and writes a schema with both; PostgreSQL cuts what is longer. */
function isUsableName(name: string): boolean {
  return !/[".]/.test(name) && Buffer.byteLength(name) <= 63;
}

function describeRelations(model: ModelStatic<Model>): EntityDescription['relations'] {
  const relations = new Map<string, RelationDescription>();
  for (const [name, association] of Object.entries(model.associations as Record<string, RawAssociation>)) {
    // Only a parent found by its id is surely one row.
    if (association.associationType !== 'BelongsTo' || association.targetKey !== 'id') continue;
    relations.set(name, {
      name,
      field: association.identifierField,
      association,
      get target() {
        return describeEntity(association.target);
      },
      get withinClinic() {
        return describeEntity(model).tenantScoped && describeEntity(association.target).tenantScoped;
      },
    });
  }
  return relations;
}

function describeColumn(
  entity: string,
  attribute: string,
  raw: RawAttribute,
  phi: PhiOptions | undefined,
): ColumnDescription {
  const kind = KINDS[raw.type.key];
  if (!kind) {
    throw new ConfigurationError(
      `${entity}.${attribute}: column type ${raw.type.key} is not supported`,
      `Use one of ${Object.keys(KINDS).join(', ')}.`,
      { entity, attribute },
    );
  }
  const managed = (MANAGED_ATTRIBUTES as readonly string[]).includes(attribute);
  const values = raw.values ?? raw.type.values;
  return {
    attribute,
    field: raw.field ?? attribute,
    kind,
    sqlType: kind === 'enum' ? 'TEXT' : raw.type.toSql(),
    ...(kind === 'text' && raw.type._length ? { maxLength: Number(raw.type._length) } : {}),
    ...(kind === 'decimal' && raw.type._precision !== undefined
      ? { digits: [raw.type._precision - (raw.type._scale ?? 0), raw.type._scale ?? 0] as const }
      : {}),
    ...(values ? { values } : {}),
    nullable: raw.allowNull !== false && !raw.primaryKey,
    managed,
    ...defaultOf(raw.defaultValue),
    filledByDatabase: (managed && !isActor(attribute)) || isSqlExpression(raw.defaultValue),
    ...(phi ? { phi } : {}),
  };
}

/** Who wrote the row: kept by the repository. */
function isActor(attribute: string): boolean {
  return attribute === 'createdBy' || attribute === 'updatedBy';
}

function isSqlExpression(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'val' in value;
}

function defaultOf(value: unknown): { makeDefault?: () => unknown } {
  if (value === undefined || isSqlExpression(value)) return {};
  if (typeof value === 'function') return { makeDefault: value as () => unknown };
  // Sequelize's NOW and UUIDV4 are type objects; the library uses neither.
  return { makeDefault: () => value };
}
