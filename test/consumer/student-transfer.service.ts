import { Inject, Injectable } from '@nestjs/common';
import type { ExecutionContext, IAuditLogger, IUnitOfWork } from '../../src';
import { StudentRepository } from '../../src/domains';
import { RecipeHealthRecordRepository } from './health-record.repository';

/** The unit of work of document 003: a transfer of three writes, none of which is handed a transaction (003-22). */
@Injectable()
export class StudentTransferService {
  constructor(
    @Inject('IUnitOfWork') private readonly unitOfWork: IUnitOfWork,
    private readonly studentRepository: StudentRepository,
    private readonly healthRecordRepository: RecipeHealthRecordRepository,
    @Inject('IAuditLogger') private readonly auditLogger: IAuditLogger,
  ) {}

  /** @param failAfter Throws after so many steps: the test's fault. */
  async transferStudent(studentId: string, newSchoolId: string, context: ExecutionContext, failAfter = Infinity) {
    let steps = 0;
    const step = (): void => {
      steps += 1;
      if (steps > failAfter) throw new Error('fault');
    };
    return await this.unitOfWork.executeInTransaction(async () => {
      step();
      const student = await this.studentRepository.update(studentId, { schoolId: newSchoolId }, context);

      step();
      await this.healthRecordRepository.create(
        { studentId, recordType: 'TRANSFER', notes: `Transferred to school ${newSchoolId}` },
        context,
      );

      step();
      await this.auditLogger.logUpdate('Student', studentId, context, {
        schoolId: { before: student.schoolId, after: newSchoolId },
      });

      step();
      return student;
    }, context);
  }
}
