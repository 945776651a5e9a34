import type { Client } from 'pg';

/** What a deferred constraint trigger does: PostgreSQL runs it inside COMMIT, when no statement can meet it any more. */
const BODIES = {
  refuses: `RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation', CONSTRAINT = 'students_late_rule'`,
  /** The backend dies with the transaction still open. */
  dies: `PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN NULL`,
  waits: `PERFORM pg_sleep(0.5); RETURN NULL`,
} as const;

/**
 * From now on COMMIT refuses, dies or waits in a transaction that stored a student of these numbers.
 * @param superuser A connection that may create triggers.
 * @param numbers Pattern of LIKE.
 */
export async function atCommit(superuser: Client, numbers: string, does: keyof typeof BODIES): Promise<void> {
  await superuser.query(`
    CREATE FUNCTION commit_${does}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${BODIES[does]}; END $$;
    CREATE CONSTRAINT TRIGGER commit_${does} AFTER INSERT ON students DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.student_number LIKE '${numbers}') EXECUTE FUNCTION commit_${does}()`);
}
