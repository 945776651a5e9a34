import { createSystemExecutionContext, type IUnitOfWork, UNIT_OF_WORK } from '../../src';
import { ClinicRepository, SchoolRepository, StudentRepository, UserRepository } from '../../src/domains';
import { defineSeed } from '../../src/database/seeding/define-seed';
import { ensureRows } from '../development/ensure-rows';
import { TEST_CLINIC_ID, TEST_SCHOOL_ID, TEST_STUDENT_ID, TEST_USER_ID } from './test-identity';

export default defineSeed({
  name: 'one-of-each',
  description: 'One clinic, school, nurse and student with fixed ids, for tests of other programs',
  run: async ({ get }) => {
    const context = createSystemExecutionContext({
      clinicId: TEST_CLINIC_ID,
      requestId: 'seed-test',
      reason: 'Test data',
    });
    await get<IUnitOfWork>(UNIT_OF_WORK).executeInTransaction(async () => {
      await ensureRows(get(ClinicRepository), [{ id: TEST_CLINIC_ID, name: 'Test clinic' }]);
      await ensureRows(get(SchoolRepository), [{ id: TEST_SCHOOL_ID, name: 'Test school', code: 'TEST' }]);
      await ensureRows(get(UserRepository), [
        {
          id: TEST_USER_ID,
          email: 'nurse@test.example',
          firstName: 'Mary',
          lastName: 'Seacole',
          role: 'NURSE',
          schoolId: TEST_SCHOOL_ID,
        },
      ]);
      await ensureRows(get(StudentRepository), [
        {
          id: TEST_STUDENT_ID,
          schoolId: TEST_SCHOOL_ID,
          studentNumber: 'T-1',
          firstName: 'Ada',
          lastName: 'Lovelace',
          dateOfBirth: '2015-12-10',
          gender: 'FEMALE',
        },
      ]);
    }, context);
  },
});
