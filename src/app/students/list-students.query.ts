import type { Entity, OrderBy } from '../../index';
import type { Student } from '../../domains';
import { Flag, FromDigits, FromWord, Pattern, Text, Uuid, WholeNumber } from '../validation/fields';

const sortable = ['lastName', 'firstName', 'dateOfBirth', 'grade', 'enrollmentDate', 'createdAt', 'updatedAt'] as const;
const key = `-?(${sortable.join('|')})`;
const SORT = new RegExp(`^${key}(,${key}){0,3}$`);

const CURSOR = /^[\w-]{1,4096}$/;

/** Which students, and in which order. No name to search by: addresses end up in logs, and a name is PHI. */
class StudentsQuery {
  @Text(10, { optional: true, example: '5' })
  readonly grade?: string;

  @Uuid({ optional: true })
  readonly schoolId?: string;

  @FromWord()
  @Flag({ optional: true })
  readonly isActive?: boolean;

  @FromDigits()
  @WholeNumber(1, 100, { optional: true, description: 'Rows a page, default 20.' })
  readonly limit?: number;

  @Pattern(SORT, `one to four of ${sortable.join(', ')}, separated by commas, with - in front for descending`, {
    optional: true,
    example: 'lastName,-createdAt',
    description: 'Default lastName,firstName.',
  })
  readonly sort?: string;
}

/** Query of `GET /students`. */
export class ListStudentsQuery extends StudentsQuery {
  @FromDigits()
  @WholeNumber(1, 100_000, { optional: true, description: 'From 1.' })
  readonly page?: number;
}

/** Query of `GET /students/scroll`. The cursors show nothing of the rows: an address may hold them. */
export class ScrollStudentsQuery extends StudentsQuery {
  @Pattern(CURSOR, 'a cursor of an earlier answer', { optional: true, description: '`cursors.next` of an answer.' })
  readonly after?: string;

  @Pattern(CURSOR, 'a cursor of an earlier answer', { optional: true, description: '`cursors.previous` of an answer.' })
  readonly before?: string;
}

/** The filter of a query. What was not asked for must not be there: `undefined` is refused, not ignored. */
export function filterOf({ grade, schoolId, isActive }: StudentsQuery) {
  return {
    ...(grade === undefined ? {} : { grade }),
    ...(schoolId === undefined ? {} : { schoolId }),
    ...(isActive === undefined ? {} : { isActive }),
  };
}

/** @param sort As the query's pattern allows: `lastName,-createdAt`. */
export function sortKeys(sort = 'lastName,firstName'): OrderBy<Entity<Student>>[] {
  return sort.split(',').map((item) => (item.startsWith('-') ? { [item.slice(1)]: 'DESC' } : { [item]: 'ASC' }));
}
