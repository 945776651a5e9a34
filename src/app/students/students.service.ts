import { Inject, Injectable } from '@nestjs/common';
import {
  AUDIT_LOGGER,
  type AuditEvent,
  type CreateInput,
  type Entity,
  type IAuditLogger,
  type KeysetPage,
  NotFoundError,
  type PaginatedResult,
  type UpdateInput,
} from '../../index';
import { SchoolRepository, type Student, StudentRepository } from '../../domains';
import { filterOf, type ListStudentsQuery, type ScrollStudentsQuery, sortKeys } from './list-students.query';
import { schoolAttributes, type StudentSummary, summaryAttributes } from './student.response';

/** Students of the clinic that the request acts for. */
@Injectable()
export class StudentsService {
  constructor(
    private readonly students: StudentRepository,
    private readonly schools: SchoolRepository,
    @Inject(AUDIT_LOGGER) private readonly auditLogger: IAuditLogger,
  ) {}

  list({ page, limit, sort, ...query }: ListStudentsQuery): Promise<PaginatedResult<StudentSummary>> {
    return this.students.findMany({
      where: filterOf(query),
      orderBy: sortKeys(sort),
      pagination: { page, limit },
      select: summaryAttributes,
    });
  }

  /** @throws InvalidCursorError for a cursor of another clinic, filter or order. */
  scroll({ after, before, limit, sort, ...query }: ScrollStudentsQuery): Promise<KeysetPage<StudentSummary>> {
    return this.students.findPage({
      where: filterOf(query),
      orderBy: sortKeys(sort),
      limit,
      after,
      before,
      select: summaryAttributes,
    });
  }

  /**
   * A student and the school, in one statement.
   * @throws NotFoundError
   */
  async get(id: string) {
    const found = await this.students.findOne({ where: { id }, include: { school: { select: schoolAttributes } } });
    if (!found) throw new NotFoundError('Student', id);
    return found;
  }

  /** @throws NotFoundError for a school that is deleted or of another clinic. */
  async create(input: CreateInput<Student>): Promise<Entity<Student>> {
    if (input.schoolId) await this.schools.findByIdOrFail(input.schoolId);
    return this.students.create(input);
  }

  /** @throws ConflictError when the student is no longer at `version`. */
  update(id: string, version: number, patch: UpdateInput<Student>): Promise<Entity<Student>> {
    return this.students.update(id, patch, undefined, { expectedVersion: version });
  }

  /** The student can be restored. */
  delete(id: string): Promise<void> {
    return this.students.delete(id);
  }

  /** @throws NotFoundError unless the student is deleted. */
  restore(id: string): Promise<Entity<Student>> {
    return this.students.restore(id);
  }

  /** What was done to the student and its enrolment, newest first; also of a deleted student. */
  async trail(id: string): Promise<readonly AuditEvent[]> {
    await this.students.findByIdOrFail(id, { withDeleted: true });
    const enrolment = await this.auditLogger.trail('Enrollment', id);
    const student = await this.auditLogger.trail('Student', id);
    return [...enrolment, ...student].toSorted((a, b) => b.at.getTime() - a.at.getTime());
  }
}
