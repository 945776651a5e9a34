-- What is planned for a patient, why, and from when to when.

-- migrate:up

CREATE TABLE treatment_plans (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  visit_id uuid,
  managed_by_id uuid,
  title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 255),
  code_system text CHECK (code_system IN ('SNOMED', 'ICD10', 'OTHER')),
  code text CHECK (char_length(code) BETWEEN 1 AND 30),
  reason_code text CHECK (char_length(reason_code) BETWEEN 1 AND 30),
  reason text CHECK (char_length(reason) BETWEEN 1 AND 500),
  status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN (
    'ACTIVE', 'ON_HOLD', 'COMPLETED', 'CANCELLED')),
  started_on date NOT NULL,
  ended_on date,
  goals text CHECK (char_length(goals) BETWEEN 1 AND 10000),
  activities text CHECK (char_length(activities) BETWEEN 1 AND 10000),
  facility_name text CHECK (char_length(facility_name) BETWEEN 1 AND 200),
  provider_name text CHECK (char_length(provider_name) BETWEEN 1 AND 200),
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  source_hash text CHECK (source_hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT treatment_plans_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT treatment_plans_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT treatment_plans_student_id_fkey FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id),
  CONSTRAINT treatment_plans_visit_id_fkey
    FOREIGN KEY (clinic_id, student_id, visit_id) REFERENCES clinic_visits (clinic_id, student_id, id),
  CONSTRAINT treatment_plans_managed_by_id_fkey
    FOREIGN KEY (clinic_id, managed_by_id) REFERENCES users (clinic_id, id),
  CONSTRAINT treatment_plans_end_after_start CHECK (ended_on >= started_on),
  CONSTRAINT treatment_plans_code_has_system CHECK (code IS NULL OR code_system IS NOT NULL)
);
-- Identity of an imported row, deleted ones included: a second import neither doubles nor revives it.
CREATE UNIQUE INDEX treatment_plans_source_hash_key ON treatment_plans (clinic_id, source_hash)
  WHERE source_hash IS NOT NULL;
CREATE INDEX treatment_plans_student_id_idx ON treatment_plans (clinic_id, student_id, status);
CREATE INDEX treatment_plans_visit_id_idx ON treatment_plans (clinic_id, visit_id);
CREATE INDEX treatment_plans_managed_by_id_idx ON treatment_plans (clinic_id, managed_by_id);

CALL phi.protect_table('treatment_plans');
CALL audit.watch_table('treatment_plans', 'TreatmentPlan', ARRAY[
  'clinic_id', 'id', 'student_id', 'visit_id', 'managed_by_id', 'code_system', 'status', 'started_on',
  'ended_on', 'source_hash', 'version', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE treatment_plans;
