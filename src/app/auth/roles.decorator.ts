import { SetMetadata } from '@nestjs/common';
import type { UserRole } from '../../domains';

/** Metadata key of `Roles`. */
export const ROLES = 'app:roles';

/** Who may change records: everybody but a VIEWER. */
export const WRITERS: readonly UserRole[] = ['ADMIN', 'PHYSICIAN', 'NURSE', 'COUNSELOR', 'STAFF'];

/** Only these roles may call the route. A route that writes and names none is closed to all (003-46). */
export const Roles = (...roles: readonly UserRole[]) => SetMetadata(ROLES, roles);
