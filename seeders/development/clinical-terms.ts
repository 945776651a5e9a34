import type { CreateInput } from '../../src';
import type { Allergy, AllergyReaction, ChronicCondition, ClinicVisit } from '../../src/domains';

type AllergyTerm = Pick<CreateInput<Allergy>, 'allergen' | 'codeSystem' | 'code' | 'category'> & {
  readonly dangerous: boolean;
};

/** Allergens with their SNOMED CT or RxNorm codes. */
export const allergens: readonly AllergyTerm[] = [
  { allergen: 'Peanut (substance)', codeSystem: 'SNOMED', code: '762952008', category: 'FOOD', dangerous: true },
  {
    allergen: 'Eggs (edible) (substance)',
    codeSystem: 'SNOMED',
    code: '102263004',
    category: 'FOOD',
    dangerous: false,
  },
  { allergen: "Cow's milk (substance)", codeSystem: 'SNOMED', code: '3718001', category: 'FOOD', dangerous: false },
  { allergen: 'Shellfish (substance)', codeSystem: 'SNOMED', code: '735029006', category: 'FOOD', dangerous: true },
  { allergen: 'Bee venom (substance)', codeSystem: 'SNOMED', code: '288328004', category: 'INSECT', dangerous: true },
  { allergen: 'Latex (substance)', codeSystem: 'SNOMED', code: '111088007', category: 'LATEX', dangerous: false },
  {
    allergen: 'Grass pollen (substance)',
    codeSystem: 'SNOMED',
    code: '256277009',
    category: 'ENVIRONMENT',
    dangerous: false,
  },
  { allergen: 'Penicillin V', codeSystem: 'RXNORM', code: '7984', category: 'MEDICATION', dangerous: false },
];

/** Reactions (SNOMED CT); the first is that of a dangerous allergy. */
export const reactions: readonly Omit<AllergyReaction, 'severity'>[] = [
  { code: '39579001', description: 'Anaphylaxis (disorder)' },
  { code: '271807003', description: 'Eruption of skin (disorder)' },
  { code: '247472004', description: 'Wheal (finding)' },
  { code: '76067001', description: 'Sneezing' },
];

type ConditionTerm = Pick<CreateInput<ChronicCondition>, 'condition' | 'code' | 'triggers' | 'accommodations'> & {
  /** RxNorm code of the drug, where one is taken at school. */
  readonly rxnormCode?: string;
  /** Care plan (SNOMED CT). */
  readonly plan?: { readonly code: string; readonly title: string };
};

/** Chronic conditions of children (SNOMED CT). */
export const conditions: readonly ConditionTerm[] = [
  {
    condition: 'Childhood asthma',
    code: '233678006',
    triggers: 'Cold air, exercise, pollen',
    accommodations: 'Inhaler within reach, also in sports',
    rxnormCode: '2123111',
    plan: { code: '699728000', title: 'Asthma self management' },
  },
  {
    condition: 'Perennial allergic rhinitis with seasonal variation',
    code: '232353008',
    triggers: 'Pollen',
    accommodations: 'Seat away from open windows in spring',
    rxnormCode: '665078',
  },
  {
    condition: 'Diabetes mellitus type 1 (disorder)',
    code: '46635009',
    accommodations: 'May eat and measure in class',
    plan: { code: '698360004', title: 'Diabetes self management plan' },
  },
  {
    condition: 'Epilepsy (disorder)',
    code: '84757009',
    triggers: 'Flashing light, lack of sleep',
    accommodations: 'Never alone in water',
  },
  { condition: 'Migraine (disorder)', code: '37796009', triggers: 'Noise, bright light', rxnormCode: '198405' },
];

/** Vaccines (CVX) with the number of doses and the age of the first one in months. */
export const vaccines = [
  { cvxCode: '20', vaccineName: 'DTaP', doses: 4, months: 2 },
  { cvxCode: '10', vaccineName: 'IPV', doses: 3, months: 2 },
  { cvxCode: '03', vaccineName: 'MMR', doses: 2, months: 12 },
  { cvxCode: '21', vaccineName: 'Varicella', doses: 2, months: 12 },
  { cvxCode: '08', vaccineName: 'Hep B, adolescent or pediatric', doses: 3, months: 0 },
  { cvxCode: '115', vaccineName: 'Tdap', doses: 1, months: 132 },
] as const;

type VisitTerm = Pick<CreateInput<ClinicVisit>, 'description' | 'code' | 'symptoms' | 'treatment' | 'disposition'>;

/** Why a child comes to the school nurse. */
export const complaints: readonly VisitTerm[] = [
  {
    description: 'Headache',
    code: '25064002',
    symptoms: 'Headache since the morning',
    treatment: 'Rest, water',
    disposition: 'RETURNED_TO_CLASS',
  },
  {
    description: 'Abdominal pain',
    code: '21522001',
    symptoms: 'Pain around the navel',
    treatment: 'Rest',
    disposition: 'RETURNED_TO_CLASS',
  },
  {
    description: 'Sprain of ankle',
    code: '44465007',
    symptoms: 'Swollen after sports',
    treatment: 'Ice, bandage',
    disposition: 'REFERRED',
  },
  {
    description: 'Fever',
    code: '386661006',
    symptoms: 'Warm, tired',
    treatment: 'Parents called',
    disposition: 'SENT_HOME',
  },
  {
    description: 'Dyspnea (finding)',
    code: '267036007',
    symptoms: 'Short of breath in sports',
    treatment: 'Own inhaler',
    disposition: 'RETURNED_TO_CLASS',
  },
];
