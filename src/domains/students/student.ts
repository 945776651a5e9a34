import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import type { PageRequest } from '../../database/repository/criteria';
import { repositoryFor } from '../../database/repository/repository-for';
import { School } from '../organization/school';
import { User } from '../organization/user';

/** Administrative gender (HL7 FHIR AdministrativeGender). */
export const genders = ['FEMALE', 'MALE', 'OTHER', 'UNKNOWN'] as const;
/** One of `genders`. */
export type Gender = (typeof genders)[number];

/** Marital status. */
export const maritalStatuses = ['SINGLE', 'MARRIED', 'DIVORCED', 'WIDOWED', 'SEPARATED', 'OTHER'] as const;
/** One of `maritalStatuses`. */
export type MaritalStatus = (typeof maritalStatuses)[number];

/** The patient of this domain, adults included. */
@Table({ tableName: 'students' })
export class Student extends TenantModel<Student> {
  @ForeignKey(() => School)
  @Column(DataType.UUID)
  declare schoolId: string | null;

  @BelongsTo(() => School)
  declare school?: NonAttribute<School>;

  /** The nurse in charge. */
  @ForeignKey(() => User)
  @Column(DataType.UUID)
  declare nurseId: string | null;

  @BelongsTo(() => User)
  declare nurse?: NonAttribute<User>;

  @Phi({ subject: 'id' })
  @AllowNull(false)
  @Column(DataType.STRING(50))
  declare studentNumber: string;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(50))
  declare medicalRecordNumber: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(20))
  declare prefix: string | null;

  @Phi({ subject: 'id' })
  @AllowNull(false)
  @Column(DataType.STRING(100))
  declare firstName: string;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(100))
  declare middleName: string | null;

  @Phi({ subject: 'id' })
  @AllowNull(false)
  @Column(DataType.STRING(100))
  declare lastName: string;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(20))
  declare suffix: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(100))
  declare maidenName: string | null;

  @Phi({ subject: 'id' })
  @AllowNull(false)
  @Column(DataType.DATEONLY)
  declare dateOfBirth: string;

  @Phi({ subject: 'id' })
  @Column(DataType.DATEONLY)
  declare dateOfDeath: string | null;

  @Phi({ subject: 'id' })
  @AllowNull(false)
  @Column(DataType.ENUM(...genders))
  declare gender: Gender;

  @Phi({ subject: 'id' })
  @Column(DataType.ENUM(...maritalStatuses))
  declare maritalStatus: MaritalStatus | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(50))
  declare race: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(50))
  declare ethnicity: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(20))
  declare socialSecurityNumber: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(30))
  declare driversLicense: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(30))
  declare passportNumber: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(200))
  declare birthplace: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(30))
  declare phone: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(254))
  declare email: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(300))
  declare address: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(100))
  declare city: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(100))
  declare county: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(100))
  declare state: string | null;

  @Phi({ subject: 'id' })
  @Column(DataType.STRING(20))
  declare postalCode: string | null;

  /** Missing for adults. */
  @Column(DataType.STRING(10))
  declare grade: string | null;

  @Column(DataType.DATEONLY)
  declare enrollmentDate: string | null;

  @AllowNull(false)
  @Default(true)
  @Column(DataType.BOOLEAN)
  declare isActive: CreationOptional<boolean>;

  /** SHA-256 of the row it was imported from, in hex; missing where it was entered here. */
  @Column(DataType.STRING(64))
  declare sourceHash: string | null;
}

const byName = [{ lastName: 'ASC' }, { firstName: 'ASC' }] as const;

/** Repository of Student. */
export class StudentRepository extends repositoryFor(Student) {
  findByStudentNumber(studentNumber: string) {
    return this.findOne({ where: { studentNumber } });
  }

  findByMedicalRecordNumber(medicalRecordNumber: string) {
    return this.findOne({ where: { medicalRecordNumber } });
  }

  /** A page, by name: a school may have more students than one answer holds. */
  findBySchool(schoolId: string, pagination?: PageRequest) {
    return this.findMany({ where: { schoolId }, orderBy: byName, pagination });
  }

  /** A page, by name. */
  findByGrade(grade: string, pagination?: PageRequest) {
    return this.findMany({ where: { grade }, orderBy: byName, pagination });
  }

  /** A page, by name: the students a nurse is in charge of. */
  findByNurse(nurseId: string, pagination?: PageRequest) {
    return this.findMany({ where: { nurseId }, orderBy: byName, pagination });
  }
}
