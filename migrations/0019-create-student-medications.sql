-- A drug that a patient takes or took.

-- migrate:up

CREATE TABLE student_medications (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  medication_id uuid NOT NULL,
  visit_id uuid,
  status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN (
    'ACTIVE', 'ON_HOLD', 'COMPLETED', 'STOPPED')),
  started_at timestamptz(3) NOT NULL,
  ended_at timestamptz(3),
  dosage text CHECK (char_length(dosage) BETWEEN 1 AND 200),
  frequency text CHECK (char_length(frequency) BETWEEN 1 AND 200),
  route text CHECK (char_length(route) BETWEEN 1 AND 50),
  instructions text CHECK (char_length(instructions) BETWEEN 1 AND 10000),
  dispenses integer CHECK (dispenses BETWEEN 0 AND 100000),
  refills_remaining integer CHECK (refills_remaining BETWEEN 0 AND 1000),
  reason_code text CHECK (char_length(reason_code) BETWEEN 1 AND 30),
  reason text CHECK (char_length(reason) BETWEEN 1 AND 500),
  facility_name text CHECK (char_length(facility_name) BETWEEN 1 AND 200),
  prescribed_by text CHECK (char_length(prescribed_by) BETWEEN 1 AND 200),
  prescription_number text CHECK (char_length(prescription_number) BETWEEN 1 AND 50),
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  source_hash text CHECK (source_hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT student_medications_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT student_medications_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT student_medications_student_id_fkey
    FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id),
  CONSTRAINT student_medications_medication_id_fkey
    FOREIGN KEY (clinic_id, medication_id) REFERENCES medications (clinic_id, id),
  CONSTRAINT student_medications_visit_id_fkey
    FOREIGN KEY (clinic_id, student_id, visit_id) REFERENCES clinic_visits (clinic_id, student_id, id),
  CONSTRAINT student_medications_end_after_start CHECK (ended_at >= started_at)
);
-- Identity of an imported row, deleted ones included: a second import neither doubles nor revives it.
CREATE UNIQUE INDEX student_medications_source_hash_key ON student_medications (clinic_id, source_hash)
  WHERE source_hash IS NOT NULL;
CREATE INDEX student_medications_student_id_idx ON student_medications (clinic_id, student_id, status);
CREATE INDEX student_medications_medication_id_idx ON student_medications (clinic_id, medication_id);
CREATE INDEX student_medications_visit_id_idx ON student_medications (clinic_id, visit_id);

CALL phi.protect_table('student_medications');
CALL audit.watch_table('student_medications', 'StudentMedication', ARRAY[
  'clinic_id', 'id', 'student_id', 'medication_id', 'visit_id', 'status', 'started_at', 'ended_at',
  'source_hash', 'version', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE student_medications;
