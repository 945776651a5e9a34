import { z } from 'zod';
import { ConfigurationError, type DatabaseModuleOptions, readOptions } from '../index';
import { readJwtSecret } from './auth/jwt-secret';

/** Token of the options in Nest's container. */
export const APP_OPTIONS = Symbol('AppOptions');

/** What the application is made with. */
export interface AppOptions {
  /** Over what the environment says. */
  readonly database?: DatabaseModuleOptions;
  /** Key of HS256, at least 32 bytes (RFC 7518, 3.2). */
  readonly jwtSecret: string;
}

/** Where the server listens. */
export interface ServerOptions {
  /** Default 127.0.0.1: demo data is not offered to the network by accident. */
  readonly host: string;
  /** TCP port, default 3000; 0 takes a free one. */
  readonly port: number;
}

const environmentSchema = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  HOST: z.string().default('127.0.0.1'),
});

/**
 * Reads the options from environment variables; empty ones count as not set.
 * @throws ConfigurationError that names the variable, never its value.
 */
export function readAppOptions(env: Record<string, string | undefined> = process.env): AppOptions & ServerOptions {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    throw new ConfigurationError(
      'PORT is not a port number',
      'Set PORT to a whole number from 0 to 65535, or unset it for 3000.',
    );
  }
  const jwtSecret = readJwtSecret(given.JWT_SECRET, readOptions(env));
  return { jwtSecret, host: parsed.data.HOST, port: parsed.data.PORT };
}
