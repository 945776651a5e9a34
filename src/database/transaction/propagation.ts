import { PropagationError } from '../transaction.errors';
import type { Propagation } from './unit-of-work.interface';

/** What a unit of work does: begins a transaction, takes part in the open one, or runs without one. */
export type Course = 'begin' | 'join' | 'nest' | 'without';

const COURSES: Readonly<Record<Propagation, { readonly open: Course | 'refuse'; readonly none: Course | 'refuse' }>> = {
  REQUIRED: { open: 'join', none: 'begin' },
  REQUIRES_NEW: { open: 'begin', none: 'begin' },
  NESTED: { open: 'nest', none: 'begin' },
  SUPPORTS: { open: 'join', none: 'without' },
  NOT_SUPPORTED: { open: 'without', none: 'without' },
  MANDATORY: { open: 'join', none: 'refuse' },
  NEVER: { open: 'refuse', none: 'without' },
};

/** All there are. */
export const PROPAGATIONS = Object.keys(COURSES) as readonly Propagation[];

/**
 * What a propagation comes to.
 * @param open True inside an open unit.
 * @throws PropagationError for MANDATORY without an open unit, and for NEVER with one.
 */
export function courseOf(propagation: Propagation, open: boolean): Course {
  const course = COURSES[propagation][open ? 'open' : 'none'];
  if (course !== 'refuse') return course;
  throw open
    ? new PropagationError('NEVER: a unit of work is open', 'Call it outside of executeInTransaction.')
    : new PropagationError('MANDATORY: no unit of work is open', 'Call it inside of executeInTransaction.');
}
