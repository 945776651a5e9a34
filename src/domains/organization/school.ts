import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { District } from './district';

/** A school; independent where it has no district. */
@Table({ tableName: 'schools' })
export class School extends TenantModel<School> {
  @ForeignKey(() => District)
  @Column(DataType.UUID)
  declare districtId: string | null;

  @BelongsTo(() => District)
  declare district?: NonAttribute<District>;

  @AllowNull(false)
  @Column(DataType.STRING(200))
  declare name: string;

  @AllowNull(false)
  @Column(DataType.STRING(50))
  declare code: string;

  @Column(DataType.STRING(200))
  declare principalName: string | null;

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

/** Repository of School. */
export class SchoolRepository extends repositoryFor(School) {
  findByCode(code: string) {
    return this.findOne({ where: { code } });
  }

  /** By name. */
  findByDistrict(districtId: string) {
    return this.findAll({ where: { districtId }, orderBy: [{ name: 'ASC' }] });
  }
}
