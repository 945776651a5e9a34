import { createSystemExecutionContext, type IUnitOfWork, UNIT_OF_WORK } from '../../src';
import { ClinicRepository, SchoolRepository, StudentRepository } from '../../src/domains';
import { defineSeed } from '../../src/database/seeding/define-seed';
import { OTHER_DEMO_CLINIC_ID } from './demo-identity';
import { ensureRows } from './ensure-rows';
import { stableId } from './stable-id';

const schoolId = stableId(OTHER_DEMO_CLINIC_ID, 'School');

/** A second tenant. Its student has the number of one in the demo clinic: numbers are a clinic's own. */
export const otherDemoClinic = defineSeed({
  name: 'other-demo-clinic',
  description: 'A second clinic with one student, whom the first cannot see',
  run: async ({ get }) => {
    const context = createSystemExecutionContext({
      clinicId: OTHER_DEMO_CLINIC_ID,
      requestId: 'seed-development',
      reason: 'Demo data',
    });
    await get<IUnitOfWork>(UNIT_OF_WORK).executeInTransaction(async () => {
      await ensureRows(get(ClinicRepository), [
        { id: OTHER_DEMO_CLINIC_ID, name: 'Riverside Practice', kind: 'PRACTICE' },
      ]);
      await ensureRows(get(SchoolRepository), [{ id: schoolId, name: 'Riverside School', code: 'RIVERSIDE' }]);
      await ensureRows(get(StudentRepository), [
        {
          id: stableId(OTHER_DEMO_CLINIC_ID, 'Student'),
          schoolId,
          studentNumber: 'S-1001',
          firstName: 'Grace',
          lastName: 'Hopper',
          dateOfBirth: '2014-12-09',
          gender: 'FEMALE',
          grade: '5',
        },
      ]);
    }, context);
  },
});
