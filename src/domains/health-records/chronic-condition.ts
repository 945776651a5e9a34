import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { Student } from '../students/student';
import { ClinicVisit } from '../visits/clinic-visit';
import { severities, type Severity } from './allergy';

/** Vocabulary of a condition's code. */
export const conditionCodeSystems = ['SNOMED', 'ICD10', 'OTHER'] as const;
/** One of `conditionCodeSystems`. */
export type ConditionCodeSystem = (typeof conditionCodeSystems)[number];

/** Course of a condition. */
export const conditionStatuses = ['ACTIVE', 'MANAGED', 'MONITORING', 'RESOLVED'] as const;
/** One of `conditionStatuses`. */
export type ConditionStatus = (typeof conditionStatuses)[number];

/** A condition with its course. */
@Table({ tableName: 'chronic_conditions' })
export class ChronicCondition extends TenantModel<ChronicCondition> {
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
  @AllowNull(false)
  @Column(DataType.STRING(255))
  declare condition: string;

  @Column(DataType.ENUM(...conditionCodeSystems))
  declare codeSystem: ConditionCodeSystem | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(30))
  declare code: string | null;

  @AllowNull(false)
  @Default('ACTIVE')
  @Column(DataType.ENUM(...conditionStatuses))
  declare status: CreationOptional<ConditionStatus>;

  @Column(DataType.ENUM(...severities))
  declare severity: Severity | null;

  @Column(DataType.DATEONLY)
  declare onsetOn: string | null;

  @Column(DataType.DATEONLY)
  declare abatedOn: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare diagnosedBy: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare carePlan: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare accommodations: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare triggers: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare emergencyProtocol: string | null;

  @Column(DataType.DATEONLY)
  declare lastReviewedOn: string | null;

  @Column(DataType.DATEONLY)
  declare nextReviewOn: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;

  /** SHA-256 of the row it was imported from, in hex; missing where it was entered here. */
  @Column(DataType.STRING(64))
  declare sourceHash: string | null;
}

/** Repository of ChronicCondition. */
export class ChronicConditionRepository extends repositoryFor(ChronicCondition) {
  /** Latest onset first. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId }, orderBy: [{ onsetOn: 'DESC' }] });
  }

  /** Not resolved. */
  findCurrentByStudent(studentId: string) {
    return this.findAll({ where: { studentId, status: { ne: 'RESOLVED' } }, orderBy: [{ onsetOn: 'DESC' }] });
  }

  /** Conditions whose review is due on or before a date, the most overdue first. */
  findDueForReview(until: string) {
    return this.findAll({ where: { nextReviewOn: { lte: until } }, orderBy: [{ nextReviewOn: 'ASC' }] });
  }
}
