import { ConfigurationError, createSystemExecutionContext, type IUnitOfWork, UNIT_OF_WORK } from '../../src';
import { defineSeed } from '../../src/database/seeding/define-seed';
import { MedicationRepository } from '../../src/domains';
import { upsertMedications } from './medications';

export default defineSeed({
  name: 'medications',
  description: 'The catalogue of drugs of one clinic (--clinic), by RxNorm code',
  run: async ({ get, options, log, emit }) => {
    if (!options.clinic) {
      throw new ConfigurationError('--clinic is missing: the id of the clinic whose catalogue is meant', 'Add it.');
    }
    const context = createSystemExecutionContext({ clinicId: options.clinic, reason: 'Seed of reference data' });
    const ids = await upsertMedications(get(MedicationRepository), get<IUnitOfWork>(UNIT_OF_WORK), context);
    log(`${ids.size} drugs`);
    emit({ event: 'counts', entity: 'Medication', rows: ids.size });
  },
});
