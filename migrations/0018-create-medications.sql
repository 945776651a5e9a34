-- The clinic's catalogue of drugs, keyed by RxNorm code where one is known. No patient data.

-- migrate:up

CREATE TABLE medications (
  clinic_id uuid NOT NULL DEFAULT phi.tenant(),
  id uuid NOT NULL,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 500),
  rxnorm_code text CHECK (rxnorm_code ~ '^[0-9]{1,20}$'),
  ndc text CHECK (char_length(ndc) BETWEEN 1 AND 20),
  generic_name text CHECK (char_length(generic_name) BETWEEN 1 AND 255),
  strength text CHECK (char_length(strength) BETWEEN 1 AND 100),
  dosage_form text CHECK (char_length(dosage_form) BETWEEN 1 AND 100),
  manufacturer text CHECK (char_length(manufacturer) BETWEEN 1 AND 100),
  is_controlled boolean NOT NULL DEFAULT false,
  dea_schedule text CHECK (dea_schedule IN ('I', 'II', 'III', 'IV', 'V')),
  is_active boolean NOT NULL DEFAULT true,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  created_by uuid,
  updated_by uuid,
  CONSTRAINT medications_pkey PRIMARY KEY (clinic_id, id),
  CONSTRAINT medications_clinic_id_fkey FOREIGN KEY (clinic_id) REFERENCES clinics (id),
  CONSTRAINT medications_schedule_of_controlled CHECK (dea_schedule IS NULL OR is_controlled)
);
CREATE UNIQUE INDEX medications_rxnorm_code_key ON medications (clinic_id, rxnorm_code) WHERE deleted_at IS NULL;
CREATE INDEX medications_name_idx ON medications (clinic_id, name);
CREATE INDEX medications_ndc_idx ON medications (clinic_id, ndc);

CALL phi.protect_table('medications');
CALL audit.watch_table('medications', 'Medication', ARRAY[
  'clinic_id', 'id', 'name', 'rxnorm_code', 'ndc', 'generic_name', 'strength', 'dosage_form', 'manufacturer',
  'is_controlled', 'dea_schedule', 'is_active', 'version', 'created_at', 'updated_at', 'deleted_at',
  'created_by', 'updated_by'
]);

-- migrate:down

DROP TABLE medications;
