-- One contact of a patient with a clinic. The unique key with student_id is the target of the records' visit_id: with
-- it a record cannot name the visit of another patient.

-- migrate:up

CREATE TABLE clinic_visits (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  attended_by_id uuid,
  visit_class text NOT NULL DEFAULT 'SCHOOL_HEALTH' CHECK (visit_class IN (
    'SCHOOL_HEALTH', 'AMBULATORY', 'OUTPATIENT', 'WELLNESS', 'URGENT_CARE', 'EMERGENCY', 'INPATIENT',
    'SKILLED_NURSING', 'HOSPICE', 'HOME', 'VIRTUAL')),
  started_at timestamptz(3) NOT NULL DEFAULT now(),
  ended_at timestamptz(3),
  code text CHECK (char_length(code) BETWEEN 1 AND 30),
  description text CHECK (char_length(description) BETWEEN 1 AND 500),
  reason_code text CHECK (char_length(reason_code) BETWEEN 1 AND 30),
  reason text CHECK (char_length(reason) BETWEEN 1 AND 500),
  facility_name text CHECK (char_length(facility_name) BETWEEN 1 AND 200),
  provider_name text CHECK (char_length(provider_name) BETWEEN 1 AND 200),
  symptoms text CHECK (char_length(symptoms) BETWEEN 1 AND 10000),
  treatment text CHECK (char_length(treatment) BETWEEN 1 AND 10000),
  disposition text CHECK (disposition IN (
    'RETURNED_TO_CLASS', 'SENT_HOME', 'REFERRED', 'ADMITTED', 'OTHER')),
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  source_hash text CHECK (source_hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT clinic_visits_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT clinic_visits_of_student_key UNIQUE (clinic_id, student_id, id),
  CONSTRAINT clinic_visits_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT clinic_visits_student_id_fkey FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id),
  CONSTRAINT clinic_visits_attended_by_id_fkey
    FOREIGN KEY (clinic_id, attended_by_id) REFERENCES users (clinic_id, id),
  CONSTRAINT clinic_visits_end_after_start CHECK (ended_at >= started_at)
);
-- Identity of an imported row, deleted ones included: a second import neither doubles nor revives it.
CREATE UNIQUE INDEX clinic_visits_source_hash_key ON clinic_visits (clinic_id, source_hash)
  WHERE source_hash IS NOT NULL;
CREATE INDEX clinic_visits_student_id_idx ON clinic_visits (clinic_id, student_id, started_at);
CREATE INDEX clinic_visits_attended_by_id_idx ON clinic_visits (clinic_id, attended_by_id, started_at);
CREATE INDEX clinic_visits_started_at_idx ON clinic_visits (clinic_id, started_at);

CALL phi.protect_table('clinic_visits');
CALL audit.watch_table('clinic_visits', 'ClinicVisit', ARRAY[
  'clinic_id', 'id', 'student_id', 'attended_by_id', 'visit_class', 'started_at', 'ended_at', 'disposition',
  'source_hash', 'version', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE clinic_visits;
