-- One dose of a vaccine (CVX code).

-- migrate:up

CREATE TABLE vaccinations (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  visit_id uuid,
  vaccine_name text NOT NULL CHECK (char_length(vaccine_name) BETWEEN 1 AND 255),
  cvx_code text CHECK (char_length(cvx_code) BETWEEN 1 AND 10),
  administered_at timestamptz(3) NOT NULL DEFAULT now(),
  administered_by text CHECK (char_length(administered_by) BETWEEN 1 AND 200),
  facility_name text CHECK (char_length(facility_name) BETWEEN 1 AND 200),
  manufacturer text CHECK (char_length(manufacturer) BETWEEN 1 AND 100),
  lot_number text CHECK (char_length(lot_number) BETWEEN 1 AND 50),
  dose_number integer CHECK (dose_number BETWEEN 1 AND 20),
  series_doses integer CHECK (series_doses BETWEEN 1 AND 20),
  site text CHECK (char_length(site) BETWEEN 1 AND 50),
  route text CHECK (char_length(route) BETWEEN 1 AND 50),
  dose text CHECK (char_length(dose) BETWEEN 1 AND 50),
  expires_on date,
  next_due_on date,
  consent_given_by text CHECK (char_length(consent_given_by) BETWEEN 1 AND 200),
  reaction text CHECK (char_length(reaction) BETWEEN 1 AND 10000),
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  source_hash text CHECK (source_hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT vaccinations_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT vaccinations_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT vaccinations_student_id_fkey FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id),
  CONSTRAINT vaccinations_visit_id_fkey
    FOREIGN KEY (clinic_id, student_id, visit_id) REFERENCES clinic_visits (clinic_id, student_id, id),
  CONSTRAINT vaccinations_dose_within_series CHECK (dose_number <= series_doses)
);
-- Identity of an imported row, deleted ones included: a second import neither doubles nor revives it.
CREATE UNIQUE INDEX vaccinations_source_hash_key ON vaccinations (clinic_id, source_hash)
  WHERE source_hash IS NOT NULL;
CREATE INDEX vaccinations_student_id_idx ON vaccinations (clinic_id, student_id, administered_at);
CREATE INDEX vaccinations_visit_id_idx ON vaccinations (clinic_id, visit_id);
CREATE INDEX vaccinations_next_due_on_idx ON vaccinations (clinic_id, next_due_on);

CALL phi.protect_table('vaccinations');
CALL audit.watch_table('vaccinations', 'Vaccination', ARRAY[
  'clinic_id', 'id', 'student_id', 'visit_id', 'administered_at', 'expires_on', 'next_due_on', 'source_hash',
  'version', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE vaccinations;
