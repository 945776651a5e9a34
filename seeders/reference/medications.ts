import type { CreateInput, ExecutionContext, IUnitOfWork } from '../../src';
import type { Medication, MedicationRepository } from '../../src/domains';

type CatalogueEntry = CreateInput<Medication> & { readonly rxnormCode: string };

/** Drugs that a school health office keeps, by RxNorm code (National Library of Medicine). */
const CATALOGUE: readonly CatalogueEntry[] = [
  tablet('313782', 'Acetaminophen 325 MG Oral Tablet', 'acetaminophen', '325 MG'),
  tablet('198440', 'Acetaminophen 500 MG Oral Tablet', 'acetaminophen', '500 MG'),
  tablet('198405', 'Ibuprofen 100 MG Oral Tablet', 'ibuprofen', '100 MG'),
  tablet('849574', 'Naproxen sodium 220 MG Oral Tablet', 'naproxen', '220 MG'),
  tablet('1049630', 'diphenhydrAMINE Hydrochloride 25 MG Oral Tablet', 'diphenhydramine', '25 MG'),
  tablet('997488', 'Fexofenadine hydrochloride 30 MG Oral Tablet', 'fexofenadine', '30 MG'),
  tablet('310325', 'ferrous sulfate 325 MG Oral Tablet', 'ferrous sulfate', '325 MG'),
  tablet(
    '562251',
    'Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet',
    'amoxicillin / clavulanate',
    '250 MG / 125 MG',
  ),
  {
    rxnormCode: '665078',
    name: 'Loratadine 5 MG Chewable Tablet',
    genericName: 'loratadine',
    strength: '5 MG',
    dosageForm: 'Chewable Tablet',
  },
  {
    rxnormCode: '1870230',
    name: 'NDA020800 0.3 ML Epinephrine 1 MG/ML Auto-Injector',
    genericName: 'epinephrine',
    strength: '1 MG/ML',
    dosageForm: 'Auto-Injector',
  },
  {
    rxnormCode: '2123111',
    name: 'NDA020503 200 ACTUAT Albuterol 0.09 MG/ACTUAT Metered Dose Inhaler',
    genericName: 'albuterol',
    strength: '0.09 MG/ACTUAT',
    dosageForm: 'Metered Dose Inhaler',
  },
  {
    rxnormCode: '895994',
    name: '120 ACTUAT Fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler',
    genericName: 'fluticasone',
    strength: '0.044 MG/ACTUAT',
    dosageForm: 'Metered Dose Inhaler',
  },
];

function tablet(rxnormCode: string, name: string, genericName: string, strength: string): CatalogueEntry {
  return { rxnormCode, name, genericName, strength, dosageForm: 'Oral Tablet' };
}

/**
 * Brings a clinic's catalogue of drugs up to this list in one unit of work: creates what is missing and corrects what
 * differs, by RxNorm code. Other drugs of the clinic stay as they are.
 * @returns Ids by RxNorm code.
 */
export function upsertMedications(
  medications: MedicationRepository,
  unitOfWork: IUnitOfWork,
  context: ExecutionContext,
): Promise<ReadonlyMap<string, string>> {
  return unitOfWork.executeInTransaction(async () => {
    const where = { rxnormCode: { in: CATALOGUE.map(({ rxnormCode }) => rxnormCode) } };
    const known = new Map(
      (await medications.findAll({ where })).map((medication) => [medication.rxnormCode!, medication]),
    );
    const ids = new Map([...known].map(([code, { id }]) => [code, id]));
    const missing = CATALOGUE.filter(({ rxnormCode }) => !known.has(rxnormCode));
    for (const { rxnormCode, id } of await medications.bulkCreate(missing)) ids.set(rxnormCode!, id);
    for (const entry of CATALOGUE) {
      const stored = known.get(entry.rxnormCode);
      if (stored && differs(stored, entry))
        await medications.update(stored.id, entry, undefined, { expectedVersion: stored.version });
    }
    return ids;
  }, context);
}

function differs(stored: object, entry: CatalogueEntry): boolean {
  return Object.entries(entry).some(([attribute, value]) => stored[attribute as keyof typeof stored] !== value);
}
