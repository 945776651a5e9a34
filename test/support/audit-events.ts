import type { Client } from 'pg';

/** One row of audit.event, as the superuser sees it. */
export interface RawAuditEvent {
  readonly seq: string;
  readonly at: Date;
  readonly transaction_id: string;
  readonly origin: string;
  readonly action: string;
  readonly entity: string;
  readonly entity_id: string | null;
  readonly clinic_id: string | null;
  readonly patient_id: string | null;
  readonly user_id: string;
  readonly db_role: string;
  readonly request_id: string | null;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly changed: string[] | null;
  readonly details: Record<string, unknown> | null;
  readonly context_missing: boolean;
}

/** The trail of one record, oldest first, whoever may see it. */
export async function eventsOf(superuser: Client, entity: string, id: string): Promise<RawAuditEvent[]> {
  const { rows } = await superuser.query<RawAuditEvent>(
    'SELECT * FROM audit.event WHERE entity = $1 AND entity_id = $2 ORDER BY seq',
    [entity, id],
  );
  return rows;
}

/** Where the trail stands; hand it to `eventsSince`. */
export async function markTrail(superuser: Client): Promise<string> {
  const { rows } = await superuser.query<{ seq: string }>('SELECT coalesce(max(seq), 0) AS seq FROM audit.event');
  return rows[0]!.seq;
}

/** Everything that was recorded of records after a mark, oldest first; outcomes of transactions are apart. */
export async function eventsSince(superuser: Client, mark: string): Promise<RawAuditEvent[]> {
  const { rows } = await superuser.query<RawAuditEvent>(
    `SELECT * FROM audit.event WHERE seq > $1 AND NOT (${OUTCOME}) ORDER BY seq`,
    [mark],
  );
  return rows;
}

/** The outcomes of units of work that were recorded after a mark, oldest first. */
export async function outcomesSince(superuser: Client, mark: string): Promise<RawAuditEvent[]> {
  const { rows } = await superuser.query<RawAuditEvent>(
    `SELECT * FROM audit.event WHERE seq > $1 AND ${OUTCOME} ORDER BY seq`,
    [mark],
  );
  return rows;
}

const OUTCOME = `action = 'TRANSACTION' AND entity_id IS NOT NULL`;
