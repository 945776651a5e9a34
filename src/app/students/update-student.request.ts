import { PartialType } from '@nestjs/swagger';
import { WholeNumber } from '../validation/fields';
import { StudentFields } from './student.fields';

const INT4 = 2_147_483_647;

/** Body of `PATCH /students/:id`: what changes. The school changes by a transfer, which leaves a record. */
export class UpdateStudentRequest extends PartialType(StudentFields) {
  @WholeNumber(1, INT4, {
    description: 'The version that was read; another one in the database is a conflict.',
    example: 1,
  })
  readonly version!: number;
}
