import { type CreationOptional, literal, type Model } from 'sequelize';
import { Column, DataType, Default } from 'sequelize-typescript';
import { BaseModel } from './base.model';

/**
 * An entity whose rows belong to one clinic. The clinic comes from the transaction, never from input: the column's
 * default is the tenant of the transaction, and row security refuses any other value (000-28).
 */
export abstract class TenantModel<M extends Model> extends BaseModel<M> {
  @Default(literal('phi.tenant()'))
  @Column({ type: DataType.UUID, allowNull: false })
  declare clinicId: CreationOptional<string>;
}
