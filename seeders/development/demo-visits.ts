import type { Faker } from '@faker-js/faker';
import type { CreateInput } from '../../src';
import type { Appointment, ClinicVisit, HealthRecord, VitalSigns } from '../../src/domains';
import { complaints } from './clinical-terms';
import { DEMO_USER_IDS } from './demo-identity';
import type { DemoStudent } from './demo-student';
import { schoolDayBefore } from './load-faker';

type Seeded<Input> = Input & { readonly id: string };

/** Visits of one student with what was measured and written down at them, and the appointments to come. */
export interface DemoVisits {
  readonly visits: Seeded<CreateInput<ClinicVisit>>[];
  readonly vitalSigns: Seeded<CreateInput<VitalSigns>>[];
  readonly records: Seeded<CreateInput<HealthRecord>>[];
  readonly appointments: Seeded<CreateInput<Appointment>>[];
}

const MINUTE = 60_000;

/** One checkup this school year, and up to three visits to the nurse before it. */
export function demoVisits(faker: Faker, student: DemoStudent): DemoVisits {
  const studentId = student.row.id;
  const checkupAt = schoolDayBefore(faker.number.int({ min: 20, max: 130 }));
  const checkup = { id: student.idOf('ClinicVisit'), studentId, attendedById: DEMO_USER_IDS.NURSE };
  const visits: Seeded<CreateInput<ClinicVisit>>[] = [
    {
      ...checkup,
      startedAt: checkupAt,
      endedAt: new Date(checkupAt.getTime() + 20 * MINUTE),
      code: '410620009',
      description: 'Well child visit (procedure)',
      disposition: 'RETURNED_TO_CLASS',
    },
  ];
  const complaintCount = faker.number.int({ min: 0, max: 3 });
  for (let i = 1; i <= complaintCount; i += 1) {
    const startedAt = schoolDayBefore(130 + i * faker.number.int({ min: 10, max: 60 }));
    const endedAt = new Date(startedAt.getTime() + faker.number.int({ min: 5, max: 40 }) * MINUTE);
    visits.push({
      ...checkup,
      id: student.idOf('ClinicVisit', i),
      startedAt,
      endedAt,
      ...faker.helpers.arrayElement(complaints),
    });
  }
  return {
    visits,
    vitalSigns: [vitalSigns(faker, student, checkup.id, checkupAt)],
    records: visits.map(({ startedAt, description, id: visitId }, i) => ({
      id: student.idOf('HealthRecord', i),
      studentId,
      visitId,
      recordType: i === 0 ? 'CHECKUP' : 'ILLNESS',
      recordedAt: startedAt!,
      title: description!,
      description: i === 0 ? 'Grows as expected. No concerns.' : 'Seen by the school nurse.',
    })),
    appointments: appointments(faker, student, checkup.id, checkupAt),
  };
}

function vitalSigns(
  faker: Faker,
  { row, age, idOf }: DemoStudent,
  visitId: string,
  measuredAt: Date,
): Seeded<CreateInput<VitalSigns>> {
  const height = 115 + (age - 6) * 5.5 + faker.number.int({ min: -8, max: 8 });
  const weight = 21 + (age - 6) * 3.6 + faker.number.int({ min: -4, max: 8 });
  return {
    id: idOf('VitalSigns'),
    studentId: row.id,
    visitId,
    measuredAt,
    heightCm: height.toFixed(1),
    weightKg: weight.toFixed(1),
    bmi: (weight / (height / 100) ** 2).toFixed(2),
    systolicMmhg: String(faker.number.int({ min: 92, max: 124 })),
    diastolicMmhg: String(faker.number.int({ min: 55, max: 78 })),
    heartRatePerMinute: String(faker.number.int({ min: 62, max: 105 })),
    respiratoryRatePerMinute: String(faker.number.int({ min: 14, max: 24 })),
    temperatureCelsius: faker.number.float({ min: 36.2, max: 37.2, fractionDigits: 1 }).toFixed(1),
    oxygenSaturationPercent: String(faker.number.int({ min: 96, max: 100 })),
    painScore: '0',
  };
}

function appointments(
  faker: Faker,
  { row, idOf }: DemoStudent,
  visitId: string,
  checkupAt: Date,
): Seeded<CreateInput<Appointment>>[] {
  const common = { studentId: row.id, nurseId: DEMO_USER_IDS.NURSE };
  return [
    {
      ...common,
      id: idOf('Appointment'),
      visitId,
      type: 'ROUTINE_CHECKUP',
      status: 'COMPLETED',
      scheduledAt: checkupAt,
      durationMinutes: 20,
    },
    {
      ...common,
      id: idOf('Appointment', 1),
      type: faker.helpers.arrayElement(['SCREENING', 'FOLLOW_UP', 'VACCINATION']),
      scheduledAt: new Date(
        schoolDayBefore(-faker.number.int({ min: 5, max: 60 })).getTime() +
          faker.number.int({ min: 0, max: 16 }) * 15 * MINUTE,
      ),
      durationMinutes: 15,
    },
  ];
}
