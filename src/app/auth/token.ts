import { jwtVerify, SignJWT } from 'jose';

/** Who a token speaks for. */
export interface TokenClaims {
  /** UUID of the user: the claim `sub`. */
  readonly userId: string;
  readonly role: string;
  /** UUID of the clinic that the user acts for. */
  readonly clinicId: string;
}

const ISSUER = 'nestjs-phi-database';
const AUDIENCE = 'nestjs-phi-database-api';
const ALGORITHM = 'HS256';
/** Clocks of issuer and verifier may differ by so many seconds. */
const CLOCK_TOLERANCE_S = 5;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const ROLE = /^[A-Z]{1,30}$/;

/** @param hours How long the token is valid. */
export function signToken({ userId, role, clinicId }: TokenClaims, secret: string, hours: number): Promise<string> {
  return new SignJWT({ role, clinicId })
    .setProtectedHeader({ alg: ALGORITHM })
    .setSubject(userId)
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + Math.round(hours * 3600))
    .sign(Buffer.from(secret));
}

/**
 * Verifies signature, algorithm, issuer, audience and time, and that every claim is there (RFC 8725, 3.1 and 3.8-3.9).
 * @throws Error for whatever is wrong; the caller answers all of it alike.
 */
export async function verifyToken(token: string, secret: string): Promise<TokenClaims> {
  const { payload } = await jwtVerify(token, Buffer.from(secret), {
    algorithms: [ALGORITHM],
    issuer: ISSUER,
    audience: AUDIENCE,
    requiredClaims: ['sub', 'exp'],
    clockTolerance: CLOCK_TOLERANCE_S,
  });
  const { sub: userId, role, clinicId } = payload;
  if (!matches(userId, UUID) || !matches(role, ROLE) || !matches(clinicId, UUID)) throw new Error('A claim is missing');
  return { userId, role, clinicId };
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}
