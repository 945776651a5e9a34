-- Roles, extensions and schemas: run once per database by a superuser or by the managed server's administrator
-- (a login with CREATEROLE that owns the database). Running it again changes nothing. PostgreSQL 15 to 18.
--
--   export PGOPTIONS="-c bootstrap.app_password=$DB_PASSWORD -c bootstrap.migrator_password=$DB_MIGRATOR_PASSWORD"
--   psql -d DATABASE -v ON_ERROR_STOP=1 -1 -f migrations/bootstrap/roles-and-extensions.sql
--
-- So the passwords are neither in the list of processes nor in pg_stat_statements. In PGOPTIONS a space or a backslash
-- of a password is written with a backslash before it. SET in the same session does as well.
-- A password that is not given is left as it is: a new login then has none and cannot log in by password.
-- Why a file of its own: roles belong to the whole server and extensions need rights that a migration must not have.

-- 1. Roles. Owners cannot log in; logins own nothing.
DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('phi_owner',    'NOLOGIN'),  -- owns the application's tables and the schema phi
      ('audit_owner',  'NOLOGIN'),  -- owns the audit trail, so that the owner of the data does not
      ('phi_migrator', 'LOGIN'),    -- runs migrations by SET ROLE to the owners
      ('phi_app',      'LOGIN'),    -- the application: rows only, under row security
      ('phi_reader',   'NOLOGIN'),  -- to be granted to reporting logins: reads, under row security
      ('audit_sealer', 'NOLOGIN'),  -- to be granted to the login that seals the trail
      ('auditor',      'NOLOGIN')   -- to be granted to people who review the trail
    ) AS role (name, login)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.login);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- the bootstrap of another database of this server made it meanwhile
      END;
    END IF;
  END LOOP;
END
$$;

-- 2. Passwords, from the settings of this session.
DO $$
DECLARE
  login record;
BEGIN
  FOR login IN
    SELECT * FROM (VALUES
      ('phi_app',      nullif(current_setting('bootstrap.app_password', true), '')),
      ('phi_migrator', nullif(current_setting('bootstrap.migrator_password', true), ''))
    ) AS given (name, password)
    WHERE given.password IS NOT NULL
  LOOP
    EXECUTE format('ALTER ROLE %I PASSWORD %L', login.name, login.password);
  END LOOP;
END
$$;

-- 3. The migrator may become either owner. Plain GRANT: both INHERIT and SET, on every version.
GRANT phi_owner, audit_owner TO phi_migrator;

-- 4. Schemas. An administrator who is no superuser must be a member of a role to create a schema for it; the
--    membership is taken back unless it was there before.
DO $$
DECLARE
  owner_name text;
  is_superuser boolean := (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user);
  was_member boolean;
BEGIN
  FOREACH owner_name IN ARRAY ARRAY['phi_owner', 'audit_owner'] LOOP
    was_member := EXISTS (
      SELECT FROM pg_catalog.pg_auth_members m
      WHERE m.roleid = owner_name::regrole AND m.member = current_user::regrole
        AND (m.grantor = current_user::regrole OR current_setting('server_version_num')::int < 160000));
    IF NOT is_superuser AND NOT was_member THEN
      EXECUTE format('GRANT %I TO CURRENT_USER', owner_name);
    END IF;
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', split_part(owner_name, '_', 1), owner_name);
    IF NOT is_superuser AND NOT was_member THEN
      EXECUTE format('REVOKE %I FROM CURRENT_USER', owner_name);
    END IF;
  END LOOP;
END
$$;

-- 5. Nobody has rights by being PUBLIC; each role gets what it needs.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO phi_app, phi_reader, phi_migrator, audit_owner, audit_sealer, auditor;
GRANT USAGE, CREATE ON SCHEMA public TO phi_owner;
DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO phi_app, phi_reader, audit_sealer, auditor', current_database());
  EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO phi_migrator', current_database());
END
$$;

-- 6. Extensions. What cannot be made here is reported at the end, all at once.
DO $$
DECLARE
  extension text;
BEGIN
  FOREACH extension IN ARRAY ARRAY['uuid-ossp', 'pgcrypto', 'pg_trgm', 'unaccent', 'pg_stat_statements'] LOOP
    BEGIN
      EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA public', extension);
    EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
      RAISE WARNING 'extension %: %', extension, SQLERRM;
    END;
  END LOOP;
END
$$;

-- 7. Settings: times in UTC; the server's log must not repeat values of a failed statement. Before PostgreSQL 18
--    pg_stat_statements would keep every SET LOCAL app.context as it stands: who acts, from where and why, an entry for
--    each request. These settings are the superuser's to give, so where they are refused the DBA sets them in
--    postgresql.conf (see docs).
DO $$
DECLARE
  statement text;
BEGIN
  FOREACH statement IN ARRAY ARRAY[
    format('ALTER DATABASE %I SET timezone = %L', current_database(), 'UTC'),
    'ALTER ROLE phi_app SET log_error_verbosity = terse',
    'ALTER ROLE phi_app SET log_parameter_max_length_on_error = 0',
    'ALTER ROLE phi_app SET pg_stat_statements.track_utility = off',
    'ALTER ROLE phi_migrator SET log_error_verbosity = terse',
    'ALTER ROLE phi_migrator SET log_parameter_max_length_on_error = 0'
  ] LOOP
    BEGIN
      EXECUTE statement;
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE NOTICE 'not allowed here, set it on the server instead: %', statement;
    END;
  END LOOP;
END
$$;

-- 8. Verification: the file ends with everything in place, or with an error that lists what is not.
DO $$
DECLARE
  faults text[] := '{}';
BEGIN
  faults := faults || ARRAY(
    SELECT 'extension ' || name || ' is missing (install the contrib package, then CREATE EXTENSION as a superuser)'
    FROM unnest(ARRAY['uuid-ossp', 'pgcrypto', 'pg_trgm', 'unaccent', 'pg_stat_statements']) AS name
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = name));
  faults := faults || ARRAY(
    SELECT 'role ' || name || ' is missing'
    FROM unnest(ARRAY['phi_owner', 'audit_owner', 'phi_migrator', 'phi_app', 'phi_reader', 'audit_sealer', 'auditor'])
      AS name
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name));
  faults := faults || ARRAY(
    SELECT 'role ' || rolname || ' must not be SUPERUSER or BYPASSRLS: row security would not bind it'
    FROM pg_catalog.pg_roles
    WHERE rolname IN ('phi_owner', 'audit_owner', 'phi_migrator', 'phi_app', 'phi_reader', 'audit_sealer', 'auditor')
      AND (rolsuper OR rolbypassrls));
  faults := faults || ARRAY(
    SELECT 'role phi_app must not be a member of ' || name
    FROM unnest(ARRAY['phi_owner', 'audit_owner', 'phi_migrator']) AS name
    WHERE pg_catalog.pg_has_role('phi_app', name, 'MEMBER')
      AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = 'phi_app'));
  faults := faults || ARRAY(
    SELECT 'schema ' || wanted.name || ' must be owned by ' || wanted.owner
    FROM (VALUES ('phi', 'phi_owner'), ('audit', 'audit_owner')) AS wanted (name, owner)
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace
                      WHERE nspname = wanted.name AND nspowner = wanted.owner::regrole));
  IF cardinality(faults) > 0 THEN
    RAISE EXCEPTION 'bootstrap of database % is not complete: %', current_database(), array_to_string(faults, '; ')
      USING HINT = 'Put right what is listed and run migrations/bootstrap/roles-and-extensions.sql again.';
  END IF;
END
$$;
