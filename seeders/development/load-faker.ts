import type { Faker } from '@faker-js/faker';
import { ConfigurationError } from '../../src';

/** The day on which the demo takes place: ages, histories and appointments are told from here. */
export const REFERENCE_DATE = new Date('2026-01-15T15:00:00Z');

/** A day in ms. */
export const DAY_MS = 86_400_000;

/**
 * A source of invented people. It is loaded here only, for it is a dependency of development.
 * @param seed The same number gives the same people.
 * @throws ConfigurationError when the package is not installed.
 */
export async function loadFaker(seed: number): Promise<Faker> {
  const module = await import('@faker-js/faker').catch(() => {
    throw new ConfigurationError(
      'The set development needs the package @faker-js/faker',
      'npm install --save-dev @faker-js/faker',
    );
  });
  const faker = new module.Faker({ locale: [module.en, module.base], seed });
  faker.setDefaultRefDate(REFERENCE_DATE);
  return faker;
}

/** The point in time some days before the reference date; negative: after it. */
export function daysBefore(days: number): Date {
  return new Date(REFERENCE_DATE.getTime() - days * DAY_MS);
}

/** The same on a day with school: Saturday and Sunday give Friday. */
export function schoolDayBefore(days: number): Date {
  const weekday = daysBefore(days).getUTCDay();
  return daysBefore(days + (weekday === 6 ? 1 : weekday === 0 ? 2 : 0));
}

/** The date of a point in time, as YYYY-MM-DD. */
export function dateOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
