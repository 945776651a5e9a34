import type { CreationOptional } from 'sequelize';
import { AllowNull, Column, DataType, Default, Table } from 'sequelize-typescript';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';

/** A school district inside a clinic. */
@Table({ tableName: 'districts' })
export class District extends TenantModel<District> {
  @AllowNull(false)
  @Column(DataType.STRING(200))
  declare name: string;

  @AllowNull(false)
  @Column(DataType.STRING(50))
  declare code: string;

  @Column(DataType.STRING(30))
  declare phone: string | null;

  @Column(DataType.STRING(254))
  declare email: string | null;

  @Column(DataType.STRING(300))
  declare address: string | null;

  @Column(DataType.STRING(100))
  declare city: string | null;

  @Column(DataType.STRING(100))
  declare state: string | null;

  @Column(DataType.STRING(20))
  declare postalCode: string | null;

  @AllowNull(false)
  @Default(true)
  @Column(DataType.BOOLEAN)
  declare isActive: CreationOptional<boolean>;
}

/** Repository of District. */
export class DistrictRepository extends repositoryFor(District) {
  findByCode(code: string) {
    return this.findOne({ where: { code } });
  }
}
