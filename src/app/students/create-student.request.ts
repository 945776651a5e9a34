import { Uuid } from '../validation/fields';
import { StudentFields } from './student.fields';

/** Body of `POST /students`. */
export class CreateStudentRequest extends StudentFields {
  @Uuid({ optional: true })
  readonly schoolId?: string | null;
}
