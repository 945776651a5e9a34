/** What keeps a session from beginning, in words for people. */
export interface ConnectFailure {
  readonly kind: 'login' | 'no password' | 'no TLS' | 'TLS' | 'database' | 'unreachable';
  /** Follows the name of the server, such as `cannot be reached (ECONNREFUSED)`. Never holds the password. */
  readonly text: string;
}

/**
 * Tells why `pg` could not connect.
 * @param username Login that was tried.
 */
export function connectFailure(error: unknown, username: string | undefined): ConnectFailure {
  const { code, message = '' } = (error ?? {}) as { code?: string; message?: string };
  if (code?.startsWith('28')) return { kind: 'login', text: `refuses the login ${username} (SQLSTATE ${code})` };
  if (code === '3D000') return { kind: 'database', text: `has no such database (SQLSTATE ${code})` };
  // pg says so when the server asks for a password and there is none, whatever the method.
  if (message.includes('password must be')) {
    return { kind: 'no password', text: `asks ${username} for a password, and none was given` };
  }
  if (message.includes('does not support SSL')) return { kind: 'no TLS', text: 'does not speak TLS' };
  if (/certificate|self.signed|altname|SSL|TLS/i.test(`${code} ${message}`)) {
    return { kind: 'TLS', text: `could not be verified by TLS${code ? ` (${code})` : ''}` };
  }
  return { kind: 'unreachable', text: `cannot be reached${code ? ` (${code})` : ''}` };
}
