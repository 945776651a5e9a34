import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { Student } from '../students/student';
import { ClinicVisit } from '../visits/clinic-visit';
import { Medication } from './medication';

/** Whether a drug is taken. */
export const medicationStatuses = ['ACTIVE', 'ON_HOLD', 'COMPLETED', 'STOPPED'] as const;
/** One of `medicationStatuses`. */
export type MedicationStatus = (typeof medicationStatuses)[number];

/** A drug that a patient takes or took. */
@Table({ tableName: 'student_medications' })
export class StudentMedication extends TenantModel<StudentMedication> {
  @ForeignKey(() => Student)
  @AllowNull(false)
  @Column(DataType.UUID)
  declare studentId: string;

  @BelongsTo(() => Student)
  declare student?: NonAttribute<Student>;

  @ForeignKey(() => Medication)
  @AllowNull(false)
  @Column(DataType.UUID)
  declare medicationId: string;

  @BelongsTo(() => Medication)
  declare medication?: NonAttribute<Medication>;

  @ForeignKey(() => ClinicVisit)
  @Column(DataType.UUID)
  declare visitId: string | null;

  @BelongsTo(() => ClinicVisit)
  declare visit?: NonAttribute<ClinicVisit>;

  @AllowNull(false)
  @Default('ACTIVE')
  @Column(DataType.ENUM(...medicationStatuses))
  declare status: CreationOptional<MedicationStatus>;

  @AllowNull(false)
  @Column(DataType.DATE)
  declare startedAt: Date;

  @Column(DataType.DATE)
  declare endedAt: Date | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare dosage: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare frequency: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(50))
  declare route: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare instructions: string | null;

  /** How often it was handed out. */
  @Phi({ subject: 'studentId' })
  @Column(DataType.INTEGER)
  declare dispenses: number | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.INTEGER)
  declare refillsRemaining: number | null;

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
  declare prescribedBy: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(50))
  declare prescriptionNumber: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;

  /** SHA-256 of the row it was imported from, in hex; missing where it was entered here. */
  @Column(DataType.STRING(64))
  declare sourceHash: string | null;
}

/** Repository of StudentMedication. */
export class StudentMedicationRepository extends repositoryFor(StudentMedication) {
  /** Newest first. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId }, orderBy: [{ startedAt: 'DESC' }] });
  }

  findActiveByStudent(studentId: string) {
    return this.findAll({ where: { studentId, status: 'ACTIVE' }, orderBy: [{ startedAt: 'DESC' }] });
  }

  /** Who takes a drug, newest first. */
  findByMedication(medicationId: string) {
    return this.findAll({ where: { medicationId }, orderBy: [{ startedAt: 'DESC' }] });
  }
}
