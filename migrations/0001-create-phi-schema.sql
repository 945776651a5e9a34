-- The schema phi holds what every table needs: the tenant of the transaction, the trigger that keeps a row's version,
-- and one procedure that puts a table under row security. Tables themselves live in public.

-- migrate:up

-- Roles and extensions belong to the server, so the bootstrap makes them; here they are only verified.
DO $$
DECLARE
  faults text[] := '{}';
BEGIN
  faults := faults || ARRAY(
    SELECT 'role ' || name
    FROM unnest(ARRAY['phi_owner', 'audit_owner', 'phi_migrator', 'phi_app', 'phi_reader', 'audit_sealer', 'auditor'])
      AS name
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name));
  faults := faults || ARRAY(
    SELECT 'extension ' || name
    FROM unnest(ARRAY['uuid-ossp', 'pgcrypto', 'pg_trgm', 'unaccent', 'pg_stat_statements']) AS name
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = name));
  faults := faults || ARRAY(
    SELECT 'schema ' || name
    FROM unnest(ARRAY['phi', 'audit']) AS name
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = name));
  IF cardinality(faults) > 0 THEN
    RAISE EXCEPTION 'database % is not prepared, missing: %', current_database(), array_to_string(faults, ', ')
      USING HINT = 'Run migrations/bootstrap/roles-and-extensions.sql in this database first, as its administrator.';
  END IF;
  IF current_user <> 'phi_owner' OR NOT pg_catalog.pg_has_role(session_user, 'audit_owner', 'MEMBER') THEN
    RAISE EXCEPTION 'migrations run as phi_owner, but login % acts as %', session_user, current_user
      USING HINT = 'Log in as phi_migrator (DB_MIGRATOR_USERNAME), or GRANT phi_owner, audit_owner to this login.';
  END IF;
END
$$;

-- A function is callable by whom it is granted to, not by everyone.
ALTER DEFAULT PRIVILEGES FOR ROLE phi_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

GRANT USAGE ON SCHEMA phi TO phi_app, phi_reader, audit_owner, phi_migrator;

-- A local setting reverts to '' and not to NULL, and ''::uuid is an error: hence nullif. No tenant: NULL, no rows.
CREATE FUNCTION phi.tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(pg_catalog.current_setting('app.tenant', true), '')::uuid;
COMMENT ON FUNCTION phi.tenant() IS 'Clinic of the transaction (setting app.tenant); NULL where none is set.';
GRANT EXECUTE ON FUNCTION phi.tenant() TO phi_app, phi_reader, audit_owner, phi_migrator;

-- In a trigger, so that raw SQL, a model and a repository all raise the version. created_at and created_by are facts.
CREATE FUNCTION phi.touch_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.id <> OLD.id THEN
    RAISE EXCEPTION 'the id of a row in % cannot change', TG_TABLE_NAME
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF TG_ARGV[0] = 'clinic_id' THEN -- nested: clinics has no such column
    IF NEW.clinic_id <> OLD.clinic_id THEN
      RAISE EXCEPTION 'a row in % cannot move to another clinic', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  END IF;
  NEW.version := OLD.version + 1;
  NEW.updated_at := now();
  NEW.created_at := OLD.created_at;
  NEW.created_by := OLD.created_by;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION phi.touch_row() IS 'Raises version, sets updated_at, keeps identity and creation.';

-- One call a table. FORCE binds the owner too, who therefore needs a policy: without it a foreign key over an orphan
-- validates and a backfill changes nothing, silently. The sub-select is evaluated once a statement, not once a row.
CREATE PROCEDURE phi.protect_table(target regclass, tenant_column name DEFAULT 'clinic_id')
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_own text := format('%I = (SELECT phi.tenant())', tenant_column);
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', target);
  EXECUTE format('CREATE POLICY app_access ON %s AS PERMISSIVE FOR ALL TO phi_app, phi_reader '
              || 'USING (true) WITH CHECK (true)', target);
  EXECUTE format('CREATE POLICY tenant_isolation ON %s AS RESTRICTIVE FOR ALL TO phi_app, phi_reader '
              || 'USING (%s) WITH CHECK (%s)', target, is_own, is_own);
  EXECUTE format('CREATE POLICY maintenance ON %s AS PERMISSIVE FOR ALL TO phi_owner, phi_migrator '
              || 'USING (true) WITH CHECK (true)', target);
  EXECUTE format('CREATE TRIGGER touch_row BEFORE UPDATE ON %s FOR EACH ROW '
              || 'EXECUTE FUNCTION phi.touch_row(%L)', target, tenant_column);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO phi_app', target);
  EXECUTE format('GRANT SELECT ON %s TO phi_reader', target);
END
$$;
COMMENT ON PROCEDURE phi.protect_table(regclass, name) IS 'Row security, touch trigger and grants of a table.';

-- migrate:down

DROP PROCEDURE phi.protect_table(regclass, name);
DROP FUNCTION phi.touch_row();
DROP FUNCTION phi.tenant();
REVOKE USAGE ON SCHEMA phi FROM phi_app, phi_reader, audit_owner, phi_migrator;
ALTER DEFAULT PRIVILEGES FOR ROLE phi_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
