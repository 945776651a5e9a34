import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { Student } from '../students/student';
import { ClinicVisit } from '../visits/clinic-visit';

/** What a health record documents. */
export const recordTypes = [
  'CHECKUP',
  'SCREENING',
  'ILLNESS',
  'INJURY',
  'EXAM',
  'SURVEY',
  'PROCEDURE',
  'MEASUREMENT',
  'CONSULTATION',
  'MENTAL_HEALTH',
  'DENTAL',
  'VISION',
  'HEARING',
  'FOLLOW_UP',
  'ENROLLMENT',
  'TRANSFER',
  'OTHER',
] as const;
/** One of `recordTypes`. */
export type RecordType = (typeof recordTypes)[number];

/** Vocabulary of a record's code. */
export const recordCodeSystems = ['SNOMED', 'LOINC', 'ICD10', 'OTHER'] as const;
/** One of `recordCodeSystems`. */
export type RecordCodeSystem = (typeof recordCodeSystems)[number];

/** What has no entity of its own: checkups, surveys, procedures, notes of a transfer. */
@Table({ tableName: 'health_records' })
export class HealthRecord extends TenantModel<HealthRecord> {
  @ForeignKey(() => Student)
  @AllowNull(false)
  @Column(DataType.UUID)
  declare studentId: string;

  @BelongsTo(() => Student)
  declare student?: NonAttribute<Student>;

  @ForeignKey(() => ClinicVisit)
  @Column(DataType.UUID)
  declare visitId: string | null;

  @BelongsTo(() => ClinicVisit)
  declare visit?: NonAttribute<ClinicVisit>;

  @AllowNull(false)
  @Column(DataType.ENUM(...recordTypes))
  declare recordType: RecordType;

  @AllowNull(false)
  @Default(() => new Date())
  @Column(DataType.DATE)
  declare recordedAt: CreationOptional<Date>;

  @Column(DataType.DATE)
  declare endedAt: Date | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(500))
  declare title: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare description: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare diagnosis: string | null;

  @Column(DataType.ENUM(...recordCodeSystems))
  declare codeSystem: RecordCodeSystem | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(30))
  declare code: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(4000))
  declare value: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(18, 6))
  declare valueNumeric: string | null;

  @Column(DataType.STRING(50))
  declare unit: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(30))
  declare reasonCode: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(500))
  declare reason: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare facilityName: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare providerName: string | null;

  @AllowNull(false)
  @Default(false)
  @Column(DataType.BOOLEAN)
  declare isConfidential: CreationOptional<boolean>;

  @Column(DataType.DATEONLY)
  declare followUpOn: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;

  /** SHA-256 of the row it was imported from, in hex; missing where it was entered here. */
  @Column(DataType.STRING(64))
  declare sourceHash: string | null;
}

/** Repository of HealthRecord. */
export class HealthRecordRepository extends repositoryFor(HealthRecord) {
  /** Newest first. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId }, orderBy: [{ recordedAt: 'DESC' }] });
  }

  /** Newest first. */
  findByRecordType(recordType: RecordType) {
    return this.findAll({ where: { recordType }, orderBy: [{ recordedAt: 'DESC' }] });
  }

  findByVisit(visitId: string) {
    return this.findAll({ where: { visitId }, orderBy: [{ recordedAt: 'ASC' }] });
  }
}
