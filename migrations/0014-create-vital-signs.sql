-- One row a measurement session. The unit is part of the column's name, so a number cannot be read in another one;
-- numeric is exact. The ranges reject what cannot be a measurement and nothing that can.

-- migrate:up

CREATE TABLE vital_signs (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  visit_id uuid,
  measured_at timestamptz(3) NOT NULL DEFAULT now(),
  height_cm numeric(6,2) CHECK (height_cm BETWEEN 10 AND 300),
  weight_kg numeric(6,2) CHECK (weight_kg BETWEEN 0.1 AND 1000),
  bmi numeric(5,2) CHECK (bmi BETWEEN 1 AND 300),
  bmi_percentile numeric(5,2) CHECK (bmi_percentile BETWEEN 0 AND 100),
  weight_for_length_percentile numeric(5,2) CHECK (weight_for_length_percentile BETWEEN 0 AND 100),
  head_circumference_cm numeric(5,2) CHECK (head_circumference_cm BETWEEN 5 AND 150),
  head_circumference_percentile numeric(5,2) CHECK (head_circumference_percentile BETWEEN 0 AND 100),
  systolic_mmhg numeric(5,1) CHECK (systolic_mmhg BETWEEN 0 AND 400),
  diastolic_mmhg numeric(5,1) CHECK (diastolic_mmhg BETWEEN 0 AND 300),
  heart_rate_per_minute numeric(5,1) CHECK (heart_rate_per_minute BETWEEN 0 AND 500),
  respiratory_rate_per_minute numeric(5,1) CHECK (respiratory_rate_per_minute BETWEEN 0 AND 200),
  temperature_celsius numeric(4,2) CHECK (temperature_celsius BETWEEN 10 AND 50),
  oxygen_saturation_percent numeric(5,2) CHECK (oxygen_saturation_percent BETWEEN 0 AND 100),
  pain_score numeric(3,1) CHECK (pain_score BETWEEN 0 AND 10),
  measured_by text CHECK (char_length(measured_by) BETWEEN 1 AND 200),
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  source_hash text CHECK (source_hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT vital_signs_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT vital_signs_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT vital_signs_student_id_fkey FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id),
  CONSTRAINT vital_signs_visit_id_fkey
    FOREIGN KEY (clinic_id, student_id, visit_id) REFERENCES clinic_visits (clinic_id, student_id, id),
  CONSTRAINT vital_signs_not_empty CHECK (num_nonnulls(
    height_cm, weight_kg, bmi, bmi_percentile, weight_for_length_percentile, head_circumference_cm,
    head_circumference_percentile, systolic_mmhg, diastolic_mmhg, heart_rate_per_minute,
    respiratory_rate_per_minute, temperature_celsius, oxygen_saturation_percent, pain_score) > 0)
);
-- Identity of an imported row, deleted ones included: a second import neither doubles nor revives it.
CREATE UNIQUE INDEX vital_signs_source_hash_key ON vital_signs (clinic_id, source_hash) WHERE source_hash IS NOT NULL;
CREATE INDEX vital_signs_student_id_idx ON vital_signs (clinic_id, student_id, measured_at);
CREATE INDEX vital_signs_visit_id_idx ON vital_signs (clinic_id, visit_id);

CALL phi.protect_table('vital_signs');
CALL audit.watch_table('vital_signs', 'VitalSigns', ARRAY[
  'clinic_id', 'id', 'student_id', 'visit_id', 'measured_at', 'source_hash', 'version', 'created_at',
  'updated_at', 'deleted_at', 'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE vital_signs;
