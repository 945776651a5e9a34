-- The audit trail: every change of a watched table leaves an event in the same transaction, whoever made it and by
-- whatever path. It belongs to audit_owner, so neither the application nor the owner of the data can read or change it.

-- migrate:up

SET LOCAL ROLE audit_owner;

ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO phi_owner, phi_app, audit_sealer, auditor;

-- Actor and entity id are text without foreign key: 'system' is an actor, and an event outlives its record.
CREATE TABLE audit.event (
  seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at              timestamptz NOT NULL DEFAULT clock_timestamp(),
  transaction_id  text NOT NULL DEFAULT pg_current_xact_id()::text,
  origin          text NOT NULL CHECK (origin IN ('trigger', 'application')),
  action          text NOT NULL CHECK (action ~ '^[A-Z][A-Z_]{1,39}$'),
  entity          text NOT NULL CHECK (char_length(entity) BETWEEN 1 AND 100),
  entity_id       text CHECK (char_length(entity_id) <= 200),
  clinic_id       uuid,
  patient_id      uuid,
  user_id         text NOT NULL,
  user_role       text,
  db_role         name NOT NULL DEFAULT session_user,
  request_id      text,
  ip_address      text,
  user_agent      text,
  purpose_of_use  text,
  reason          text,
  before          jsonb,
  after           jsonb,
  changed         text[],
  details         jsonb CHECK (octet_length(details::text) <= 65536),
  context_missing boolean NOT NULL
);
COMMENT ON TABLE audit.event IS 'Append-only. Written by triggers and by audit.write(), read through audit.trail().';
COMMENT ON COLUMN audit.event.origin IS 'trigger: observed by the database; application: claimed by the application.';
COMMENT ON COLUMN audit.event.before IS 'Values of allow-listed columns only; the others are named in changed.';
COMMENT ON COLUMN audit.event.changed IS 'Columns that the write changed, without version, updated_at and updated_by.';
COMMENT ON COLUMN audit.event.context_missing IS 'True where nobody said who acts; user_id is then the database login.';
-- The trail of a record, and the trail of a patient.
CREATE INDEX event_record_idx ON audit.event (clinic_id, entity, entity_id, seq);
CREATE INDEX event_patient_idx ON audit.event (clinic_id, patient_id, seq) WHERE patient_id IS NOT NULL;
GRANT SELECT ON audit.event TO auditor;

-- AFTER statement trigger over transition tables. Arguments: entity, allow-list of columns, column of the patient's id.
-- Values are taken by allow-list and never by redaction: a column that nobody listed cannot leak.
CREATE FUNCTION audit.record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  context jsonb := nullif(current_setting('app.context', true), '')::jsonb;
  actor text := context ->> 'userId';
  visible text[] := TG_ARGV[1]::text[];
  bookkeeping CONSTANT text[] := ARRAY['version', 'updated_at', 'updated_by'];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO audit.event (origin, action, entity, entity_id, clinic_id, patient_id, user_id, user_role, request_id,
                             ip_address, user_agent, purpose_of_use, reason, before, after, changed, context_missing)
    WITH old_row AS MATERIALIZED (SELECT to_jsonb(r) AS value FROM old_rows AS r),
         new_row AS MATERIALIZED (SELECT to_jsonb(r) AS value FROM new_rows AS r)
    SELECT 'trigger',
           CASE WHEN n.value ->> 'deleted_at' IS NOT NULL AND o.value ->> 'deleted_at' IS NULL THEN 'DELETE'
                WHEN n.value ->> 'deleted_at' IS NULL AND o.value ->> 'deleted_at' IS NOT NULL THEN 'RESTORE'
                ELSE 'UPDATE' END,
           TG_ARGV[0], n.value ->> 'id', coalesce(n.value ->> 'clinic_id', n.value ->> 'id')::uuid,
           (n.value ->> TG_ARGV[2])::uuid, coalesce(actor, session_user), context ->> 'userRole',
           context ->> 'requestId', context ->> 'ipAddress', context ->> 'userAgent', context ->> 'purposeOfUse',
           context ->> 'reason', difference.before, difference.after, coalesce(difference.changed, '{}'), actor IS NULL
    FROM old_row AS o
    JOIN new_row AS n ON n.value ->> 'id' = o.value ->> 'id'
                     AND coalesce(n.value ->> 'clinic_id', '') = coalesce(o.value ->> 'clinic_id', '')
    CROSS JOIN LATERAL (
      SELECT jsonb_object_agg(key, o.value -> key) FILTER (WHERE key = ANY (visible)) AS before,
             jsonb_object_agg(key, field.value) FILTER (WHERE key = ANY (visible)) AS after,
             array_agg(key ORDER BY key) FILTER (WHERE key <> ALL (bookkeeping)) AS changed
      FROM jsonb_each(n.value) AS field (key, value)
      WHERE field.value IS DISTINCT FROM o.value -> key
    ) AS difference;
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO audit.event (origin, action, entity, entity_id, clinic_id, patient_id, user_id, user_role, request_id,
                             ip_address, user_agent, purpose_of_use, reason, after, changed, context_missing)
    WITH new_row AS MATERIALIZED (SELECT to_jsonb(r) AS value FROM new_rows AS r)
    SELECT 'trigger', 'CREATE', TG_ARGV[0], n.value ->> 'id', coalesce(n.value ->> 'clinic_id', n.value ->> 'id')::uuid,
           (n.value ->> TG_ARGV[2])::uuid, coalesce(actor, session_user), context ->> 'userRole',
           context ->> 'requestId', context ->> 'ipAddress', context ->> 'userAgent', context ->> 'purposeOfUse',
           context ->> 'reason',
           n.value - (SELECT coalesce(array_agg(key), '{}') FROM jsonb_object_keys((SELECT value FROM new_row LIMIT 1)) AS key
                      WHERE key <> ALL (visible)),
           ARRAY(SELECT key FROM jsonb_object_keys(jsonb_strip_nulls(n.value) - bookkeeping) AS key ORDER BY key),
           actor IS NULL
    FROM new_row AS n;
  ELSE
    INSERT INTO audit.event (origin, action, entity, entity_id, clinic_id, patient_id, user_id, user_role, request_id,
                             ip_address, user_agent, purpose_of_use, reason, before, context_missing)
    WITH old_row AS MATERIALIZED (SELECT to_jsonb(r) AS value FROM old_rows AS r)
    SELECT 'trigger', 'DELETE', TG_ARGV[0], o.value ->> 'id', coalesce(o.value ->> 'clinic_id', o.value ->> 'id')::uuid,
           (o.value ->> TG_ARGV[2])::uuid, coalesce(actor, session_user), context ->> 'userRole',
           context ->> 'requestId', context ->> 'ipAddress', context ->> 'userAgent', context ->> 'purposeOfUse',
           context ->> 'reason',
           o.value - (SELECT coalesce(array_agg(key), '{}') FROM jsonb_object_keys((SELECT value FROM old_row LIMIT 1)) AS key
                      WHERE key <> ALL (visible)),
           actor IS NULL
    FROM old_row AS o;
  END IF;
  RETURN NULL;
