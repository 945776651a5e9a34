import { DatabaseError } from '../../src';

/** The folder or a file in it is not a Synthea CSV export. Raised before anything is stored. */
export class SyntheaInputError extends DatabaseError {
  readonly code = 'SYNTHEA_INPUT';
  readonly status = 400;
}

/** The counts at the end do not add up: a row was lost on the way. A fault of the importer. */
export class SyntheaCountError extends DatabaseError {
  readonly code = 'SYNTHEA_COUNT';
  readonly status = 500;
}
