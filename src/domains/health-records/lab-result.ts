import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { Student } from '../students/student';
import { ClinicVisit } from '../visits/clinic-visit';

/** A result against its reference range. */
export const interpretations = ['NORMAL', 'LOW', 'HIGH', 'CRITICAL', 'ABNORMAL'] as const;
/** One of `interpretations`. */
export type Interpretation = (typeof interpretations)[number];

/** State of a result. */
export const labResultStatuses = ['PRELIMINARY', 'FINAL', 'CORRECTED'] as const;
/** One of `labResultStatuses`. */
export type LabResultStatus = (typeof labResultStatuses)[number];

/** One result of a laboratory test; `value` is the text exactly as reported. */
@Table({ tableName: 'lab_results' })
export class LabResult extends TenantModel<LabResult> {
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

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(20))
  declare loincCode: string | null;

  @Phi({ subject: 'studentId' })
  @AllowNull(false)
  @Column(DataType.STRING(500))
  declare testName: string;

  @Phi({ subject: 'studentId' })
  @AllowNull(false)
  @Column(DataType.STRING(4000))
  declare value: string;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(18, 6))
  declare valueNumeric: string | null;

  @Column(DataType.STRING(50))
  declare unit: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(100))
  declare referenceRange: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.ENUM(...interpretations))
  declare interpretation: Interpretation | null;

  @AllowNull(false)
  @Default('FINAL')
  @Column(DataType.ENUM(...labResultStatuses))
  declare status: CreationOptional<LabResultStatus>;

  @AllowNull(false)
  @Default(() => new Date())
  @Column(DataType.DATE)
  declare observedAt: CreationOptional<Date>;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare facilityName: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare orderedBy: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;

  /** SHA-256 of the row it was imported from, in hex; missing where it was entered here. */
  @Column(DataType.STRING(64))
  declare sourceHash: string | null;
}

/** Repository of LabResult. */
export class LabResultRepository extends repositoryFor(LabResult) {
  /** Newest first. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId }, orderBy: [{ observedAt: 'DESC' }] });
  }

  findByVisit(visitId: string) {
    return this.findAll({ where: { visitId }, orderBy: [{ observedAt: 'ASC' }] });
  }

  /** Results not yet final, oldest first. */
  findPreliminary() {
    return this.findAll({ where: { status: 'PRELIMINARY' }, orderBy: [{ observedAt: 'ASC' }] });
  }
}
