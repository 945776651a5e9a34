import { SetMetadata } from '@nestjs/common';

/** Metadata key of `Public`. */
export const PUBLIC = 'app:public';

/** The route, or all routes of the controller, need no token. */
export const Public = () => SetMetadata(PUBLIC, true);
