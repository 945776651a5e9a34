import type { Faker } from '@faker-js/faker';
import type { CreateInput } from '../../src';
import {
  ClinicRepository,
  DistrictRepository,
  type School,
  SchoolRepository,
  type User,
  UserRepository,
} from '../../src/domains';
import type { SeedContext } from '../../src/database/seeding/define-seed';
import { DEMO_CLINIC_ID, DEMO_DISTRICT_ID, DEMO_SCHOOL_IDS, DEMO_USER_IDS } from './demo-identity';
import { ensureRows } from './ensure-rows';

const place = { city: 'Springfield', state: 'Massachusetts' } as const;

/** The demo clinic with its district, schools and a user of each role. Call it inside a unit of work. */
export async function ensureDemoOrganisation({ get }: SeedContext, faker: Faker): Promise<void> {
  await ensureRows(get(ClinicRepository), [
    {
      id: DEMO_CLINIC_ID,
      name: 'Demo School Health',
      npi: '1234567893',
      phone: '555-0100',
      timeZone: 'America/New_York',
      ...place,
    },
  ]);
  await ensureRows(get(DistrictRepository), [
    { id: DEMO_DISTRICT_ID, name: 'Springfield Public Schools', code: 'SPS', ...place },
  ]);
  await ensureRows(get(SchoolRepository), schools(faker));
  await ensureRows(get(UserRepository), users(faker));
}

function schools(faker: Faker): (CreateInput<School> & { id: string })[] {
  const names = [
    ['Maple Elementary School', 'MAPLE'],
    ['Lincoln Middle School', 'LINCOLN'],
    ['Springfield High School', 'SHS'],
  ] as const;
  return names.map(([name, code], i) => ({
    id: DEMO_SCHOOL_IDS[i]!,
    districtId: DEMO_DISTRICT_ID,
    name,
    code,
    principalName: faker.person.fullName(),
    phone: `555-011${i}`,
    address: faker.location.streetAddress(),
    postalCode: '01101',
    ...place,
  }));
}

function users(faker: Faker): (CreateInput<User> & { id: string })[] {
  return Object.entries(DEMO_USER_IDS).map(([role, id]) => ({
    id,
    role: role as keyof typeof DEMO_USER_IDS,
    email: `${role.toLowerCase()}@demo.example`,
    firstName: faker.person.firstName(),
    lastName: faker.person.lastName(),
    subscriptionTier: 'PREMIUM',
    schoolId: role === 'NURSE' || role === 'COUNSELOR' ? DEMO_SCHOOL_IDS[0] : null,
  }));
}
