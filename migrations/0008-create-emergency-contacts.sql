-- Whom to call about a student, in the order of priority. Two contacts may share a priority: parents often do.

-- migrate:up

CREATE TABLE emergency_contacts (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  student_id uuid NOT NULL,
  first_name text NOT NULL CHECK (char_length(first_name) BETWEEN 1 AND 100),
  last_name text NOT NULL CHECK (char_length(last_name) BETWEEN 1 AND 100),
  relationship text NOT NULL CHECK (char_length(relationship) BETWEEN 1 AND 50),
  phone text NOT NULL CHECK (char_length(phone) BETWEEN 1 AND 30),
  email text CHECK (char_length(email) <= 254 AND email LIKE '%_@_%'),
  address text CHECK (char_length(address) BETWEEN 1 AND 300),
  priority integer NOT NULL DEFAULT 1 CHECK (priority BETWEEN 1 AND 99),
  preferred_contact_method text CHECK (preferred_contact_method IN ('PHONE', 'SMS', 'EMAIL')),
  can_pick_up boolean NOT NULL DEFAULT false,
  is_active boolean NOT NULL DEFAULT true,
  last_verified_at timestamptz(3),
  notes text CHECK (char_length(notes) BETWEEN 1 AND 10000),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT emergency_contacts_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT emergency_contacts_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT emergency_contacts_student_id_fkey
    FOREIGN KEY (clinic_id, student_id) REFERENCES students (clinic_id, id)
);
CREATE INDEX emergency_contacts_student_id_idx ON emergency_contacts (clinic_id, student_id, priority);

CALL phi.protect_table('emergency_contacts');
CALL audit.watch_table('emergency_contacts', 'EmergencyContact', ARRAY[
  'clinic_id', 'id', 'student_id', 'priority', 'preferred_contact_method', 'can_pick_up', 'is_active',
  'last_verified_at', 'version', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
], 'student_id');

-- migrate:down

DROP TABLE emergency_contacts;
