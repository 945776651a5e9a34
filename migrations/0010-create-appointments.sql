-- A time set aside for a student. visit_id is the visit that it led to.

-- migrate:up

CREATE TABLE appointments (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  nurse_id uuid,
  visit_id uuid,
  type text NOT NULL CHECK (type IN (
    'ROUTINE_CHECKUP', 'MEDICATION_ADMINISTRATION', 'INJURY_ASSESSMENT', 'ILLNESS_EVALUATION', 'VACCINATION',
    'FOLLOW_UP', 'SCREENING', 'EMERGENCY', 'OTHER')),
  status text NOT NULL DEFAULT 'SCHEDULED' CHECK (status IN (
    'SCHEDULED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED', 'NO_SHOW')),
  scheduled_at timestamptz(3) NOT NULL,
  duration_minutes integer NOT NULL DEFAULT 30 CHECK (duration_minutes BETWEEN 1 AND 1440),
  reason text CHECK (char_length(reason) BETWEEN 1 AND 500),
  cancellation_reason text CHECK (char_length(cancellation_reason) BETWEEN 1 AND 500),
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT appointments_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT appointments_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT appointments_student_id_fkey FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id),
  CONSTRAINT appointments_nurse_id_fkey FOREIGN KEY (clinic_id, nurse_id) REFERENCES users (clinic_id, id),
  CONSTRAINT appointments_visit_id_fkey
    FOREIGN KEY (clinic_id, student_id, visit_id) REFERENCES clinic_visits (clinic_id, student_id, id),
  CONSTRAINT appointments_reason_of_cancelled CHECK (cancellation_reason IS NULL OR status = 'CANCELLED')
);
CREATE INDEX appointments_student_id_idx ON appointments (clinic_id, student_id, scheduled_at);
CREATE INDEX appointments_nurse_id_idx ON appointments (clinic_id, nurse_id, scheduled_at);
CREATE INDEX appointments_visit_id_idx ON appointments (clinic_id, visit_id);
CREATE INDEX appointments_status_idx ON appointments (clinic_id, status, scheduled_at);

CALL phi.protect_table('appointments');
CALL audit.watch_table('appointments', 'Appointment', ARRAY[
  'clinic_id', 'id', 'student_id', 'nurse_id', 'visit_id', 'type', 'status', 'scheduled_at',
  'duration_minutes', 'version', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE appointments;
