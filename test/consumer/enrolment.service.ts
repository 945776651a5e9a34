import { Inject, Injectable } from '@nestjs/common';
import type { ExecutionContext, IAuditLogger, IUnitOfWork } from '../../src';
import { StudentRepository } from '../../src/domains';
import { RecipeHealthRecordRepository } from './health-record.repository';
import type { CreateHealthRecordDTO } from './health-record.repository.interface';
import type { CreateStudentDTO } from './student.service';

/** Example 3 of document 003: an enrolment whose audit entry is part of the unit (003-27). */
@Injectable()
export class EnrolmentService {
  constructor(
    @Inject('IUnitOfWork') private readonly unitOfWork: IUnitOfWork,
    private readonly studentRepository: StudentRepository,
    private readonly healthRecordRepository: RecipeHealthRecordRepository,
    @Inject('IAuditLogger') private readonly auditLogger: IAuditLogger,
  ) {}

  /** @param failAfter Throws after so many steps: the test's fault. */
  async enrollStudent(
    studentData: CreateStudentDTO,
    healthData: Omit<CreateHealthRecordDTO, 'studentId'>,
    context: ExecutionContext,
    failAfter = Infinity,
  ) {
    let steps = 0;
    const step = (): void => {
      steps += 1;
      if (steps > failAfter) throw new Error('fault');
    };
    return await this.unitOfWork.executeInTransaction(async () => {
      step();
      const student = await this.studentRepository.create(studentData, context);

      step();
      await this.healthRecordRepository.create({ ...healthData, studentId: student.id }, context);

      step();
      await this.auditLogger.logCreate('Enrollment', student.id, context, { action: 'STUDENT_ENROLLED' });

      step();
      return student;
    }, context);
  }
}
