-- A condition with its course: onset, abatement, and what school staff must know of it.

-- migrate:up

CREATE TABLE chronic_conditions (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  visit_id uuid,
  condition text NOT NULL CHECK (char_length(condition) BETWEEN 1 AND 255),
  code_system text CHECK (code_system IN ('SNOMED', 'ICD10', 'OTHER')),
  code text CHECK (char_length(code) BETWEEN 1 AND 30),
  status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN (
    'ACTIVE', 'MANAGED', 'MONITORING', 'RESOLVED')),
  severity text CHECK (severity IN ('MILD', 'MODERATE', 'SEVERE', 'LIFE_THREATENING')),
  onset_on date,
  abated_on date,
  diagnosed_by text CHECK (char_length(diagnosed_by) BETWEEN 1 AND 200),
  care_plan text CHECK (char_length(care_plan) BETWEEN 1 AND 10000),
  accommodations text CHECK (char_length(accommodations) BETWEEN 1 AND 10000),
  triggers text CHECK (char_length(triggers) BETWEEN 1 AND 10000),
  emergency_protocol text CHECK (char_length(emergency_protocol) BETWEEN 1 AND 10000),
  last_reviewed_on date,
  next_review_on date,
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  source_hash text CHECK (source_hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT chronic_conditions_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT chronic_conditions_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT chronic_conditions_student_id_fkey
    FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id),
  CONSTRAINT chronic_conditions_visit_id_fkey
    FOREIGN KEY (clinic_id, student_id, visit_id) REFERENCES clinic_visits (clinic_id, student_id, id),
  CONSTRAINT chronic_conditions_end_after_onset CHECK (abated_on >= onset_on),
  CONSTRAINT chronic_conditions_abated_is_resolved CHECK (abated_on IS NULL OR status = 'RESOLVED'),
  CONSTRAINT chronic_conditions_code_has_system CHECK (code IS NULL OR code_system IS NOT NULL)
);
-- Identity of an imported row, deleted ones included: a second import neither doubles nor revives it.
CREATE UNIQUE INDEX chronic_conditions_source_hash_key ON chronic_conditions (clinic_id, source_hash)
  WHERE source_hash IS NOT NULL;
CREATE INDEX chronic_conditions_student_id_idx ON chronic_conditions (clinic_id, student_id, status);
CREATE INDEX chronic_conditions_visit_id_idx ON chronic_conditions (clinic_id, visit_id);
CREATE INDEX chronic_conditions_next_review_on_idx ON chronic_conditions (clinic_id, next_review_on);

CALL phi.protect_table('chronic_conditions');
CALL audit.watch_table('chronic_conditions', 'ChronicCondition', ARRAY[
  'clinic_id', 'id', 'student_id', 'visit_id', 'code_system', 'status', 'severity', 'onset_on', 'abated_on',
  'last_reviewed_on', 'next_review_on', 'source_hash', 'version', 'created_at', 'updated_at', 'deleted_at',
  'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE chronic_conditions;
