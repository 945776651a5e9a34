import { Injectable } from '@nestjs/common';
import type { CreateInput, ExecutionContext, UpdateInput } from '../../src';
import { type Student, StudentRepository } from '../../src/domains';

export type CreateStudentDTO = CreateInput<Student>;
export type UpdateStudentDTO = UpdateInput<Student>;

/** Examples 1 and 2 of document 003: simple CRUD, and a paginated query with two sort keys. */
@Injectable()
export class StudentService {
  constructor(private readonly studentRepository: StudentRepository) {}

  async getStudent(id: string) {
    return await this.studentRepository.findById(id);
  }

  async createStudent(data: CreateStudentDTO, context: ExecutionContext) {
    return await this.studentRepository.create(data, context);
  }

  async updateStudent(id: string, data: UpdateStudentDTO, context: ExecutionContext) {
    return await this.studentRepository.update(id, data, context);
  }

  async deleteStudent(id: string, context: ExecutionContext) {
    await this.studentRepository.delete(id, context);
  }

  async getStudentsByGrade(grade: string, page: number = 1, limit: number = 20) {
    return await this.studentRepository.findMany({
      where: { grade, isActive: true },
      orderBy: [{ lastName: 'ASC' }, { firstName: 'ASC' }],
      pagination: { page, limit },
    });
  }
}
