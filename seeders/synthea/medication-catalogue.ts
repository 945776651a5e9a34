import { type IUnitOfWork, UniqueViolationError } from '../../src';
import type { MedicationRepository } from '../../src/domains';

/** A drug as the export names it. */
export interface Drug {
  readonly rxnormCode: string;
  readonly name: string;
}

/** Codes of one lookup; findAll answers no more. */
const CHUNK = 1_000;

/**
 * Ids of the clinic's drugs by RxNorm code. A drug is created with the first patient who takes it, in that patient's
 * unit of work.
 */
export class MedicationCatalogue {
  /** Committed ones only; RxNorm has some 100,000 codes. */
  private readonly ids = new Map<string, string>();

  constructor(
    private readonly medications: MedicationRepository,
    private readonly unitOfWork: IUnitOfWork,
  ) {}

  /** Finds or creates drugs inside the open unit of work. */
  async resolve(drugs: readonly Drug[]): Promise<ReadonlyMap<string, string>> {
    const unknown = new Map(
      drugs.filter(({ rxnormCode }) => !this.ids.has(rxnormCode)).map((drug) => [drug.rxnormCode, drug]),
    );
    if (unknown.size === 0) return this.ids;
    const found = await this.find([...unknown.keys()]);
    const missing = [...unknown.values()].filter(({ rxnormCode }) => !found.has(rxnormCode));
    for (const [code, id] of await this.create(missing)) found.set(code, id);
    this.unitOfWork.afterCommit(() => found.forEach((id, code) => this.ids.set(code, id)));
    return new Map([...this.ids, ...found]);
  }

  private async find(codes: readonly string[]): Promise<Map<string, string>> {
    const ids = new Map<string, string>();
    for (let from = 0; from < codes.length; from += CHUNK) {
      const where = { rxnormCode: { in: codes.slice(from, from + CHUNK) } };
      for (const { id, rxnormCode } of await this.medications.findAll({ where, select: ['id', 'rxnormCode'] }))
        ids.set(rxnormCode!, id);
    }
    return ids;
  }

  private async create(drugs: readonly Drug[]): Promise<Map<string, string>> {
    if (drugs.length === 0) return new Map();
    try {
      const created = await this.unitOfWork.executeInTransaction(() => this.medications.bulkCreate(drugs), undefined, {
        propagation: 'NESTED',
      });
      return new Map(created.map(({ id, rxnormCode }) => [rxnormCode!, id]));
    } catch (error) {
      // Another import was faster; what it committed can be seen now.
      if (!(error instanceof UniqueViolationError)) throw error;
      const found = await this.find(drugs.map(({ rxnormCode }) => rxnormCode));
      const missing = drugs.filter(({ rxnormCode }) => !found.has(rxnormCode));
      if (missing.length === drugs.length) throw error;
      return new Map([...found, ...(await this.create(missing))]);
    }
  }
}
