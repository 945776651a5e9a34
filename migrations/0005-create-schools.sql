-- A school belongs to a district, or to none where it is independent.

-- migrate:up

CREATE TABLE schools (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  district_id uuid,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 50),
  principal_name text CHECK (char_length(principal_name) BETWEEN 1 AND 200),
  phone text CHECK (char_length(phone) BETWEEN 1 AND 30),
  email text CHECK (char_length(email) <= 254 AND email LIKE '%_@_%'),
  address text CHECK (char_length(address) BETWEEN 1 AND 300),
  city text CHECK (char_length(city) BETWEEN 1 AND 100),
  state text CHECK (char_length(state) BETWEEN 1 AND 100),
  postal_code text CHECK (char_length(postal_code) BETWEEN 1 AND 20),
  is_active boolean NOT NULL DEFAULT true,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT schools_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT schools_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT schools_district_id_fkey FOREIGN KEY (clinic_id, district_id) REFERENCES districts (clinic_id, id)
);
CREATE UNIQUE INDEX schools_code_key ON schools (clinic_id, code) WHERE deleted_at IS NULL;
CREATE INDEX schools_district_id_idx ON schools (clinic_id, district_id);
CREATE INDEX schools_name_idx ON schools (clinic_id, name);

CALL phi.protect_table('schools');
CALL audit.watch_table('schools', 'School', ARRAY[
  'clinic_id', 'id', 'district_id', 'name', 'code', 'principal_name', 'phone', 'email', 'address', 'city',
  'state', 'postal_code', 'is_active', 'version', 'created_at', 'updated_at', 'deleted_at', 'created_by',
  'updated_by'
]);

-- migrate:down

DROP TABLE schools;
