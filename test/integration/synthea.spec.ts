import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importExport } from '../../seeders/synthea/import-export';
import type { FileCounts } from '../../seeders/synthea/import-counts';
import { SYNTHEA_SCHOOL_ID, syntheaContext } from '../../seeders/synthea/synthea-clinic';
import { runWithContext } from '../../src';
import {
  AllergyRepository,
  ChronicConditionRepository,
  ClinicVisitRepository,
  HealthRecordRepository,
  LabResultRepository,
  MedicationRepository,
  StudentMedicationRepository,
  StudentRepository,
  TreatmentPlanRepository,
  VaccinationRepository,
  VitalSignsRepository,
} from '../../src/domains';
import { type SeedApp, startSeedApp } from '../support/seed-context';
import { describeWithExport, type ExportRow, readExportRows, syntheaExport } from '../support/synthea-export';

let app: SeedApp;
let folder: string;

const runImport = (): Promise<FileCounts[]> =>
  importExport(app.seed, { from: syntheaExport, rejectsFile: join(folder, 'rejects.csv') });

/** Everything stored of the clinic, with version and time of change, and the number of audit events. */
async function contents(): Promise<unknown> {
  const client = await app.db.superClient();
  const tables = await client.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name = 'clinic_id' ORDER BY 1`,
  );
  const digests: unknown[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await client.query(`SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM ${name} t`);
    digests.push([name, rows[0]]);
  }
  const { rows: events } = await client.query('SELECT count(*) FROM audit.event');
  return { digests, events };
}

/** Reads rows by the hash of their export row; each must be there. */
async function byHash<T extends { sourceHash: string | null }>(
  repository: { findAll(criteria: { where: { sourceHash: { in: string[] } } }): Promise<readonly T[]> },
  rows: readonly ExportRow[],
): Promise<(row: ExportRow) => T> {
  const found = await runWithContext(syntheaContext(), () =>
    repository.findAll({ where: { sourceHash: { in: rows.map(({ hash }) => hash) } } }),
  );
  const known = new Map(found.map((entity) => [entity.sourceHash, entity]));
  expect(known.size).toBe(rows.length);
  return (row) => known.get(row.hash)!;
}

/** What is empty in the file is null in the database. */
const text = (value: string | undefined): string | null => value || null;
const time = (value: string | undefined): Date | null => (value ? new Date(value) : null);
/** The same number, however many zeros its column adds. */
const decimal = (value: string | null): string | null => value && value.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');

describeWithExport('Import of a Synthea export', () => {
  let counts: FileCounts[];
  let studentOf: Map<string, string>;
  let visitOf: Map<string, string>;
  let facilityOf: Map<string, string>;
  let providerOf: Map<string, string>;

  /** What a row shares with the other rows of its encounter. */
  const atEncounter = (row: ExportRow) => ({
    studentId: studentOf.get(row.PATIENT!),
    visitId: visitOf.get(row.ENCOUNTER!) ?? null,
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'phi-test-synthea-'));
    app = await startSeedApp();
    counts = await runImport();
    const patients = readExportRows('patients.csv');
    const encounters = readExportRows('encounters.csv');
    const student = await byHash(app.get(StudentRepository), patients);
    const visit = await byHash(app.get(ClinicVisitRepository), encounters);
    const names = (file: string) => new Map(readExportRows(file).map(({ Id, NAME }) => [Id!, NAME!]));
    const [organizations, providers] = [names('organizations.csv'), names('providers.csv')];
    studentOf = new Map(patients.map((row) => [row.Id!, student(row).id]));
    visitOf = new Map(encounters.map((row) => [row.Id!, visit(row).id]));
    facilityOf = new Map(encounters.map((row) => [row.Id!, organizations.get(row.ORGANIZATION!)!]));
    providerOf = new Map(encounters.map((row) => [row.Id!, providers.get(row.PROVIDER!)!]));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await app?.close();
  });

  it('accounts for every row of every file', () => {
    // Counted from the files with awk: rows, and rows of vital signs less their distinct encounters and times.
    const expected: Record<string, [rows: number, stored: number, merged: number]> = {
      'organizations.csv': [63, 0, 63],
      'providers.csv': [166, 0, 166],
      'patients.csv': [27, 27, 0],
      'encounters.csv': [604, 604, 0],
      'conditions.csv': [438, 438, 0],
      'medications.csv': [663, 663, 0],
      'immunizations.csv': [29, 29, 0],
      'allergies.csv': [40, 40, 0],
      'observations.csv': [990, 790, 200],
      'procedures.csv': [249, 249, 0],
      'careplans.csv': [49, 49, 0],
    };
    expect(Object.fromEntries(counts.map(({ file, rows, stored, merged }) => [file, [rows, stored, merged]]))).toEqual(
      expected,
    );
    expect(counts.map(({ rejected, unchanged }) => [rejected, unchanged])).toEqual(counts.map(() => [0, 0]));
    expect(readFileSync(join(folder, 'rejects.csv'), 'utf8')).toBe('file,line,row_sha256,code,reason\n');
  });

  it('stores no row that is not in a file', async () => {
    const count = (repository: abstract new (...args: never[]) => { count(): Promise<number> }) =>
      runWithContext(syntheaContext(), () => app.get(repository).count());
    expect(await count(StudentRepository)).toBe(27);
    expect(await count(ClinicVisitRepository)).toBe(604);
    expect(await count(ChronicConditionRepository)).toBe(438);
    expect(await count(StudentMedicationRepository)).toBe(663);
    expect(await count(MedicationRepository)).toBe(32);
    expect(await count(VaccinationRepository)).toBe(29);
    expect(await count(AllergyRepository)).toBe(40);
    expect(await count(VitalSignsRepository)).toBe(28);
    expect(await count(LabResultRepository)).toBe(251);
    // 249 procedures, and of the observations 432 answers of surveys, 2 exams, 2 of procedures, 75 without a category.
    expect(await count(HealthRecordRepository)).toBe(249 + 432 + 2 + 2 + 75);
    expect(await count(TreatmentPlanRepository)).toBe(49);
  });

  it('gives back every patient as the file has it', async () => {
    const rows = readExportRows('patients.csv');
    const student = await byHash(app.get(StudentRepository), rows);
    const gender: Record<string, string> = { M: 'MALE', F: 'FEMALE' };
    const marital: Record<string, string> = { M: 'MARRIED', S: 'SINGLE' };
    for (const row of rows) {
      expect(student(row)).toMatchObject({
        schoolId: SYNTHEA_SCHOOL_ID,
        studentNumber: row.Id,
        dateOfBirth: row.BIRTHDATE,
        dateOfDeath: text(row.DEATHDATE),
        socialSecurityNumber: text(row.SSN),
        driversLicense: text(row.DRIVERS),
        passportNumber: text(row.PASSPORT),
        prefix: text(row.PREFIX),
        firstName: row.FIRST,
        lastName: row.LAST,
        suffix: text(row.SUFFIX),
        maidenName: text(row.MAIDEN),
        maritalStatus: row.MARITAL ? marital[row.MARITAL] : null,
        race: row.RACE,
        ethnicity: row.ETHNICITY,
        gender: gender[row.GENDER!],
        birthplace: row.BIRTHPLACE,
        address: row.ADDRESS,
        city: row.CITY,
        state: row.STATE,
        county: row.COUNTY,
        postalCode: text(row.ZIP),
        isActive: row.DEATHDATE === '',
      });
    }
  });

  it('gives back every encounter with its facility and provider', async () => {
    const rows = readExportRows('encounters.csv');
    const visit = await byHash(app.get(ClinicVisitRepository), rows);
    const classes: Record<string, string> = { urgentcare: 'URGENT_CARE' };
    for (const row of rows) {
      expect(visit(row)).toMatchObject({
        studentId: studentOf.get(row.PATIENT!),
        visitClass: classes[row.ENCOUNTERCLASS!] ?? row.ENCOUNTERCLASS!.toUpperCase(),
        startedAt: time(row.START),
        endedAt: time(row.STOP),
        code: row.CODE,
        description: row.DESCRIPTION,
        reasonCode: text(row.REASONCODE),
        reason: text(row.REASONDESCRIPTION),
        facilityName: facilityOf.get(row.Id!),
        providerName: providerOf.get(row.Id!),
      });
    }
  });

  it('gives back every condition and every care plan', async () => {
    const conditions = readExportRows('conditions.csv');
    const condition = await byHash(app.get(ChronicConditionRepository), conditions);
    for (const row of conditions) {
      expect(condition(row)).toMatchObject({
        ...atEncounter(row),
        condition: row.DESCRIPTION,
        codeSystem: 'SNOMED',
        code: row.CODE,
        onsetOn: row.START,
        abatedOn: text(row.STOP),
        status: row.STOP ? 'RESOLVED' : 'ACTIVE',
        diagnosedBy: providerOf.get(row.ENCOUNTER!),
      });
    }
    const plans = readExportRows('careplans.csv');
    const plan = await byHash(app.get(TreatmentPlanRepository), plans);
    for (const row of plans) {
      expect(plan(row)).toMatchObject({
        ...atEncounter(row),
        title: row.DESCRIPTION,
        codeSystem: 'SNOMED',
        code: row.CODE,
        startedOn: row.START,
        endedOn: text(row.STOP),
        status: row.STOP ? 'COMPLETED' : 'ACTIVE',
        reasonCode: text(row.REASONCODE),
        reason: text(row.REASONDESCRIPTION),
        facilityName: facilityOf.get(row.ENCOUNTER!),
        providerName: providerOf.get(row.ENCOUNTER!),
      });
    }
  });

  it('gives back every prescription with its drug by RxNorm code, and every vaccination by CVX code', async () => {
    const drugs = await runWithContext(syntheaContext(), () => app.get(MedicationRepository).findAll());
    const drugOf = new Map(drugs.map((drug) => [drug.id, drug]));
    const rows = readExportRows('medications.csv');
    const medication = await byHash(app.get(StudentMedicationRepository), rows);
    for (const row of rows) {
      expect(medication(row)).toMatchObject({
        ...atEncounter(row),
        startedAt: time(row.START),
        endedAt: time(row.STOP),
        status: row.STOP ? 'COMPLETED' : 'ACTIVE',
        dispenses: Number(row.DISPENSES),
        reasonCode: text(row.REASONCODE),
        reason: text(row.REASONDESCRIPTION),
        facilityName: facilityOf.get(row.ENCOUNTER!),
        prescribedBy: providerOf.get(row.ENCOUNTER!),
      });
      expect(drugOf.get(medication(row).medicationId)).toMatchObject({ rxnormCode: row.CODE, name: row.DESCRIPTION });
    }
    const immunizations = readExportRows('immunizations.csv');
    const vaccination = await byHash(app.get(VaccinationRepository), immunizations);
    for (const row of immunizations) {
      expect(vaccination(row)).toMatchObject({
        ...atEncounter(row),
        administeredAt: time(row.DATE),
        vaccineName: row.DESCRIPTION,
        cvxCode: row.CODE,
        facilityName: facilityOf.get(row.ENCOUNTER!),
        administeredBy: providerOf.get(row.ENCOUNTER!),
      });
    }
  });

  it('gives back every allergy with its reactions', async () => {
    const rows = readExportRows('allergies.csv');
    const allergy = await byHash(app.get(AllergyRepository), rows);
    for (const row of rows) {
      const reactions = ['1', '2'].flatMap((n) =>
        row[`REACTION${n}`]
          ? [{ code: row[`REACTION${n}`], description: row[`DESCRIPTION${n}`], severity: row[`SEVERITY${n}`] }]
          : [],
      );
      const severities = new Set(reactions.map(({ severity }) => severity));
      expect(allergy(row)).toMatchObject({
        ...atEncounter(row),
        allergen: row.DESCRIPTION,
        codeSystem: row.SYSTEM === 'RxNorm' ? 'RXNORM' : 'SNOMED',
        code: row.CODE,
        type: row.TYPE!.toUpperCase(),
        category: row.CATEGORY!.toUpperCase(),
        reactions,
        severity: severities.has('MODERATE') ? 'MODERATE' : severities.has('MILD') ? 'MILD' : null,
        onsetOn: row.START,
        resolvedOn: null,
        status: 'ACTIVE',
      });
    }
  });

  it('gives back every procedure and every observation that is no vital sign', async () => {
    const procedures = readExportRows('procedures.csv');
    const others = readExportRows('observations.csv').filter(
      ({ CATEGORY }) => CATEGORY !== 'vital-signs' && CATEGORY !== 'laboratory',
    );
    const record = await byHash(app.get(HealthRecordRepository), [...procedures, ...others]);
    for (const row of procedures) {
      expect(record(row)).toMatchObject({
        ...atEncounter(row),
        recordType: 'PROCEDURE',
        recordedAt: time(row.START),
        endedAt: time(row.STOP),
        title: row.DESCRIPTION,
        codeSystem: 'SNOMED',
        code: row.CODE,
        reasonCode: text(row.REASONCODE),
        reason: text(row.REASONDESCRIPTION),
        facilityName: facilityOf.get(row.ENCOUNTER!),
        providerName: providerOf.get(row.ENCOUNTER!),
      });
    }
    for (const row of others) {
      const { valueNumeric, ...found } = record(row);
      expect(found).toMatchObject({
        ...atEncounter(row),
        recordType: row.CATEGORY ? row.CATEGORY.toUpperCase() : 'MEASUREMENT',
        recordedAt: time(row.DATE),
        title: row.DESCRIPTION,
        codeSystem: ['QALY', 'DALY', 'QOLS'].includes(row.CODE!) ? 'OTHER' : 'LOINC',
        code: row.CODE,
        value: row.VALUE,
        unit: row.UNITS === 'null' ? null : text(row.UNITS),
        facilityName: facilityOf.get(row.ENCOUNTER!) ?? null,
        providerName: providerOf.get(row.ENCOUNTER!) ?? null,
      });
      expect(decimal(valueNumeric)).toBe(row.TYPE === 'numeric' ? decimal(row.VALUE!) : null);
    }
  });

  it('gives back every laboratory result by LOINC code', async () => {
    const rows = readExportRows('observations.csv').filter(({ CATEGORY }) => CATEGORY === 'laboratory');
    const result = await byHash(app.get(LabResultRepository), rows);
    for (const row of rows) {
      const { valueNumeric, ...found } = result(row);
      expect(found).toMatchObject({
        ...atEncounter(row),
        observedAt: time(row.DATE),
        loincCode: row.CODE,
        testName: row.DESCRIPTION,
        value: row.VALUE,
        unit: text(row.UNITS),
        facilityName: facilityOf.get(row.ENCOUNTER!),
        orderedBy: providerOf.get(row.ENCOUNTER!),
      });
      expect(decimal(valueNumeric)).toBe(row.TYPE === 'numeric' ? decimal(row.VALUE!) : null);
    }
  });

  it('merges the vital signs of an encounter into one row, each into the column of its LOINC code', async () => {
    const columns = {
      '8302-2': ['heightCm', 'cm'],
      '29463-7': ['weightKg', 'kg'],
      '39156-5': ['bmi', 'kg/m2'],
      '59576-9': ['bmiPercentile', '%'],
      '77606-2': ['weightForLengthPercentile', '%'],
      '9843-4': ['headCircumferenceCm', 'cm'],
      '8480-6': ['systolicMmhg', 'mm[Hg]'],
      '8462-4': ['diastolicMmhg', 'mm[Hg]'],
      '8867-4': ['heartRatePerMinute', '/min'],
      '9279-1': ['respiratoryRatePerMinute', '/min'],
      '8310-5': ['temperatureCelsius', 'Cel'],
      '72514-3': ['painScore', '{score}'],
    } as const;
    const rows = readExportRows('observations.csv').filter(({ CATEGORY }) => CATEGORY === 'vital-signs');
    const all = await runWithContext(syntheaContext(), () => app.get(VitalSignsRepository).findAll());
    const ofVisit = new Map(all.map((vitals) => [vitals.visitId, vitals]));
    for (const row of rows) {
      const [column, unit] = columns[row.CODE as keyof typeof columns];
      const vitals = ofVisit.get(visitOf.get(row.ENCOUNTER!)!)!;
      expect(vitals).toMatchObject({
        ...atEncounter(row),
        measuredAt: time(row.DATE),
        measuredBy: providerOf.get(row.ENCOUNTER!),
      });
      expect([decimal(vitals[column]), row.UNITS]).toEqual([decimal(row.VALUE!), unit]);
    }
    // No column is filled that no row speaks of.
    const filled = all.flatMap((vitals) => Object.values(columns).filter(([column]) => vitals[column] !== null));
    expect(filled).toHaveLength(rows.length);
  });

  it('changes nothing when it runs again: no row, no version, no audit event', async () => {
    const before = await contents();
    const again = await runImport();
    expect(await contents()).toEqual(before);
    expect(again).toEqual(counts.map((file) => ({ ...file, unchanged: file.stored })));
  });
});
