-- A clinic is the tenant: an organisation that provides care, a school's health office or a practice. A clinic sees
-- its own row only, by its id. There is no unique code: uniqueness across tenants would tell one of them about
-- another. In every table created_by and updated_by have no foreign key: the actor may be a system, and a person who
-- left stays named.

-- migrate:up

CREATE TABLE clinics (
  id uuid NOT NULL,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  kind text NOT NULL DEFAULT 'SCHOOL_HEALTH' CHECK (kind IN ('SCHOOL_HEALTH', 'PRACTICE')),
  npi text CHECK (npi ~ '^[0-9]{10}$'),
  phone text CHECK (char_length(phone) BETWEEN 1 AND 30),
  email text CHECK (char_length(email) <= 254 AND email LIKE '%_@_%'),
  address text CHECK (char_length(address) BETWEEN 1 AND 300),
  city text CHECK (char_length(city) BETWEEN 1 AND 100),
  state text CHECK (char_length(state) BETWEEN 1 AND 100),
  postal_code text CHECK (char_length(postal_code) BETWEEN 1 AND 20),
  time_zone text NOT NULL DEFAULT 'UTC' CHECK (char_length(time_zone) BETWEEN 1 AND 64),
  is_active boolean NOT NULL DEFAULT true,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT clinics_pkey PRIMARY KEY (id)
);

CALL phi.protect_table('clinics', 'id');
CALL audit.watch_table('clinics', 'Clinic', ARRAY[
  'id', 'name', 'kind', 'npi', 'phone', 'email', 'address', 'city', 'state', 'postal_code', 'time_zone',
  'is_active', 'version', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
]);

-- migrate:down

DROP TABLE clinics;
