import { Injectable } from '@nestjs/common';
import { type Entity, InjectUnitOfWork, type IUnitOfWork } from '../../index';
import { HealthRecordRepository, SchoolRepository, type Student, StudentRepository } from '../../domains';
import { SameSchoolError } from '../errors/request.errors';

/** Moves students between schools. */
@Injectable()
export class TransfersService {
  constructor(
    @InjectUnitOfWork() private readonly unitOfWork: IUnitOfWork,
    private readonly students: StudentRepository,
    private readonly schools: SchoolRepository,
    private readonly records: HealthRecordRepository,
  ) {}

  /**
   * Changes the school and writes the record of it: both, or neither (003-21).
   * @throws NotFoundError for a student or school that is deleted or of another clinic.
   * @throws ConflictError when somebody else changed the student meanwhile.
   */
  transfer(id: string, schoolId: string, reason?: string | null): Promise<Entity<Student>> {
    return this.unitOfWork.executeInTransaction(async () => {
      const student = await this.students.findByIdOrFail(id);
      const school = await this.schools.findByIdOrFail(schoolId);
      if (student.schoolId === school.id) throw new SameSchoolError();
      const moved = await this.students.update(id, { schoolId: school.id }, undefined, {
        expectedVersion: student.version,
      });
      await this.records.create({
        studentId: student.id,
        recordType: 'TRANSFER',
        title: 'Transfer to another school',
        description: `From school ${student.schoolId ?? 'none'} to school ${school.id}`,
        reason: reason ?? null,
      });
      return moved;
    });
  }
}
