import { RowRejection } from './row-rejection';
import type { SourceRow } from './source-row';

/** A stored visit, and who was there. */
export interface ImportedVisit {
  readonly id: string;
  readonly facilityName: string | null;
  readonly providerName: string | null;
}

const NO_VISIT = { id: null, facilityName: null, providerName: null } as const;

/** The stored visits of one patient by the id of their encounter. */
export class PatientVisits {
  private readonly visits = new Map<string, ImportedVisit>();

  constructor(readonly studentId: string) {}

  has(encounter: string): boolean {
    return this.visits.has(encounter);
  }

  add(encounter: string, visit: ImportedVisit): void {
    this.visits.set(encounter, visit);
  }

  /**
   * The visit that a row names; a row need not name one.
   * @throws RowRejection for an encounter that is not this patient's, or was rejected itself.
   */
  of(row: SourceRow): ImportedVisit | typeof NO_VISIT {
    const encounter = row.text('ENCOUNTER');
    if (encounter === null) return NO_VISIT;
    const visit = this.visits.get(encounter);
    if (visit) return visit;
    throw new RowRejection('UNKNOWN_ENCOUNTER', 'ENCOUNTER is no stored encounter of this patient');
  }
}
