import type { Client } from 'pg';

export const CLINIC_A = '0190a000-0000-7000-8000-00000000000a';
export const CLINIC_B = '0190b000-0000-7000-8000-00000000000b';

/**
 * One transaction as the library begins it: the tenant and the actor are local settings.
 * @param clinic Tenant, or undefined for none.
 */
export async function asClinic<T>(
  client: Client,
  clinic: string | undefined,
  work: () => Promise<T>,
  context: object = {},
): Promise<T> {
  await client.query('BEGIN');
  try {
    await client.query(`SELECT set_config('app.tenant', $1, true), set_config('app.context', $2, true)`, [
      clinic ?? '',
      JSON.stringify(context),
    ]);
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** SQLSTATE of the error that `work` ends with, or 'ok'. */
export function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'ok',
    (error: { code?: string }) => error.code,
  );
}
