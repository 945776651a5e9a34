import type {
  CreationAttributes,
  CreationOptional,
  InferAttributes,
  InferCreationAttributes,
  Model as SequelizeModel,
} from 'sequelize';
import { Column, CreatedAt, DataType, Default, DeletedAt, Model, PrimaryKey, UpdatedAt } from 'sequelize-typescript';
import { v7 as uuidv7 } from 'uuid';

/**
 * The columns every entity has (000-22). `version`, `createdAt` and `updatedAt` are kept by the database, `createdBy`
 * and `updatedBy` by the repository. Subclasses declare their columns with `declare`: a class field would shadow the
 * attribute and read as `undefined` (D22).
 */
export abstract class BaseModel<M extends SequelizeModel> extends Model<
  InferAttributes<M>,
  InferCreationAttributes<M>
> {
  /** Made by the application: a UUID of version 7, so that ids of one table grow with time (RFC 9562). */
  @PrimaryKey
  @Default(uuidv7)
  @Column(DataType.UUID)
  declare id: CreationOptional<string>;

  /** Counts the writes to the row; the database raises it on every path. */
  @Default(1)
  @Column({ type: DataType.INTEGER, allowNull: false })
  declare version: CreationOptional<number>;

  @CreatedAt
  declare createdAt: CreationOptional<Date>;

  @UpdatedAt
  declare updatedAt: CreationOptional<Date>;

  @DeletedAt
  declare deletedAt: CreationOptional<Date | null>;

  @Column(DataType.UUID)
  declare createdBy: CreationOptional<string | null>;

  @Column(DataType.UUID)
  declare updatedBy: CreationOptional<string | null>;
}

/** Attributes that the library keeps; nobody passes them to create or update, except an `id` made beforehand. */
export const MANAGED_ATTRIBUTES = [
  'clinicId',
  'version',
  'createdAt',
  'updatedAt',
  'deletedAt',
  'createdBy',
  'updatedBy',
] as const;

export type ManagedAttribute = (typeof MANAGED_ATTRIBUTES)[number];

/** What a repository returns for a model: its columns, plain and frozen. */
export type Entity<M extends SequelizeModel> = Readonly<InferAttributes<M>>;

/** What `create` takes: the non-null columns without default are required, the rest is optional. */
export type CreateInput<M extends SequelizeModel> = Omit<CreationAttributes<M>, ManagedAttribute>;

/** What `update` takes. */
export type UpdateInput<M extends SequelizeModel> = Partial<Omit<InferAttributes<M>, ManagedAttribute | 'id'>>;
