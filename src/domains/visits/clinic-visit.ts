import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { User } from '../organization/user';
import { Student } from '../students/student';

/** Setting of a visit (HL7 ActEncounterCode, and the school health office). */
export const visitClasses = [
  'SCHOOL_HEALTH',
  'AMBULATORY',
  'OUTPATIENT',
  'WELLNESS',
  'URGENT_CARE',
  'EMERGENCY',
  'INPATIENT',
  'SKILLED_NURSING',
  'HOSPICE',
  'HOME',
  'VIRTUAL',
] as const;
/** One of `visitClasses`. */
export type VisitClass = (typeof visitClasses)[number];

/** Where the patient went after the visit. */
export const dispositions = ['RETURNED_TO_CLASS', 'SENT_HOME', 'REFERRED', 'ADMITTED', 'OTHER'] as const;
/** One of `dispositions`. */
export type Disposition = (typeof dispositions)[number];

/** One contact of a patient with a clinic. */
@Table({ tableName: 'clinic_visits' })
export class ClinicVisit extends TenantModel<ClinicVisit> {
  @ForeignKey(() => Student)
  @AllowNull(false)
  @Column(DataType.UUID)
  declare studentId: string;

  @BelongsTo(() => Student)
  declare student?: NonAttribute<Student>;

  @ForeignKey(() => User)
  @Column(DataType.UUID)
  declare attendedById: string | null;

  @BelongsTo(() => User)
  declare attendedBy?: NonAttribute<User>;

  @AllowNull(false)
  @Default('SCHOOL_HEALTH')
  @Column(DataType.ENUM(...visitClasses))
  declare visitClass: CreationOptional<VisitClass>;

  @AllowNull(false)
  @Default(() => new Date())
  @Column(DataType.DATE)
  declare startedAt: CreationOptional<Date>;

  @Column(DataType.DATE)
  declare endedAt: Date | null;

  /** SNOMED CT code of the kind of visit. */
  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(30))
  declare code: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(500))
  declare description: string | null;

  /** SNOMED CT code of the reason. */
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

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare symptoms: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare treatment: string | null;

  @Column(DataType.ENUM(...dispositions))
  declare disposition: Disposition | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;

  /** SHA-256 of the row it was imported from, in hex; missing where it was entered here. */
  @Column(DataType.STRING(64))
  declare sourceHash: string | null;
}

/** Repository of ClinicVisit. */
export class ClinicVisitRepository extends repositoryFor(ClinicVisit) {
  /** Newest first. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId }, orderBy: [{ startedAt: 'DESC' }] });
  }

  /** Visits that have not ended, longest first. */
  findOpen() {
    return this.findAll({ where: { endedAt: null }, orderBy: [{ startedAt: 'ASC' }] });
  }
}
