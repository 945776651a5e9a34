import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { Student } from '../students/student';
import { ClinicVisit } from '../visits/clinic-visit';

/** One session of measurements, each in the unit of its name; at least one is given. */
@Table({ tableName: 'vital_signs' })
export class VitalSigns extends TenantModel<VitalSigns> {
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
  @Default(() => new Date())
  @Column(DataType.DATE)
  declare measuredAt: CreationOptional<Date>;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(6, 2))
  declare heightCm: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(6, 2))
  declare weightKg: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(5, 2))
  declare bmi: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(5, 2))
  declare bmiPercentile: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(5, 2))
  declare weightForLengthPercentile: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(5, 2))
  declare headCircumferenceCm: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(5, 2))
  declare headCircumferencePercentile: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(5, 1))
  declare systolicMmhg: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(5, 1))
  declare diastolicMmhg: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(5, 1))
  declare heartRatePerMinute: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(5, 1))
  declare respiratoryRatePerMinute: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(4, 2))
  declare temperatureCelsius: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(5, 2))
  declare oxygenSaturationPercent: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.DECIMAL(3, 1))
  declare painScore: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare measuredBy: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;

  /** SHA-256 of the row it was imported from, in hex; missing where it was entered here. */
  @Column(DataType.STRING(64))
  declare sourceHash: string | null;
}

/** Repository of VitalSigns. */
export class VitalSignsRepository extends repositoryFor(VitalSigns) {
  /** Newest first. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId }, orderBy: [{ measuredAt: 'DESC' }] });
  }

  findByVisit(visitId: string) {
    return this.findAll({ where: { visitId }, orderBy: [{ measuredAt: 'ASC' }] });
  }
}
