import type { CreationOptional } from 'sequelize';
import { AllowNull, Column, DataType, Default, Table } from 'sequelize-typescript';
import { BaseModel } from '../../database/model/base.model';
import { repositoryFor } from '../../database/repository/repository-for';

/** What kind of provider a clinic is. */
export const clinicKinds = ['SCHOOL_HEALTH', 'PRACTICE'] as const;
/** One of `clinicKinds`. */
export type ClinicKind = (typeof clinicKinds)[number];

/** The tenant: an organisation that provides care. A context sees its own clinic only. */
@Table({ tableName: 'clinics' })
export class Clinic extends BaseModel<Clinic> {
  @AllowNull(false)
  @Column(DataType.STRING(200))
  declare name: string;

  @AllowNull(false)
  @Default('SCHOOL_HEALTH')
  @Column(DataType.ENUM(...clinicKinds))
  declare kind: CreationOptional<ClinicKind>;

  /** National Provider Identifier, 10 digits (45 CFR 162.406). */
  @Column(DataType.STRING(10))
  declare npi: string | null;

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

  /** IANA name; timestamps are stored in UTC, this one is for people. */
  @AllowNull(false)
  @Default('UTC')
  @Column(DataType.STRING(64))
  declare timeZone: CreationOptional<string>;

  @AllowNull(false)
  @Default(true)
  @Column(DataType.BOOLEAN)
  declare isActive: CreationOptional<boolean>;
}

/** Clinics: a context reads and writes its own only. */
export class ClinicRepository extends repositoryFor(Clinic) {}
