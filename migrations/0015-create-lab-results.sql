-- One result of a laboratory test. value is the text exactly as reported, value_numeric the same as a number where it
-- is one.

-- migrate:up

CREATE TABLE lab_results (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  visit_id uuid,
  loinc_code text CHECK (char_length(loinc_code) BETWEEN 1 AND 20),
  test_name text NOT NULL CHECK (char_length(test_name) BETWEEN 1 AND 500),
  value text NOT NULL CHECK (char_length(value) BETWEEN 1 AND 4000),
  value_numeric numeric(18,6),
  unit text CHECK (char_length(unit) BETWEEN 1 AND 50),
  reference_range text CHECK (char_length(reference_range) BETWEEN 1 AND 100),
  interpretation text CHECK (interpretation IN ('NORMAL', 'LOW', 'HIGH', 'CRITICAL', 'ABNORMAL')),
  status text NOT NULL DEFAULT 'FINAL' CHECK (status IN ('PRELIMINARY', 'FINAL', 'CORRECTED')),
  observed_at timestamptz(3) NOT NULL DEFAULT now(),
  facility_name text CHECK (char_length(facility_name) BETWEEN 1 AND 200),
  ordered_by text CHECK (char_length(ordered_by) BETWEEN 1 AND 200),
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  source_hash text CHECK (source_hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT lab_results_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT lab_results_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT lab_results_student_id_fkey FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id),
  CONSTRAINT lab_results_visit_id_fkey
    FOREIGN KEY (clinic_id, student_id, visit_id) REFERENCES clinic_visits (clinic_id, student_id, id)
);
-- Identity of an imported row, deleted ones included: a second import neither doubles nor revives it.
CREATE UNIQUE INDEX lab_results_source_hash_key ON lab_results (clinic_id, source_hash) WHERE source_hash IS NOT NULL;
CREATE INDEX lab_results_student_id_idx ON lab_results (clinic_id, student_id, observed_at);
CREATE INDEX lab_results_visit_id_idx ON lab_results (clinic_id, visit_id);
CREATE INDEX lab_results_status_idx ON lab_results (clinic_id, status, observed_at);

CALL phi.protect_table('lab_results');
CALL audit.watch_table('lab_results', 'LabResult', ARRAY[
  'clinic_id', 'id', 'student_id', 'visit_id', 'unit', 'status', 'observed_at', 'source_hash', 'version',
  'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE lab_results;
