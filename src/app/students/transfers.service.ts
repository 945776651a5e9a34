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
   * Transfers that meet follow one another, so each record names the school that the student really came from.
   * @throws NotFoundError for a student or school that is deleted or of another clinic.
   */
  transfer(id: string, schoolId: string, reason?: string | null): Promise<Entity<Student>> {
    return this.unitOfWork.executeInTransaction(async () => {
      const school = await this.schools.findByIdOrFail(schoolId);
      let from: string | null = null;
      const moved = await this.students.update(id, (student) => {
        if (student.schoolId === school.id) throw new SameSchoolError();
        from = student.schoolId;
        return { schoolId: school.id };
      });
      await this.records.create({
        studentId: moved.id,
        recordType: 'TRANSFER',
        title: 'Transfer to another school',
        description: `From school ${from ?? 'none'} to school ${school.id}`,
        reason: reason ?? null,
      });
      return moved;
    });
  }
}
