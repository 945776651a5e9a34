import type { Faker } from '@faker-js/faker';
import type { CreateInput } from '../../src';
import type {
  Allergy,
  ChronicCondition,
  LabResult,
  StudentMedication,
  TreatmentPlan,
  Vaccination,
} from '../../src/domains';
import { allergens, conditions, reactions, vaccines } from './clinical-terms';
import { DEMO_USER_IDS } from './demo-identity';
import type { DemoStudent } from './demo-student';
import { DAY_MS, dateOf, daysBefore, REFERENCE_DATE } from './load-faker';

type Seeded<Input> = Input & { readonly id: string };
type Drug = Seeded<Omit<CreateInput<StudentMedication>, 'medicationId'>> & { readonly rxnormCode: string };

/** What one student has, takes and got. */
export interface DemoHealth {
  readonly allergies: Seeded<CreateInput<Allergy>>[];
  readonly conditions: Seeded<CreateInput<ChronicCondition>>[];
  readonly plans: Seeded<CreateInput<TreatmentPlan>>[];
  /** With the RxNorm code of the drug, whose id the clinic's catalogue knows. */
  readonly medications: Drug[];
  readonly vaccinations: Seeded<CreateInput<Vaccination>>[];
  readonly labResults: Seeded<CreateInput<LabResult>>[];
}

const MONTH_DAYS = 30.44;

/** Every third student has an allergy, every fourth a chronic condition; all are vaccinated for their age. */
export function demoHealth(faker: Faker, student: DemoStudent): DemoHealth {
  const allergies = faker.datatype.boolean(0.35) ? [allergy(faker, student)] : [];
  const chronic = faker.datatype.boolean(0.25) ? [faker.helpers.arrayElement(conditions)] : [];
  const since = daysBefore(faker.number.int({ min: 200, max: 1_500 }));
  const studentId = student.row.id;
  return {
    allergies,
    conditions: chronic.map(({ condition, code, triggers = null, accommodations = null }) => ({
      id: student.idOf('ChronicCondition'),
      studentId,
      condition,
      codeSystem: 'SNOMED',
      code,
      status: 'MANAGED',
      severity: faker.helpers.arrayElement(['MILD', 'MODERATE'] as const),
      onsetOn: dateOf(since),
      triggers,
      accommodations,
      nextReviewOn: dateOf(daysBefore(-faker.number.int({ min: 10, max: 200 }))),
    })),
    plans: chronic.flatMap(({ plan, condition, code }) =>
      plan
        ? [
            {
              id: student.idOf('TreatmentPlan'),
              studentId,
              managedById: DEMO_USER_IDS.NURSE,
              title: plan.title,
              codeSystem: 'SNOMED' as const,
              code: plan.code,
              reasonCode: code,
              reason: condition,
              startedOn: dateOf(since),
              goals: 'Takes part in all lessons.',
            },
          ]
        : [],
    ),
    medications: [
      ...chronic.flatMap(({ rxnormCode }) =>
        rxnormCode ? [drug(student, 0, rxnormCode, since, 'As needed, after asking the nurse')] : [],
      ),
      ...(allergies[0]?.epinephrineRequired
        ? [drug(student, 1, '1870230', since, 'At the first sign of anaphylaxis; then call 911')]
        : []),
    ],
    vaccinations: vaccinations(faker, student),
    labResults: student.age === 6 ? [leadLevel(faker, student)] : [],
  };
}

function allergy(faker: Faker, student: DemoStudent): Seeded<CreateInput<Allergy>> {
  const { dangerous, ...term } = faker.helpers.arrayElement(allergens);
  const severity = dangerous ? 'LIFE_THREATENING' : faker.helpers.arrayElement(['MILD', 'MODERATE'] as const);
  const reaction = dangerous ? reactions[0]! : faker.helpers.arrayElement(reactions.slice(1));
  return {
    id: student.idOf('Allergy'),
    studentId: student.row.id,
    ...term,
    severity,
    reactions: [{ ...reaction, severity }],
    onsetOn: dateOf(daysBefore(faker.number.int({ min: 300, max: 1_800 }))),
    isVerified: true,
    epinephrineRequired: dangerous,
    epinephrineExpiresOn: dangerous ? dateOf(daysBefore(-faker.number.int({ min: 20, max: 500 }))) : null,
    emergencyProtocol: dangerous ? 'Epinephrine at once, call 911, then the parents.' : null,
  };
}

function drug(student: DemoStudent, place: number, rxnormCode: string, startedAt: Date, instructions: string): Drug {
  return {
    id: student.idOf('StudentMedication', place),
    studentId: student.row.id,
    rxnormCode,
    startedAt,
    instructions,
    frequency: 'As needed',
  };
}

function vaccinations(faker: Faker, student: DemoStudent): Seeded<CreateInput<Vaccination>>[] {
  const doses = vaccines.flatMap(({ doses: seriesDoses, months, ...vaccine }) =>
    Array.from({ length: seriesDoses }, (_, i) => {
      const days = (months + i * 4) * MONTH_DAYS + faker.number.int({ min: 0, max: 20 });
      const administeredAt = new Date(student.bornAt.getTime() + days * DAY_MS);
      return {
        ...vaccine,
        doseNumber: i + 1,
        seriesDoses,
        administeredAt,
        lotNumber: faker.string.alphanumeric({ length: 6, casing: 'upper' }),
      };
    }),
  );
  const given = doses.filter(({ administeredAt }) => administeredAt < REFERENCE_DATE);
  return given.map((dose, i) => ({ id: student.idOf('Vaccination', i), studentId: student.row.id, ...dose }));
}

function leadLevel(faker: Faker, student: DemoStudent): Seeded<CreateInput<LabResult>> {
  const value = faker.number.float({ min: 0.5, max: 3.4, fractionDigits: 1 }).toFixed(1);
  return {
    id: student.idOf('LabResult'),
    studentId: student.row.id,
    loincCode: '5671-3',
    testName: 'Lead [Mass/volume] in Blood',
    value,
    valueNumeric: value,
    unit: 'ug/dL',
    referenceRange: '< 3.5',
    interpretation: 'NORMAL',
    observedAt: daysBefore(faker.number.int({ min: 30, max: 150 })),
  };
}
