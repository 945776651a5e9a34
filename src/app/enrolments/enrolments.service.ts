import { Inject, Injectable } from '@nestjs/common';
import {
  AUDIT_LOGGER,
  currentContext,
  type IAuditLogger,
  InjectUnitOfWork,
  type IUnitOfWork,
  MissingContextError,
} from '../../index';
import {
  AllergyRepository,
  EmergencyContactRepository,
  HealthRecordRepository,
  SchoolRepository,
  StudentRepository,
} from '../../domains';
import { toStudentResponse } from '../students/student.response';
import type { CreateEnrolmentRequest } from './create-enrolment.request';
import type { EnrolmentResponse } from './enrolment.response';

/** Takes students in. */
@Injectable()
export class EnrolmentsService {
  constructor(
    @InjectUnitOfWork() private readonly unitOfWork: IUnitOfWork,
    @Inject(AUDIT_LOGGER) private readonly auditLogger: IAuditLogger,
    private readonly students: StudentRepository,
    private readonly schools: SchoolRepository,
    private readonly contacts: EmergencyContactRepository,
    private readonly allergies: AllergyRepository,
    private readonly records: HealthRecordRepository,
  ) {}

  /**
   * Stores the student, whom to call, what is dangerous and what was found, and the audit entry of the enrolment: all of
   * it, or nothing (003-21, 003-27).
   */
  enrol({ student, emergencyContacts, allergies, healthRecord }: CreateEnrolmentRequest): Promise<EnrolmentResponse> {
    return this.unitOfWork.executeInTransaction(async () => {
      const context = currentContext();
      if (!context) throw new MissingContextError('EnrolmentsService.enrol');
      if (student.schoolId) await this.schools.findByIdOrFail(student.schoolId);
      const enrolled = await this.students.create(student);
      const studentId = enrolled.id;
      const contacts = await this.contacts.bulkCreate(
        (emergencyContacts ?? []).map((contact) => ({ ...contact, studentId })),
      );
      const known = await this.allergies.bulkCreate((allergies ?? []).map((allergy) => ({ ...allergy, studentId })));
      const record = await this.records.create({
        title: 'Enrolment',
        ...healthRecord,
        studentId,
        recordType: 'ENROLLMENT',
      });
      await this.auditLogger.logCreate('Enrollment', studentId, context, { action: 'STUDENT_ENROLLED' });
      return {
        student: toStudentResponse(enrolled),
        emergencyContactIds: contacts.map(({ id }) => id),
        allergyIds: known.map(({ id }) => id),
        healthRecordId: record.id,
      };
    });
  }
}
