import type { CreateInput } from '../../../src';
import {
  severities,
  type Allergy,
  type AllergenCategory,
  type AllergenCodeSystem,
  type AllergyReaction,
  type AllergyType,
  type Severity,
} from '../../../src/domains';
import { date, refuseEndBeforeStart, translate } from '../column-value';
import type { PatientVisits } from '../patient-visits';
import type { SourceRow } from '../source-row';

const CODE_SYSTEMS: Readonly<Record<string, AllergenCodeSystem>> = {
  'SNOMED-CT': 'SNOMED',
  RxNorm: 'RXNORM',
  Unknown: 'OTHER',
  '': 'OTHER',
};
const TYPES: Readonly<Record<string, AllergyType>> = { allergy: 'ALLERGY', intolerance: 'INTOLERANCE' };
const CATEGORIES: Readonly<Record<string, AllergenCategory>> = {
  environment: 'ENVIRONMENT',
  food: 'FOOD',
  medication: 'MEDICATION',
  '': 'OTHER',
};
const SEVERITIES: Readonly<Record<string, Severity | null>> = {
  MILD: 'MILD',
  MODERATE: 'MODERATE',
  SEVERE: 'SEVERE',
  '': null,
};

/** allergies.csv → Allergy with up to two reactions; it is as bad as the worse of them. Reactions are SNOMED CT. */
export function mapAllergy(row: SourceRow, visits: PatientVisits): CreateInput<Allergy> {
  const visit = visits.of(row);
  const onsetOn = date(row, 'START');
  const resolvedOn = date(row, 'STOP');
  refuseEndBeforeStart(onsetOn, resolvedOn, 'START, STOP');
  const reactions = ['1', '2'].flatMap((number) => reaction(row, number));
  return {
    studentId: visits.studentId,
    visitId: visit.id,
    allergen: row.required('DESCRIPTION'),
    codeSystem: translate(row, 'SYSTEM', CODE_SYSTEMS),
    code: row.required('CODE'),
    type: translate(row, 'TYPE', TYPES),
    category: translate(row, 'CATEGORY', CATEGORIES),
    severity: worst(reactions),
    reactions,
    status: resolvedOn === null ? 'ACTIVE' : 'RESOLVED',
    onsetOn,
    resolvedOn,
  };
}

function reaction(row: SourceRow, number: string): AllergyReaction[] {
  const code = row.text(`REACTION${number}`);
  const description = row.text(`DESCRIPTION${number}`) ?? code;
  const severity = translate(row, `SEVERITY${number}`, SEVERITIES);
  return description === null ? [] : [{ code, description, severity }];
}

function worst(reactions: readonly AllergyReaction[]): Severity | null {
  const places = reactions.map(({ severity }) => (severity ? severities.indexOf(severity) : -1));
  return severities[Math.max(-1, ...places)] ?? null;
}
