import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { User } from '../organization/user';
import { Student } from '../students/student';
import { ClinicVisit } from './clinic-visit';

/** What an appointment is for. */
export const appointmentTypes = [
  'ROUTINE_CHECKUP',
  'MEDICATION_ADMINISTRATION',
  'INJURY_ASSESSMENT',
  'ILLNESS_EVALUATION',
  'VACCINATION',
  'FOLLOW_UP',
  'SCREENING',
  'EMERGENCY',
  'OTHER',
] as const;
/** One of `appointmentTypes`. */
export type AppointmentType = (typeof appointmentTypes)[number];

/** State of an appointment. */
export const appointmentStatuses = ['SCHEDULED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED', 'NO_SHOW'] as const;
/** One of `appointmentStatuses`. */
export type AppointmentStatus = (typeof appointmentStatuses)[number];

/** A time set aside for a student. */
@Table({ tableName: 'appointments' })
export class Appointment extends TenantModel<Appointment> {
  @ForeignKey(() => Student)
  @AllowNull(false)
  @Column(DataType.UUID)
  declare studentId: string;

  @BelongsTo(() => Student)
  declare student?: NonAttribute<Student>;

  @ForeignKey(() => User)
  @Column(DataType.UUID)
  declare nurseId: string | null;

  @BelongsTo(() => User)
  declare nurse?: NonAttribute<User>;

  @ForeignKey(() => ClinicVisit)
  @Column(DataType.UUID)
  declare visitId: string | null;

  @BelongsTo(() => ClinicVisit)
  declare visit?: NonAttribute<ClinicVisit>;

  @AllowNull(false)
  @Column(DataType.ENUM(...appointmentTypes))
  declare type: AppointmentType;

  @AllowNull(false)
  @Default('SCHEDULED')
  @Column(DataType.ENUM(...appointmentStatuses))
  declare status: CreationOptional<AppointmentStatus>;

  @AllowNull(false)
  @Column(DataType.DATE)
  declare scheduledAt: Date;

  @AllowNull(false)
  @Default(30)
  @Column(DataType.INTEGER)
  declare durationMinutes: CreationOptional<number>;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(500))
  declare reason: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(500))
  declare cancellationReason: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;
}

/** Repository of Appointment. */
export class AppointmentRepository extends repositoryFor(Appointment) {
  /** Newest first. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId }, orderBy: [{ scheduledAt: 'DESC' }] });
  }

  /** A nurse's calendar, `from` and `to` included. */
  findByNurse(nurseId: string, from: Date, to: Date) {
    const scheduledAt = { between: [from, to] as const };
    return this.findAll({ where: { nurseId, scheduledAt }, orderBy: [{ scheduledAt: 'ASC' }] });
  }
}
