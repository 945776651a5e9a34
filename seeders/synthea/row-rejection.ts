/**
 * Why a row cannot be stored. What a repository refuses carries the repository's own code instead, for example
 * `CHECK_VIOLATION`.
 */
export type RejectionCode =
  | 'WRONG_COLUMN_COUNT'
  | 'UNKNOWN_PATIENT'
  | 'UNKNOWN_ENCOUNTER'
  | 'DUPLICATE_ID'
  | 'STUDENT_EXISTS'
  | 'MISSING_VALUE'
  | 'BAD_DATE'
  | 'BAD_PERIOD'
  | 'BAD_NUMBER'
  | 'BAD_CODE'
  | 'BAD_VALUE';

/** Thrown while a row is mapped. The reason names columns, never a value. */
export class RowRejection extends Error {
  constructor(
    readonly code: RejectionCode,
    readonly reason: string,
  ) {
    super(reason);
  }
}