END
$$;
GRANT EXECUTE ON FUNCTION audit.record_change() TO phi_owner;

-- Run by the owner of the table. Again: replaces the allow-list. A column that is not in the table is an error.
CREATE PROCEDURE audit.watch_table(target regclass, entity text, visible text[], patient_column text DEFAULT NULL)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  unknown text[] := ARRAY(
    SELECT name FROM unnest(visible || patient_column) AS name
    WHERE name IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_attribute
                      WHERE attrelid = target AND attname = name AND attnum > 0 AND NOT attisdropped));
  arguments text := format('%L, %L, %L', entity, visible::text, coalesce(patient_column, ''));
BEGIN
  IF cardinality(unknown) > 0 THEN
    RAISE EXCEPTION 'audit.watch_table: table % has no column %', target, array_to_string(unknown, ', ');
  END IF;
  EXECUTE format('CREATE OR REPLACE TRIGGER audit_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows '
              || 'FOR EACH STATEMENT EXECUTE FUNCTION audit.record_change(%s)', target, arguments);
  EXECUTE format('CREATE OR REPLACE TRIGGER audit_update AFTER UPDATE ON %s '
              || 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows '
              || 'FOR EACH STATEMENT EXECUTE FUNCTION audit.record_change(%s)', target, arguments);
  EXECUTE format('CREATE OR REPLACE TRIGGER audit_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows '
              || 'FOR EACH STATEMENT EXECUTE FUNCTION audit.record_change(%s)', target, arguments);
END
$$;
COMMENT ON PROCEDURE audit.watch_table(regclass, text, text[], text) IS 'Attaches the audit triggers of a table.';
GRANT EXECUTE ON PROCEDURE audit.watch_table(regclass, text, text[], text) TO phi_owner;

-- For what no trigger sees: reads, exports, outcomes. Marked as the application's claim: it cannot pass for a change.
CREATE FUNCTION audit.write(action text, entity text, entity_id text, details jsonb DEFAULT NULL,
                            patient uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  context jsonb := nullif(current_setting('app.context', true), '')::jsonb;
  actor text := context ->> 'userId';
BEGIN
  INSERT INTO audit.event (origin, action, entity, entity_id, clinic_id, patient_id, user_id, user_role, request_id,
                           ip_address, user_agent, purpose_of_use, reason, details, context_missing)
  VALUES ('application', write.action, write.entity, write.entity_id, phi.tenant(), write.patient,
          coalesce(actor, session_user), context ->> 'userRole', context ->> 'requestId', context ->> 'ipAddress',
          context ->> 'userAgent', context ->> 'purposeOfUse', context ->> 'reason', write.details, actor IS NULL);
END
$$;
COMMENT ON FUNCTION audit.write(text, text, text, jsonb, uuid) IS 'Records an event of the application.';
GRANT EXECUTE ON FUNCTION audit.write(text, text, text, jsonb, uuid) TO phi_app;

-- The only way to read for the application: events of its own clinic, newest first. VOLATILE, since a later version
-- records the reading itself.
CREATE FUNCTION audit.trail(entity text, entity_id text, max_rows integer DEFAULT 100) RETURNS SETOF audit.event
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT e.* FROM audit.event AS e
    WHERE e.clinic_id = (SELECT phi.tenant()) AND e.entity = trail.entity AND e.entity_id = trail.entity_id
    ORDER BY e.seq DESC
    LIMIT least(greatest(trail.max_rows, 1), 1000);
END
$$;
COMMENT ON FUNCTION audit.trail(text, text, integer) IS 'Events of one record of the tenant, newest first.';
GRANT EXECUTE ON FUNCTION audit.trail(text, text, integer) TO phi_app;

SET LOCAL ROLE phi_owner;

-- migrate:down

SET LOCAL ROLE audit_owner;
DROP FUNCTION audit.trail(text, text, integer);
DROP FUNCTION audit.write(text, text, text, jsonb, uuid);
DROP PROCEDURE audit.watch_table(regclass, text, text[], text);
DROP FUNCTION audit.record_change();
DROP TABLE audit.event;
REVOKE USAGE ON SCHEMA audit FROM phi_owner, phi_app, audit_sealer, auditor;
ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
SET LOCAL ROLE phi_owner;
