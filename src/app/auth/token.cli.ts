import { parseArgs } from 'node:util';
import { DEMO_CLINIC_ID, DEMO_USER_IDS } from '../../../seeders/development/demo-identity';
import { ConfigurationError, DatabaseError } from '../../database/database.errors';
import { readOptions } from '../../database/database.options';
import { readJwtSecret } from './jwt-secret';
import { signToken, verifyToken } from './token';

const USAGE = `npm run token [-- --role NURSE --clinic UUID --user UUID --hours 8]
Prints a bearer token for development. Default: the nurse of the demo clinic, for 8 hours.
Roles: ${Object.keys(DEMO_USER_IDS).join(', ')}.`;
const MAX_HOURS = 24 * 30;

/** Only the token goes to stdout, so that TOKEN=$(npm run --silent token) works. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      role: { type: 'string', default: 'NURSE' },
      clinic: { type: 'string', default: DEMO_CLINIC_ID },
      user: { type: 'string' },
      hours: { type: 'string', default: '8' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return say(USAGE);
  const database = readOptions(process.env);
  if (database.production) {
    throw new ConfigurationError(
      'Development tokens are not made in production',
      'Let your identity provider sign people in.',
    );
  }
  const secret = readJwtSecret(process.env.JWT_SECRET, database);
  const hours = Number(values.hours);
  if (!isDemoRole(values.role) || !(hours > 0 && hours <= MAX_HOURS)) {
    throw new ConfigurationError(
      `--role takes ${Object.keys(DEMO_USER_IDS).join(', ')}; --hours more than 0, up to ${MAX_HOURS}`,
      USAGE,
    );
  }
  const claims = { userId: values.user ?? DEMO_USER_IDS[values.role], role: values.role, clinicId: values.clinic };
  const token = await signToken(claims, secret, hours);
  await verifyToken(token, secret).catch(() => {
    throw new ConfigurationError('--clinic and --user take a UUID', USAGE);
  });
  say(`${claims.role} of clinic ${claims.clinicId}, valid for ${hours} h.`);
  process.stdout.write(`${token}\n`);
}

function isDemoRole(role: string): role is keyof typeof DEMO_USER_IDS {
  return Object.hasOwn(DEMO_USER_IDS, role);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

main().catch((error: unknown) => {
  const known = error instanceof DatabaseError;
  say(
    known
      ? `${error.code}: ${error.message}\n${error.hint}`
      : `${error instanceof Error ? error.message : 'unknown error'}\n${USAGE}`,
  );
  process.exitCode = 2;
});
