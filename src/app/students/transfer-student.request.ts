import { Text, Uuid } from '../validation/fields';

/** Body of `POST /students/:id/transfer`. */
export class TransferStudentRequest {
  @Uuid({ description: 'The new school.' })
  readonly schoolId!: string;

  @Text(500, { optional: true, example: 'Moved house' })
  readonly reason?: string | null;
}
