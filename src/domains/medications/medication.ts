import type { CreationOptional } from 'sequelize';
import { AllowNull, Column, DataType, Default, Table } from 'sequelize-typescript';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';

/** Schedule of a controlled substance (21 CFR 1308). */
export const deaSchedules = ['I', 'II', 'III', 'IV', 'V'] as const;
/** One of `deaSchedules`. */
export type DeaSchedule = (typeof deaSchedules)[number];

/** A drug in the catalogue of the clinic. No patient data. */
@Table({ tableName: 'medications' })
export class Medication extends TenantModel<Medication> {
  @AllowNull(false)
  @Column(DataType.STRING(500))
  declare name: string;

  @Column(DataType.STRING(20))
  declare rxnormCode: string | null;

  /** National Drug Code. */
  @Column(DataType.STRING(20))
  declare ndc: string | null;

  @Column(DataType.STRING(255))
  declare genericName: string | null;

  @Column(DataType.STRING(100))
  declare strength: string | null;

  @Column(DataType.STRING(100))
  declare dosageForm: string | null;

  @Column(DataType.STRING(100))
  declare manufacturer: string | null;

  @AllowNull(false)
  @Default(false)
  @Column(DataType.BOOLEAN)
  declare isControlled: CreationOptional<boolean>;

  /** 21 CFR 1308; only of a controlled drug. */
  @Column(DataType.ENUM(...deaSchedules))
  declare deaSchedule: DeaSchedule | null;

  @AllowNull(false)
  @Default(true)
  @Column(DataType.BOOLEAN)
  declare isActive: CreationOptional<boolean>;
}

/** Repository of Medication. */
export class MedicationRepository extends repositoryFor(Medication) {
  findByRxnormCode(rxnormCode: string) {
    return this.findOne({ where: { rxnormCode } });
  }
}
