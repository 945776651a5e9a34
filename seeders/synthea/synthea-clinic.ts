import { createSystemExecutionContext, type ExecutionContext } from '../../src';
import { ClinicRepository, SchoolRepository } from '../../src/domains';
import type { SeedContext } from '../../src/database/seeding/define-seed';

/** The demo clinic that imported patients belong to. */
export const SYNTHEA_CLINIC_ID = '5e117ea0-0000-7000-8000-000000000001';
/** The school of that clinic where imported patients are enrolled, adults too. */
export const SYNTHEA_SCHOOL_ID = '5e117ea0-0000-7000-8000-000000000002';

/** On whose behalf the import writes. */
export function syntheaContext(): ExecutionContext {
  return createSystemExecutionContext({
    clinicId: SYNTHEA_CLINIC_ID,
    requestId: 'seed-synthea',
    reason: 'Import of a Synthea export',
  });
}

/** Creates the clinic and its school where they are missing. Call it inside a unit of work. */
export async function ensureSyntheaClinic({ get }: Pick<SeedContext, 'get'>): Promise<void> {
  const clinics = get(ClinicRepository);
  const schools = get(SchoolRepository);
  if (!(await clinics.exists(SYNTHEA_CLINIC_ID, { withDeleted: true }))) {
    await clinics.create({
      id: SYNTHEA_CLINIC_ID,
      name: 'Synthea demo clinic',
      kind: 'PRACTICE',
      state: 'Massachusetts',
    });
  }
  if (!(await schools.exists(SYNTHEA_SCHOOL_ID, { withDeleted: true }))) {
    await schools.create({
      id: SYNTHEA_SCHOOL_ID,
      name: 'Synthea demo school',
      code: 'SYNTHEA',
      state: 'Massachusetts',
    });
  }
}
