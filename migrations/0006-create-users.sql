-- People who work with the records. Credentials are not here: whoever signs people in keeps them. E-mail is stored in
-- lower case, so that one index serves uniqueness and lookup; unique per clinic among the not deleted, so that an
-- address can return.

-- migrate:up

CREATE TABLE users (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  school_id uuid,
  email text NOT NULL CHECK (char_length(email) <= 254 AND email LIKE '%_@_%' AND email = lower(email)),
  first_name text NOT NULL CHECK (char_length(first_name) BETWEEN 1 AND 100),
  last_name text NOT NULL CHECK (char_length(last_name) BETWEEN 1 AND 100),
  phone text CHECK (char_length(phone) BETWEEN 1 AND 30),
  role text NOT NULL DEFAULT 'VIEWER' CHECK (role IN (
    'ADMIN', 'PHYSICIAN', 'NURSE', 'COUNSELOR', 'STAFF', 'VIEWER')),
  subscription_tier text NOT NULL DEFAULT 'FREE' CHECK (subscription_tier IN (
    'FREE', 'STANDARD', 'PREMIUM')),
  is_active boolean NOT NULL DEFAULT true,
  last_login_at timestamptz(3),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT users_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT users_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT users_school_id_fkey FOREIGN KEY (clinic_id, school_id) REFERENCES schools (clinic_id, id)
);
CREATE UNIQUE INDEX users_email_key ON users (clinic_id, email) WHERE deleted_at IS NULL;
CREATE INDEX users_school_id_idx ON users (clinic_id, school_id);
CREATE INDEX users_role_idx ON users (clinic_id, role);
CREATE INDEX users_subscription_tier_idx ON users (clinic_id, subscription_tier);
CREATE INDEX users_last_login_at_idx ON users (clinic_id, last_login_at);
CREATE INDEX users_created_at_idx ON users (clinic_id, created_at);

CALL phi.protect_table('users');
CALL audit.watch_table('users', 'User', ARRAY[
  'clinic_id', 'id', 'school_id', 'email', 'first_name', 'last_name', 'phone', 'role', 'subscription_tier',
  'is_active', 'last_login_at', 'version', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
]);

-- migrate:down

DROP TABLE users;
