/** The clinic that the development seed fills, and that `npm run token` signs for. */
export const DEMO_CLINIC_ID = 'de300000-0000-7000-8000-000000000001';

/** A small clinic beside it, to see that neither can see the other. */
export const OTHER_DEMO_CLINIC_ID = 'de300000-0000-7000-8000-000000000002';

/** The district of the demo clinic's schools. */
export const DEMO_DISTRICT_ID = 'de300000-0000-7000-8000-000000000010';

/** The schools of the demo clinic. */
export const DEMO_SCHOOL_IDS = [
  'de300000-0000-7000-8000-000000000011',
  'de300000-0000-7000-8000-000000000012',
  'de300000-0000-7000-8000-000000000013',
] as const;

/** One user of the demo clinic for each role. */
export const DEMO_USER_IDS = {
  ADMIN: 'de300000-0000-7000-8000-000000000021',
  PHYSICIAN: 'de300000-0000-7000-8000-000000000022',
  NURSE: 'de300000-0000-7000-8000-000000000023',
  COUNSELOR: 'de300000-0000-7000-8000-000000000024',
  STAFF: 'de300000-0000-7000-8000-000000000025',
  VIEWER: 'de300000-0000-7000-8000-000000000026',
} as const;
