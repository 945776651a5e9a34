import { readFileSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileCounts } from '../../seeders/synthea/import-counts';
import { importExport } from '../../seeders/synthea/import-export';
import { syntheaContext } from '../../seeders/synthea/synthea-clinic';
import { runWithContext } from '../../src';
import {
  ChronicConditionRepository,
  ClinicVisitRepository,
  HealthRecordRepository,
  MedicationRepository,
  StudentRepository,
  VitalSignsRepository,
} from '../../src/domains';
import { type SeedApp, startSeedApp } from '../support/seed-context';
import { writeSmallExport } from '../support/small-export';

let app: SeedApp;
let folder: string;
let rejectsFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phi-test-synthea-'));
  rejectsFile = join(folder, 'rejects.csv');
  app = await startSeedApp();
});
afterEach(async () => {
  await app?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Files = Parameters<typeof writeSmallExport>[1];

async function importFiles(files: Files): Promise<Map<string, FileCounts>> {
  const from = await writeSmallExport(join(folder, 'csv'), files);
  const counts = await importExport(app.seed, { from, rejectsFile });
  return new Map(counts.map((account) => [account.file, account]));
}

/** Rejected rows as `file:line code`. */
const rejects = (): string[] =>
  readFileSync(rejectsFile, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').filter((_, i) => i !== 2))
    .map(([file, line, code]) => `${file}:${line} ${code}`);

const all = <T>(
  repository: abstract new (...args: never[]) => { findAll(): Promise<readonly T[]> },
): Promise<readonly T[]> => runWithContext(syntheaContext(), () => app.get(repository).findAll());

describe('Rows of a Synthea export', () => {
  it('rejects what cannot be stored, row by row, with line, code and reason, and stores the rest', async () => {
    const counts = await importFiles({
      'patients.csv': [{}, { Id: 'p2', BIRTHDATE: '2010-02-30' }, { Id: 'p1', FIRST: 'Other' }],
      'encounters.csv': [
        {},
        { Id: 'e2', STOP: '2022-01-01T00:00:00Z' },
        { Id: 'e3', ENCOUNTERCLASS: 'unheard-of' },
        { Id: 'e1', CODE: '1' },
        { Id: 'e4', PATIENT: 'p2' },
      ],
      'conditions.csv': [
        {},
        { PATIENT: 'nobody' },
        { PATIENT: '' },
        { ENCOUNTER: 'e2' },
        { DESCRIPTION: '' },
        { DESCRIPTION: 'x'.repeat(256) },
        { CODE: '\0' },
        'a,b,c',
        { CODE: '2' },
      ],
      'medications.csv': [{ CODE: 'abc' }, { DISPENSES: '-1' }, { DISPENSES: '123456' }, { START: 'yesterday' }, {}],
    });
    expect(rejects().sort()).toEqual(
      [
        'conditions.csv:3 UNKNOWN_PATIENT',
        'conditions.csv:4 UNKNOWN_PATIENT',
        'conditions.csv:5 UNKNOWN_ENCOUNTER',
        'conditions.csv:6 MISSING_VALUE',
        'conditions.csv:7 INVALID_INPUT',
        'conditions.csv:8 BAD_VALUE',
        'conditions.csv:9 WRONG_COLUMN_COUNT',
        'encounters.csv:3 BAD_PERIOD',
        'encounters.csv:4 BAD_VALUE',
        'encounters.csv:5 DUPLICATE_ID',
        'encounters.csv:6 UNKNOWN_PATIENT',
        'medications.csv:2 BAD_CODE',
        'medications.csv:3 BAD_NUMBER',
        'medications.csv:4 CHECK_VIOLATION',
        'medications.csv:5 BAD_DATE',
        'patients.csv:3 BAD_DATE',
        'patients.csv:4 DUPLICATE_ID',
      ].sort(),
    );
    expect(counts.get('conditions.csv')).toMatchObject({
      rows: 9,
      stored: 2,
      merged: 0,
      rejected: 7,
      rejectedFor: { UNKNOWN_PATIENT: 2 },
    });
    expect(counts.get('medications.csv')).toMatchObject({ rows: 5, stored: 1, rejected: 4 });
    expect((await all(ChronicConditionRepository)).map(({ code }) => code).sort()).toEqual(['195662009', '2']);
    expect(await all(MedicationRepository)).toHaveLength(1);
  });

  it('writes no value of a record into the list of rejected rows, and lets its owner alone read it', async () => {
    await importFiles({ 'patients.csv': [{ FIRST: 'Verysecret', BIRTHDATE: '1999-13-01', SSN: '999-17-5017' }] });
    const list = readFileSync(rejectsFile, 'utf8');
    expect(list.split('\n')[1]).toMatch(/^patients\.csv,2,[0-9a-f]{64},BAD_DATE,"BIRTHDATE is neither /);
    expect(`${list} ${app.lines.join()} ${JSON.stringify(app.records)}`).not.toMatch(/Verysecret|999-17|1999-13/);
    expect(statSync(rejectsFile).mode & 0o777).toBe(0o600);
  });

  it('takes an encounter of another patient for unknown', async () => {
    await importFiles({
      'patients.csv': [{}, { Id: 'p2' }],
      'encounters.csv': [{}, { Id: 'e2', PATIENT: 'p2' }],
      'conditions.csv': [{ ENCOUNTER: 'e2' }],
    });
    expect(rejects()).toEqual(['conditions.csv:2 UNKNOWN_ENCOUNTER']);
  });

  it('merges equal rows into one, and rejects the copies of a rejected row with it', async () => {
    const counts = await importFiles({
      'patients.csv': [{}, {}],
      'conditions.csv': [{}, {}, {}, { START: 'x' }, { START: 'x' }],
      'observations.csv': [{}, {}],
    });
    expect(counts.get('patients.csv')).toMatchObject({ stored: 1, merged: 1, mergedInto: { 'an equal row': 1 } });
    expect(counts.get('conditions.csv')).toMatchObject({ stored: 1, merged: 2, rejected: 2 });
    expect(counts.get('observations.csv')).toMatchObject({ stored: 1, merged: 1 });
    expect(await all(ChronicConditionRepository)).toHaveLength(1);
    expect(await all(HealthRecordRepository)).toHaveLength(0);
  });

  it('keeps a vital sign that no column can hold as a health record with its exact text', async () => {
    const counts = await importFiles({
      'observations.csv': [
        {},
        { VALUE: '128.0' },
        { DATE: '2023-01-27T17:00:00Z', VALUE: '128.5' },
        { CODE: '72514-3', UNITS: '{score}', VALUE: '11.0' },
        { CODE: '29463-7', UNITS: '[lb_av]', VALUE: '61.2' },
        { CODE: '29463-7', UNITS: 'kg', VALUE: '27.8' },
        { CODE: '8867-4', UNITS: '/min', VALUE: '70.25' },
        { CODE: '99999-9', UNITS: 'null', VALUE: 'high', TYPE: 'text' },
        { ENCOUNTER: '', VALUE: '129.0' },
      ],
    });
    expect(counts.get('observations.csv')).toMatchObject({
      rows: 9,
      stored: 8,
      merged: 1,
      rejected: 0,
      mergedInto: { VitalSigns: 1 },
    });
    const vitals = (await all(VitalSignsRepository)).map(({ heightCm, weightKg }) => [heightCm, weightKg]);
    expect(vitals.sort()).toEqual([
      ['127.90', '27.80'],
      ['128.50', null],
      ['129.00', null],
    ]);
    const records = (await all(HealthRecordRepository)).map(({ recordType, value, valueNumeric, unit }) => [
      recordType,
      value,
      valueNumeric,
      unit,
    ]);
    expect(records.sort()).toEqual([
      ['MEASUREMENT', '11.0', '11.000000', '{score}'],
      ['MEASUREMENT', '128.0', '128.000000', 'cm'],
      ['MEASUREMENT', '61.2', '61.200000', '[lb_av]'],
      ['MEASUREMENT', '70.25', '70.250000', '/min'],
      ['MEASUREMENT', 'high', null, null],
    ]);
  });

  it('neither doubles nor revives what was deleted since, and leaves what was changed', async () => {
    await importFiles({ 'conditions.csv': [{}, { CODE: '2' }] });
    const [first, second] = await all(ChronicConditionRepository);
    await app.get(ChronicConditionRepository).delete(first!.id, syntheaContext());
    await app.get(ChronicConditionRepository).update(second!.id, { notes: 'seen' }, syntheaContext());
    const counts = await importFiles({ 'conditions.csv': [{}, { CODE: '2' }] });
    expect(counts.get('conditions.csv')).toMatchObject({ stored: 2, unchanged: 2 });
    expect(await all(ChronicConditionRepository)).toMatchObject([{ id: second!.id, notes: 'seen', version: 2 }]);
  });

  it('adds the new rows of a later export to the student, whose own row it leaves when that changed', async () => {
    await importFiles({ 'conditions.csv': [{}] });
    const counts = await importFiles({ 'patients.csv': [{ FIRST: 'Renamed' }], 'conditions.csv': [{}, { CODE: '2' }] });
    expect(counts.get('conditions.csv')).toMatchObject({ stored: 2, unchanged: 1 });
    expect(rejects()).toEqual(['patients.csv:2 STUDENT_EXISTS']);
    expect(await all(StudentRepository)).toMatchObject([{ firstName: 'Ann1', version: 1 }]);
  });

  it('reads quoted fields, a byte order mark, carriage returns and columns in another order', async () => {
    const from = await writeSmallExport(join(folder, 'csv'), {});
    const rest = [
      'DEATHDATE',
      'SSN',
      'DRIVERS',
      'PASSPORT',
      'PREFIX',
      'SUFFIX',
      'MAIDEN',
      'MARITAL',
      'RACE',
      'ETHNICITY',
    ];
    rest.push('BIRTHPLACE', 'ADDRESS', 'CITY', 'STATE', 'COUNTY', 'ZIP');
    const wide = [
      `LAST,Id,BIRTHDATE,FIRST,GENDER,${rest.join(',')}`,
      `"O""Brien, Esq.",p1,2010-04-02,"Ann\n1",F${','.repeat(rest.length)}`,
      '',
    ];
    await writeFile(join(from, 'patients.csv'), `\ufeff${wide.join('\r\n')}`);
    await importExport(app.seed, { from, rejectsFile });
    expect(await all(StudentRepository)).toMatchObject([{ lastName: 'O"Brien, Esq.', firstName: 'Ann\n1' }]);
    expect(await all(ClinicVisitRepository)).toHaveLength(1);
  });

  it('stores nothing when a file is not an export', async () => {
    const from = await writeSmallExport(join(folder, 'csv'), { 'conditions.csv': [{}] });
    await writeFile(join(from, 'careplans.csv'), 'Id,START\nx,y\n');
    await expect(importExport(app.seed, { from, rejectsFile })).rejects.toMatchObject({
      code: 'SYNTHEA_INPUT',
      message: expect.stringContaining('careplans.csv lacks'),
    });
    await writeFile(join(from, 'careplans.csv'), `${'"'.repeat(1)}Id,START\n${'x\n'.repeat(700_000)}`);
    await expect(importExport(app.seed, { from, rejectsFile })).rejects.toMatchObject({ code: 'SYNTHEA_INPUT' });
    await rm(join(from, 'patients.csv'));
    await expect(importExport(app.seed, { from, rejectsFile })).rejects.toMatchObject({
      code: 'SYNTHEA_INPUT',
      message: expect.stringContaining('patients.csv'),
    });
    expect(await all(StudentRepository)).toEqual([]);
  });

  it('leaves no part of a patient when a statement fails half-way', async () => {
    const client = await app.db.superClient();
    await client.query('REVOKE INSERT ON student_medications FROM phi_app');
    const files: Files = { 'patients.csv': [{}, { Id: 'p2' }], 'conditions.csv': [{}], 'medications.csv': [{}] };
    await expect(importFiles(files)).rejects.toMatchObject({ code: 'TENANT_DENIED' });
    const { rows } = await client.query(`
      SELECT (SELECT count(*) FROM chronic_conditions) AS c,
        (SELECT count(*) FROM medications) AS m,
        (SELECT count(*) FROM students WHERE student_number = 'p1') AS s,
        (SELECT count(*) FROM audit.event WHERE entity = 'ChronicCondition') AS a`);
    expect(rows).toEqual([{ c: '0', m: '0', s: '0', a: '0' }]);
    await client.query('GRANT INSERT ON student_medications TO phi_app');
    expect((await importFiles(files)).get('medications.csv')).toMatchObject({ stored: 1, unchanged: 0 });
  });

  it('lets two imports of the same export run at once', async () => {
    const patients = Array.from({ length: 20 }, (_, i) => ({ Id: `p${i}` }));
    const from = await writeSmallExport(join(folder, 'csv'), {
      'patients.csv': patients,
      'encounters.csv': patients.map(({ Id }) => ({ Id: `e-${Id}`, PATIENT: Id })),
      'medications.csv': patients.map(({ Id }) => ({ PATIENT: Id, ENCOUNTER: `e-${Id}` })),
    });
    const both = await Promise.all(
      ['a', 'b'].map((name) => importExport(app.seed, { from, rejectsFile: join(folder, name) })),
    );
    for (const counts of both) expect(counts.map(({ rejected }) => rejected)).toEqual(counts.map(() => 0));
    expect(await all(StudentRepository)).toHaveLength(20);
    expect(await all(MedicationRepository)).toHaveLength(1);
  });
});
