-- An allergy or intolerance. reactions is a list of at most 20 objects {code, description, severity}: they are read
-- and written with the allergy only, so they have no table.

-- migrate:up

CREATE TABLE allergies (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  visit_id uuid,
  allergen text NOT NULL CHECK (char_length(allergen) BETWEEN 1 AND 255),
  code_system text CHECK (code_system IN ('SNOMED', 'RXNORM', 'ICD10', 'OTHER')),
  code text CHECK (char_length(code) BETWEEN 1 AND 30),
  type text NOT NULL DEFAULT 'ALLERGY' CHECK (type IN ('ALLERGY', 'INTOLERANCE')),
  category text NOT NULL DEFAULT 'OTHER' CHECK (category IN (
    'FOOD', 'MEDICATION', 'ENVIRONMENT', 'INSECT', 'LATEX', 'OTHER')),
  severity text CHECK (severity IN ('MILD', 'MODERATE', 'SEVERE', 'LIFE_THREATENING')),
  reactions jsonb NOT NULL DEFAULT '[]'
    CHECK (jsonb_typeof(reactions) = 'array' AND jsonb_array_length(reactions) <= 20
      AND octet_length(reactions::text) <= 20000),
  status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE', 'RESOLVED')),
  onset_on date,
  resolved_on date,
  is_verified boolean NOT NULL DEFAULT false,
  epinephrine_required boolean NOT NULL DEFAULT false,
  epinephrine_expires_on date,
  treatment text CHECK (char_length(treatment) BETWEEN 1 AND 10000),
  emergency_protocol text CHECK (char_length(emergency_protocol) BETWEEN 1 AND 10000),
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  source_hash text CHECK (source_hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT allergies_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT allergies_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT allergies_student_id_fkey FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id),
  CONSTRAINT allergies_visit_id_fkey
    FOREIGN KEY (clinic_id, student_id, visit_id) REFERENCES clinic_visits (clinic_id, student_id, id),
  CONSTRAINT allergies_end_after_onset CHECK (resolved_on >= onset_on),
  CONSTRAINT allergies_resolved_is_not_active CHECK (resolved_on IS NULL OR status <> 'ACTIVE'),
  CONSTRAINT allergies_code_has_system CHECK (code IS NULL OR code_system IS NOT NULL)
);
-- Identity of an imported row, deleted ones included: a second import neither doubles nor revives it.
CREATE UNIQUE INDEX allergies_source_hash_key ON allergies (clinic_id, source_hash) WHERE source_hash IS NOT NULL;
CREATE INDEX allergies_student_id_idx ON allergies (clinic_id, student_id, status);
CREATE INDEX allergies_visit_id_idx ON allergies (clinic_id, visit_id);
CREATE INDEX allergies_epinephrine_expires_on_idx ON allergies (clinic_id, epinephrine_expires_on);

CALL phi.protect_table('allergies');
CALL audit.watch_table('allergies', 'Allergy', ARRAY[
  'clinic_id', 'id', 'student_id', 'visit_id', 'code_system', 'type', 'category', 'severity', 'status',
  'onset_on', 'resolved_on', 'is_verified', 'epinephrine_required', 'epinephrine_expires_on', 'source_hash',
  'version', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE allergies;
