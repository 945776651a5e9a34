-- Students are the patients of this schema, adults included: hence a grade that may be missing. The number is unique
-- among the not deleted, so that a record made by mistake can be deleted and entered again.

-- migrate:up

CREATE TABLE students (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  school_id uuid,
  nurse_id uuid,
  student_number text NOT NULL CHECK (char_length(student_number) BETWEEN 1 AND 50),
  medical_record_number text CHECK (char_length(medical_record_number) BETWEEN 1 AND 50),
  prefix text CHECK (char_length(prefix) BETWEEN 1 AND 20),
  first_name text NOT NULL CHECK (char_length(first_name) BETWEEN 1 AND 100),
  middle_name text CHECK (char_length(middle_name) BETWEEN 1 AND 100),
  last_name text NOT NULL CHECK (char_length(last_name) BETWEEN 1 AND 100),
  suffix text CHECK (char_length(suffix) BETWEEN 1 AND 20),
  maiden_name text CHECK (char_length(maiden_name) BETWEEN 1 AND 100),
  date_of_birth date NOT NULL,
  date_of_death date,
  gender text NOT NULL CHECK (gender IN ('FEMALE', 'MALE', 'OTHER', 'UNKNOWN')),
  marital_status text CHECK (marital_status IN (
    'SINGLE', 'MARRIED', 'DIVORCED', 'WIDOWED', 'SEPARATED', 'OTHER')),
  race text CHECK (char_length(race) BETWEEN 1 AND 50),
  ethnicity text CHECK (char_length(ethnicity) BETWEEN 1 AND 50),
  social_security_number text CHECK (char_length(social_security_number) BETWEEN 1 AND 20),
  drivers_license text CHECK (char_length(drivers_license) BETWEEN 1 AND 30),
  passport_number text CHECK (char_length(passport_number) BETWEEN 1 AND 30),
  birthplace text CHECK (char_length(birthplace) BETWEEN 1 AND 200),
  phone text CHECK (char_length(phone) BETWEEN 1 AND 30),
  email text CHECK (char_length(email) <= 254 AND email LIKE '%_@_%'),
  address text CHECK (char_length(address) BETWEEN 1 AND 300),
  city text CHECK (char_length(city) BETWEEN 1 AND 100),
  county text CHECK (char_length(county) BETWEEN 1 AND 100),
  state text CHECK (char_length(state) BETWEEN 1 AND 100),
  postal_code text CHECK (char_length(postal_code) BETWEEN 1 AND 20),
  grade text CHECK (char_length(grade) BETWEEN 1 AND 10),
  enrollment_date date,
  is_active boolean NOT NULL DEFAULT true,
  source_hash text CHECK (source_hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT students_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT students_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT students_school_id_fkey FOREIGN KEY (clinic_id, school_id) REFERENCES schools (clinic_id, id),
  CONSTRAINT students_nurse_id_fkey FOREIGN KEY (clinic_id, nurse_id) REFERENCES users (clinic_id, id),
  CONSTRAINT students_death_after_birth CHECK (date_of_death >= date_of_birth)
);
CREATE UNIQUE INDEX students_student_number_key ON students (clinic_id, student_number) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX students_medical_record_number_key ON students (clinic_id, medical_record_number)
  WHERE deleted_at IS NULL;
-- Identity of an imported row, deleted ones included: a second import neither doubles nor revives it.
CREATE UNIQUE INDEX students_source_hash_key ON students (clinic_id, source_hash) WHERE source_hash IS NOT NULL;
CREATE INDEX students_school_id_idx ON students (clinic_id, school_id, grade, is_active);
CREATE INDEX students_nurse_id_idx ON students (clinic_id, nurse_id);
CREATE INDEX students_last_name_idx ON students (clinic_id, last_name, first_name);
CREATE INDEX students_grade_idx ON students (clinic_id, grade, is_active);
CREATE INDEX students_created_at_idx ON students (clinic_id, created_at);

CALL phi.protect_table('students');
CALL audit.watch_table('students', 'Student', ARRAY[
  'clinic_id', 'id', 'school_id', 'nurse_id', 'grade', 'enrollment_date', 'is_active', 'source_hash',
  'version', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'updated_by'
], 'id');

-- migrate:down

DROP TABLE students;
