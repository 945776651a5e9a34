import { randomUUID } from 'node:crypto';
import { runWithContext } from '../../src';
import { domainRepositories } from '../../src/domains';
import { type DatabaseApp, plantClinics, startDatabaseApp, type TwoClinics } from '../support/database-app';
import { type AnyRepository, ENTITY_CASES, plantEveryEntity, type Planted } from '../support/every-entity';
import { everythingOf, rejectionOf } from '../support/refusal';

let app: DatabaseApp;
let clinics: TwoClinics;
let ofA: Planted;
let ofB: Planted;

beforeAll(async () => {
  app = await startDatabaseApp([...domainRepositories]);
  clinics = await plantClinics(app);
  ofA = await plantEveryEntity(app, clinics.a, 'a');
  ofB = await plantEveryEntity(app, clinics.b, 'b');
});
afterAll(() => app?.close());

const repositoryOf = (entity: string): AnyRepository =>
  app.get(ENTITY_CASES.find((one) => one.entity === entity)!.repository);

/** Every attribute that points to another row: entity, attribute, where it points. */
const REFERENCES = [
  ['School', 'districtId', 'District'],
  ['User', 'schoolId', 'School'],
  ['Student', 'schoolId', 'School'],
  ['Student', 'nurseId', 'User'],
  ['ClinicVisit', 'attendedById', 'User'],
  ['Appointment', 'nurseId', 'User'],
  ['TreatmentPlan', 'managedById', 'User'],
  ['StudentMedication', 'medicationId', 'Medication'],
  ...[
    'EmergencyContact',
    'ClinicVisit',
    'Appointment',
    'HealthRecord',
    'Allergy',
    'ChronicCondition',
    'VitalSigns',
    'LabResult',
    'Vaccination',
    'TreatmentPlan',
    'StudentMedication',
  ].map((entity) => [entity, 'studentId', 'Student']),
  ...[
    'Appointment',
    'HealthRecord',
    'Allergy',
    'ChronicCondition',
    'VitalSigns',
    'LabResult',
    'Vaccination',
    'TreatmentPlan',
    'StudentMedication',
  ].map((entity) => [entity, 'visitId', 'ClinicVisit']),
] as [string, string, string][];

let number = 0;

describe.each(REFERENCES)('%s.%s', (entity, attribute, target) => {
  const { input } = ENTITY_CASES.find((one) => one.entity === entity)!;

  it(`refuses a ${target} of another clinic just as one that does not exist [000-27] [000-28]`, async () => {
    const repo = repositoryOf(entity);
    const refusalsOf = async (id: string) => {
      const row = { ...input(ofA, `fk-${(number += 1)}`), [attribute]: id };
      const calls = [
        () => repo.create(row),
        () => repo.bulkCreate([row]),
        () => repo.update(ofA[entity]!.id, { [attribute]: id }),
      ];
      const answers = [];
      for (const call of calls) {
        const error = await rejectionOf(call());
        expect(error).toMatchObject({ code: 'FOREIGN_KEY_VIOLATION', status: 409, entity, sqlState: '23503' });
        expect(everythingOf(error)).not.toContain(id);
        answers.push({ ...error, message: error.message });
      }
      return answers;
    };
    await runWithContext(clinics.a, async () => {
      // The same answer to both: that it exists elsewhere is not disclosed.
      expect(await refusalsOf(ofB[target]!.id)).toEqual(await refusalsOf(randomUUID()));
    });
  });
});

describe('What is unique', () => {
  const UNIQUE: [string, string, unknown][] = [
    ['District', 'code', 'unique-1'],
    ['School', 'code', 'unique-1'],
    ['User', 'email', 'unique@example.org'],
    ['Student', 'studentNumber', 'unique-1'],
    ['Student', 'medicalRecordNumber', 'unique-2'],
    ['Student', 'sourceHash', 'a'.repeat(64)],
    ['Medication', 'rxnormCode', '91827364554637281'],
    ['Allergy', 'sourceHash', 'b'.repeat(64)],
  ];

  it.each(UNIQUE)(
    '%s.%s is unique in its clinic, and tells nothing of another [000-28] [D19]',
    async (entity, attribute, value) => {
      const { input } = ENTITY_CASES.find((one) => one.entity === entity)!;
      const repo = repositoryOf(entity);
      const row = (planted: Planted) => ({ ...input(planted, `unique-${(number += 1)}`), [attribute]: value });
      await runWithContext(clinics.b, () => repo.create(row(ofB)));
      await runWithContext(clinics.a, async () => {
        await repo.create(row(ofA));
        for (const again of [
          () => repo.create(row(ofA)),
          () => repo.bulkCreate([row(ofA)]),
          () => repo.update(ofA[entity]!.id, { [attribute]: value }),
        ]) {
          const error = await rejectionOf(again());
          expect(error).toMatchObject({ code: 'UNIQUE_VIOLATION', status: 409, entity });
          expect(error.constraint).toMatch(/_key$/);
          expect(everythingOf(error)).not.toContain(value);
        }
      });
    },
  );

  it('is unique among the living: a deleted number is free, restoring it then refused [000-24]', async () => {
    const repo = repositoryOf('Student');
    const { input } = ENTITY_CASES.find((one) => one.entity === 'Student')!;
    const row = () => ({ ...input(ofA, `living-${(number += 1)}`), studentNumber: 'taken' });
    await runWithContext(clinics.a, async () => {
      const first = await repo.create(row());
      await repo.delete(first.id);
      const second = await repo.create(row());
      expect(await rejectionOf(repo.restore(first.id))).toMatchObject({ code: 'UNIQUE_VIOLATION', status: 409 });
      await repo.delete(second.id);
      expect(await repo.restore(first.id)).toMatchObject({ studentNumber: 'taken', deletedAt: null });
    });
  });
});
