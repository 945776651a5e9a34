-- One table without and one with row security and write audit; the columns are those of a small patient record.

CREATE TABLE plain_records (
  id uuid PRIMARY KEY,
  number text NOT NULL,
  first_name text NOT NULL,
  last_name text NOT NULL,
  date_of_birth date NOT NULL,
  grade text NOT NULL,
  address text,
  notes text,
  visits integer NOT NULL,
  is_active boolean NOT NULL,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid
) WITH (autovacuum_enabled = off); -- vacuumed between rounds, so that no peer pays for another's dead rows
CREATE INDEX ON plain_records (grade, last_name, id) WHERE deleted_at IS NULL;

CREATE TABLE protected_records (
  clinic_id uuid NOT NULL DEFAULT phi.tenant() REFERENCES clinics (id),
  LIKE plain_records INCLUDING DEFAULTS,
  PRIMARY KEY (clinic_id, id)
) WITH (autovacuum_enabled = off);
CREATE INDEX ON protected_records (clinic_id, grade, last_name, id) WHERE deleted_at IS NULL;

-- The version is raised by the same trigger on both, so that every peer's update does the same.
CREATE TRIGGER touch_row BEFORE UPDATE ON plain_records FOR EACH ROW EXECUTE FUNCTION phi.touch_row('id');
GRANT SELECT, INSERT, UPDATE, DELETE ON plain_records TO phi_app;
