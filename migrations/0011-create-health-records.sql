-- What has no table of its own: checkups, surveys, procedures, notes of a transfer. A coded answer keeps its text in
-- value exactly as it came, and as a number where it is one.

-- migrate:up

CREATE TABLE health_records (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  visit_id uuid,
  record_type text NOT NULL CHECK (record_type IN (
    'CHECKUP', 'SCREENING', 'ILLNESS', 'INJURY', 'EXAM', 'SURVEY', 'PROCEDURE', 'MEASUREMENT', 'CONSULTATION',
    'MENTAL_HEALTH', 'DENTAL', 'VISION', 'HEARING', 'FOLLOW_UP', 'ENROLLMENT', 'TRANSFER', 'OTHER')),
  recorded_at timestamptz(3) NOT NULL DEFAULT now(),
  ended_at timestamptz(3),
  title text CHECK (char_length(title) BETWEEN 1 AND 500),
  description text CHECK (char_length(description) BETWEEN 1 AND 10000),
  diagnosis text CHECK (char_length(diagnosis) BETWEEN 1 AND 10000),
  code_system text CHECK (code_system IN ('SNOMED', 'LOINC', 'ICD10', 'OTHER')),
  code text CHECK (char_length(code) BETWEEN 1 AND 30),
  value text CHECK (char_length(value) BETWEEN 1 AND 4000),
  value_numeric numeric(18,6),
  unit text CHECK (char_length(unit) BETWEEN 1 AND 50),
  reason_code text CHECK (char_length(reason_code) BETWEEN 1 AND 30),
  reason text CHECK (char_length(reason) BETWEEN 1 AND 500),
  facility_name text CHECK (char_length(facility_name) BETWEEN 1 AND 200),
  provider_name text CHECK (char_length(provider_name) BETWEEN 1 AND 200),
  is_confidential boolean NOT NULL DEFAULT false,
  follow_up_on date,
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  source_hash text CHECK (source_hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT health_records_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT health_records_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT health_records_student_id_fkey FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id),
  CONSTRAINT health_records_visit_id_fkey
    FOREIGN KEY (clinic_id, student_id, visit_id) REFERENCES clinic_visits (clinic_id, student_id, id),
  CONSTRAINT health_records_end_after_start CHECK (ended_at >= recorded_at),
  CONSTRAINT health_records_code_has_system CHECK (code IS NULL OR code_system IS NOT NULL)
);
-- Identity of an imported row, deleted ones included: a second import neither doubles nor revives it.
CREATE UNIQUE INDEX health_records_source_hash_key ON health_records (clinic_id, source_hash)
  WHERE source_hash IS NOT NULL;
CREATE INDEX health_records_student_id_idx ON health_records (clinic_id, student_id, recorded_at);
CREATE INDEX health_records_visit_id_idx ON health_records (clinic_id, visit_id);
CREATE INDEX health_records_record_type_idx ON health_records (clinic_id, record_type, recorded_at);
CREATE INDEX health_records_follow_up_on_idx ON health_records (clinic_id, follow_up_on);

CALL phi.protect_table('health_records');
CALL audit.watch_table('health_records', 'HealthRecord', ARRAY[
  'clinic_id', 'id', 'student_id', 'visit_id', 'record_type', 'recorded_at', 'ended_at', 'code_system', 'unit',
  'is_confidential', 'follow_up_on', 'source_hash', 'version', 'created_at', 'updated_at', 'deleted_at',
  'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE health_records;
