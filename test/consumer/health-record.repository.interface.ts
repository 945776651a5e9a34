import type { IRepository } from '../../src';
import type { RecordType } from '../../src/domains';

export interface HealthRecordAttributes {
  id: string;
  studentId: string;
  recordType: RecordType;
  diagnosis: string | null;
  notes: string | null;
}

export interface CreateHealthRecordDTO {
  studentId: string;
  recordType: RecordType;
  diagnosis?: string;
  notes?: string;
}

export interface UpdateHealthRecordDTO {
  diagnosis?: string;
}

/** Step 1 of the recipe of document 003: the interface (003-17). */
export interface IHealthRecordRepository extends IRepository<
  HealthRecordAttributes,
  CreateHealthRecordDTO,
  UpdateHealthRecordDTO
> {
  findByStudent(studentId: string): Promise<HealthRecordAttributes[]>;
  findByRecordType(recordType: RecordType): Promise<HealthRecordAttributes[]>;
}
