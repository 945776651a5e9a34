import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { User } from '../organization/user';
import { Student } from '../students/student';
import { ClinicVisit } from '../visits/clinic-visit';

/** Vocabulary of a plan's code. */
export const planCodeSystems = ['SNOMED', 'ICD10', 'OTHER'] as const;
/** One of `planCodeSystems`. */
export type PlanCodeSystem = (typeof planCodeSystems)[number];

/** State of a plan. */
export const planStatuses = ['ACTIVE', 'ON_HOLD', 'COMPLETED', 'CANCELLED'] as const;
/** One of `planStatuses`. */
export type PlanStatus = (typeof planStatuses)[number];

/** What is planned for a patient, and why. */
@Table({ tableName: 'treatment_plans' })
export class TreatmentPlan extends TenantModel<TreatmentPlan> {
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

  @ForeignKey(() => User)
  @Column(DataType.UUID)
  declare managedById: string | null;

  @BelongsTo(() => User)
  declare managedBy?: NonAttribute<User>;

  @Phi({ subject: 'studentId' })
  @AllowNull(false)
  @Column(DataType.STRING(255))
  declare title: string;

  @Column(DataType.ENUM(...planCodeSystems))
  declare codeSystem: PlanCodeSystem | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(30))
  declare code: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(30))
  declare reasonCode: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(500))
  declare reason: string | null;

  @AllowNull(false)
  @Default('ACTIVE')
  @Column(DataType.ENUM(...planStatuses))
  declare status: CreationOptional<PlanStatus>;

  @AllowNull(false)
  @Column(DataType.DATEONLY)
  declare startedOn: string;

  @Column(DataType.DATEONLY)
  declare endedOn: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare goals: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare activities: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare facilityName: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare providerName: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;

  /** SHA-256 of the row it was imported from, in hex; missing where it was entered here. */
  @Column(DataType.STRING(64))
  declare sourceHash: string | null;
}

/** Repository of TreatmentPlan. */
export class TreatmentPlanRepository extends repositoryFor(TreatmentPlan) {
  /** Newest first. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId }, orderBy: [{ startedOn: 'DESC' }] });
  }

  findActiveByStudent(studentId: string) {
    return this.findAll({ where: { studentId, status: 'ACTIVE' }, orderBy: [{ startedOn: 'DESC' }] });
  }
}
