import { AllowNull, Column, DataType, Table } from 'sequelize-typescript';
import { v7 as uuidv7 } from 'uuid';
import { BaseModel, TenantModel } from '../../src';

/** The table without row security and audit. */
@Table({ tableName: 'plain_records' })
export class PlainRecord extends BaseModel<PlainRecord> {
  @AllowNull(false) @Column(DataType.STRING(50)) declare number: string;
  @AllowNull(false) @Column(DataType.STRING(100)) declare firstName: string;
  @AllowNull(false) @Column(DataType.STRING(100)) declare lastName: string;
  @AllowNull(false) @Column(DataType.DATEONLY) declare dateOfBirth: string;
  @AllowNull(false) @Column(DataType.STRING(10)) declare grade: string;
  @Column(DataType.STRING(300)) declare address: string | null;
  @Column(DataType.TEXT) declare notes: string | null;
  @AllowNull(false) @Column(DataType.INTEGER) declare visits: number;
  @AllowNull(false) @Column(DataType.BOOLEAN) declare isActive: boolean;
}

/** The same with a clinic, row security and audit triggers. */
@Table({ tableName: 'protected_records' })
export class ProtectedRecord extends TenantModel<ProtectedRecord> {
  @AllowNull(false) @Column(DataType.STRING(50)) declare number: string;
  @AllowNull(false) @Column(DataType.STRING(100)) declare firstName: string;
  @AllowNull(false) @Column(DataType.STRING(100)) declare lastName: string;
  @AllowNull(false) @Column(DataType.DATEONLY) declare dateOfBirth: string;
  @AllowNull(false) @Column(DataType.STRING(10)) declare grade: string;
  @Column(DataType.STRING(300)) declare address: string | null;
  @Column(DataType.TEXT) declare notes: string | null;
  @AllowNull(false) @Column(DataType.INTEGER) declare visits: number;
  @AllowNull(false) @Column(DataType.BOOLEAN) declare isActive: boolean;
}

/** What a caller passes to create. */
export interface RecordInput {
  readonly number: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly dateOfBirth: string;
  readonly grade: string;
  readonly address: string;
  readonly notes: string;
  readonly visits: number;
  readonly isActive: boolean;
}

/** Grades of the stored records, on which pages are read. */
export const GRADES = ['K', '1', '2', '3', '4', '5', '6', '7'] as const;

/** Grade of what a run creates, so that pages and counts stay as they were. */
export const NEW_GRADE = 'new';

const FIRST = ['Ada', 'Ben', 'Chloé', 'Dmitri', 'Elif', 'Femi', 'Grete', 'Hùng', 'Ines', 'Jun', 'Kofi'];
const LAST = [
  'Abara',
  'Brandt',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ito',
  'Jansen',
  'Kowalski',
  'Lévy',
  'Mbeki',
];

/** The n-th record: the same in every run. */
export function recordInput(n: number, grade: string = GRADES[n % GRADES.length]!): RecordInput {
  return {
    number: `R-${n}`,
    firstName: FIRST[n % FIRST.length]!,
    lastName: LAST[n % LAST.length]!,
    dateOfBirth: `20${String(10 + (n % 9))}-0${1 + (n % 9)}-${String(10 + (n % 18))}`,
    grade,
    address: `${1 + (n % 400)} Station Road, Apartment ${n % 30}`,
    notes: `Seen by the school nurse ${n % 50} times. Carries an inhaler; parents are to be called first.`,
    visits: n % 50,
    isActive: true,
  };
}

/** An id as the library makes them, for peers that do not make their own. */
export const newId = (): string => uuidv7();
