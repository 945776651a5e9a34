import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { Student } from '../students/student';
import { ClinicVisit } from '../visits/clinic-visit';

/** One dose of a vaccine. */
@Table({ tableName: 'vaccinations' })
export class Vaccination extends TenantModel<Vaccination> {
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
  declare vaccineName: string;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10))
  declare cvxCode: string | null;

  @AllowNull(false)
  @Default(() => new Date())
  @Column(DataType.DATE)
  declare administeredAt: CreationOptional<Date>;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare administeredBy: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare facilityName: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(100))
  declare manufacturer: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(50))
  declare lotNumber: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.INTEGER)
  declare doseNumber: number | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.INTEGER)
  declare seriesDoses: number | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(50))
  declare site: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(50))
  declare route: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(50))
  declare dose: string | null;

  @Column(DataType.DATEONLY)
  declare expiresOn: string | null;

  @Column(DataType.DATEONLY)
  declare nextDueOn: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(200))
  declare consentGivenBy: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare reaction: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;

  /** SHA-256 of the row it was imported from, in hex; missing where it was entered here. */
  @Column(DataType.STRING(64))
  declare sourceHash: string | null;
}

/** Repository of Vaccination. */
export class VaccinationRepository extends repositoryFor(Vaccination) {
  /** Newest first. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId }, orderBy: [{ administeredAt: 'DESC' }] });
  }

  /** Doses whose next one is due on or before a date, the most overdue first. */
  findDue(until: string) {
    return this.findAll({ where: { nextDueOn: { lte: until } }, orderBy: [{ nextDueOn: 'ASC' }] });
  }
}
