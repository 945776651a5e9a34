import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { Student } from './student';

/** How a contact wants to be reached. */
export const contactMethods = ['PHONE', 'SMS', 'EMAIL'] as const;
/** One of `contactMethods`. */
export type ContactMethod = (typeof contactMethods)[number];

/** Whom to call about a student. */
@Table({ tableName: 'emergency_contacts' })
export class EmergencyContact extends TenantModel<EmergencyContact> {
  @ForeignKey(() => Student)
  @AllowNull(false)
  @Column(DataType.UUID)
  declare studentId: string;

  @BelongsTo(() => Student)
  declare student?: NonAttribute<Student>;

  @Phi({ subject: 'studentId' })
  @AllowNull(false)
  @Column(DataType.STRING(100))
  declare firstName: string;

  @Phi({ subject: 'studentId' })
  @AllowNull(false)
  @Column(DataType.STRING(100))
  declare lastName: string;

  @Phi({ subject: 'studentId' })
  @AllowNull(false)
  @Column(DataType.STRING(50))
  declare relationship: string;

  @Phi({ subject: 'studentId' })
  @AllowNull(false)
  @Column(DataType.STRING(30))
  declare phone: string;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(254))
  declare email: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(300))
  declare address: string | null;

  /** Whom to call first: 1. */
  @AllowNull(false)
  @Default(1)
  @Column(DataType.INTEGER)
  declare priority: CreationOptional<number>;

  @Column(DataType.ENUM(...contactMethods))
  declare preferredContactMethod: ContactMethod | null;

  @AllowNull(false)
  @Default(false)
  @Column(DataType.BOOLEAN)
  declare canPickUp: CreationOptional<boolean>;

  @AllowNull(false)
  @Default(true)
  @Column(DataType.BOOLEAN)
  declare isActive: CreationOptional<boolean>;

  @Column(DataType.DATE)
  declare lastVerifiedAt: Date | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;
}

/** Repository of EmergencyContact. */
export class EmergencyContactRepository extends repositoryFor(EmergencyContact) {
  /** Active contacts in the order to call them. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId, isActive: true }, orderBy: [{ priority: 'ASC' }] });
  }
}
