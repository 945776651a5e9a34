import type { CreationOptional, NonAttribute } from 'sequelize';
import { AllowNull, BelongsTo, Column, DataType, Default, ForeignKey, Table } from 'sequelize-typescript';
import { TenantModel } from '../../database/model/tenant.model';
import { repositoryFor } from '../../database/repository/repository-for';
import { School } from './school';

/** What a user does in the clinic. */
export const userRoles = ['ADMIN', 'PHYSICIAN', 'NURSE', 'COUNSELOR', 'STAFF', 'VIEWER'] as const;
/** One of `userRoles`. */
export type UserRole = (typeof userRoles)[number];

/** Plan that a user is on. */
export const subscriptionTiers = ['FREE', 'STANDARD', 'PREMIUM'] as const;
/** One of `subscriptionTiers`. */
export type SubscriptionTier = (typeof subscriptionTiers)[number];

/** A person who works with the records. Credentials are kept by whoever signs people in. */
@Table({ tableName: 'users' })
export class User extends TenantModel<User> {
  @ForeignKey(() => School)
  @Column(DataType.UUID)
  declare schoolId: string | null;

  @BelongsTo(() => School)
  declare school?: NonAttribute<School>;

  /** In lower case. */
  @AllowNull(false)
  @Column(DataType.STRING(254))
  declare email: string;

  @AllowNull(false)
  @Column(DataType.STRING(100))
  declare firstName: string;

  @AllowNull(false)
  @Column(DataType.STRING(100))
  declare lastName: string;

  @Column(DataType.STRING(30))
  declare phone: string | null;

  @AllowNull(false)
  @Default('VIEWER')
  @Column(DataType.ENUM(...userRoles))
  declare role: CreationOptional<UserRole>;

  @AllowNull(false)
  @Default('FREE')
  @Column(DataType.ENUM(...subscriptionTiers))
  declare subscriptionTier: CreationOptional<SubscriptionTier>;

  @AllowNull(false)
  @Default(true)
  @Column(DataType.BOOLEAN)
  declare isActive: CreationOptional<boolean>;

  @Column(DataType.DATE)
  declare lastLoginAt: Date | null;
}

/** Repository of User. */
export class UserRepository extends repositoryFor(User) {
  /** E-mail addresses are stored in lower case; any case is found. */
  findByEmail(email: string) {
    return this.findOne({ where: { email: email.toLowerCase() } });
  }

  /** By name. */
  findByRole(role: UserRole) {
    return this.findAll({ where: { role }, orderBy: [{ lastName: 'ASC' }, { firstName: 'ASC' }] });
  }

  /** By name. */
  findBySchool(schoolId: string) {
    return this.findAll({ where: { schoolId }, orderBy: [{ lastName: 'ASC' }, { firstName: 'ASC' }] });
  }
}
