import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { Phi } from '../../database/model/phi.decorator';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { Student } from '../students/student';
import { ClinicVisit } from '../visits/clinic-visit';

/** Vocabulary of an allergen's code. */
export const allergenCodeSystems = ['SNOMED', 'RXNORM', 'ICD10', 'OTHER'] as const;
/** One of `allergenCodeSystems`. */
export type AllergenCodeSystem = (typeof allergenCodeSystems)[number];

/** Immune reaction or intolerance (HL7 FHIR AllergyIntolerance.type). */
export const allergyTypes = ['ALLERGY', 'INTOLERANCE'] as const;
/** One of `allergyTypes`. */
export type AllergyType = (typeof allergyTypes)[number];

/** Kind of allergen. */
export const allergenCategories = ['FOOD', 'MEDICATION', 'ENVIRONMENT', 'INSECT', 'LATEX', 'OTHER'] as const;
/** One of `allergenCategories`. */
export type AllergenCategory = (typeof allergenCategories)[number];

/** How bad an allergy, a reaction or a condition is. */
export const severities = ['MILD', 'MODERATE', 'SEVERE', 'LIFE_THREATENING'] as const;
/** One of `severities`. */
export type Severity = (typeof severities)[number];

/** State of an allergy. */
export const allergyStatuses = ['ACTIVE', 'INACTIVE', 'RESOLVED'] as const;
/** One of `allergyStatuses`. */
export type AllergyStatus = (typeof allergyStatuses)[number];

/** What an allergen did. */
export interface AllergyReaction {
  /** SNOMED CT code. */
  readonly code: string | null;
  readonly description: string;
  readonly severity: Severity | null;
}

/** An allergy or intolerance. */
@Table({ tableName: 'allergies' })
export class Allergy extends TenantModel<Allergy> {
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
  declare allergen: string;

  @Column(DataType.ENUM(...allergenCodeSystems))
  declare codeSystem: AllergenCodeSystem | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(30))
  declare code: string | null;

  @AllowNull(false)
  @Default('ALLERGY')
  @Column(DataType.ENUM(...allergyTypes))
  declare type: CreationOptional<AllergyType>;

  @AllowNull(false)
  @Default('OTHER')
  @Column(DataType.ENUM(...allergenCategories))
  declare category: CreationOptional<AllergenCategory>;

  /** The worst that is known; missing where none is. */
  @Column(DataType.ENUM(...severities))
  declare severity: Severity | null;

  /** At most 20. */
  @Phi({ subject: 'studentId' })
  @AllowNull(false)
  @Default(() => [])
  @Column(DataType.JSONB)
  declare reactions: CreationOptional<AllergyReaction[]>;

  @AllowNull(false)
  @Default('ACTIVE')
  @Column(DataType.ENUM(...allergyStatuses))
  declare status: CreationOptional<AllergyStatus>;

  @Column(DataType.DATEONLY)
  declare onsetOn: string | null;

  @Column(DataType.DATEONLY)
  declare resolvedOn: string | null;

  @AllowNull(false)
  @Default(false)
  @Column(DataType.BOOLEAN)
  declare isVerified: CreationOptional<boolean>;

  @AllowNull(false)
  @Default(false)
  @Column(DataType.BOOLEAN)
  declare epinephrineRequired: CreationOptional<boolean>;

  @Column(DataType.DATEONLY)
  declare epinephrineExpiresOn: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare treatment: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare emergencyProtocol: string | null;

  @Phi({ subject: 'studentId' })
  @Column(DataType.STRING(10000))
  declare notes: string | null;

  /** SHA-256 of the row it was imported from, in hex; missing where it was entered here. */
  @Column(DataType.STRING(64))
  declare sourceHash: string | null;
}

/** Repository of Allergy. */
export class AllergyRepository extends repositoryFor(Allergy) {
  /** Newest first. */
  findByStudent(studentId: string) {
    return this.findAll({ where: { studentId }, orderBy: [{ createdAt: 'DESC' }] });
  }

  findActiveByStudent(studentId: string) {
    return this.findAll({ where: { studentId, status: 'ACTIVE' }, orderBy: [{ createdAt: 'DESC' }] });
  }

  /** Auto-injectors that expire on or before a date, the next first. */
  findEpinephrineExpiring(until: string) {
    return this.findAll({
      where: { epinephrineExpiresOn: { lte: until }, status: 'ACTIVE' },
      orderBy: [{ epinephrineExpiresOn: 'ASC' }],
    });
  }
}
