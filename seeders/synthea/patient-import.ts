import { type CreateInput, type IUnitOfWork, UNIT_OF_WORK } from '../../src';
import type { SeedContext } from '../../src/database/seeding/define-seed';
import {
  AllergyRepository,
  ChronicConditionRepository,
  ClinicVisitRepository,
  type HealthRecord,
  HealthRecordRepository,
  type LabResult,
  LabResultRepository,
  MedicationRepository,
  StudentMedicationRepository,
  StudentRepository,
  TreatmentPlanRepository,
  VaccinationRepository,
  VitalSignsRepository,
} from '../../src/domains';
import { type Draft, draftOf } from './draft';
import type { ExportFile } from './export-files';
import type { FacilityDirectory } from './facility-directory';
import type { Outcome } from './import-counts';
import { mapAllergy } from './mapping/allergy';
import { mapChronicCondition } from './mapping/chronic-condition';
import { isLabResult, mapLabResult, mapObservation } from './mapping/observation';
import { mapProcedure } from './mapping/procedure';
import { mapStudent } from './mapping/student';
import { mapStudentMedication, type MedicationDraft } from './mapping/student-medication';
import { mapTreatmentPlan } from './mapping/treatment-plan';
import { mapVaccination } from './mapping/vaccination';
import { mapVisit } from './mapping/visit';
import { VitalSignsCollector } from './mapping/vital-signs';
import { MedicationCatalogue } from './medication-catalogue';
import { PatientOutcomes } from './patient-outcomes';
import type { PatientRows } from './patient-partition';
import { PatientVisits } from './patient-visits';
import { RowRejection } from './row-rejection';
import type { SourceRow } from './source-row';
import { type DraftTarget, type StoredDraft, storeDrafts } from './store-drafts';
import { syntheaContext } from './synthea-clinic';

/** For one patient; those who lived long in an export have thousands of rows. */
const TIMEOUT_MS = 300_000;

const UNKNOWN_PATIENT = new RowRejection('UNKNOWN_PATIENT', 'the patient is not in patients.csv, or was rejected');
const DUPLICATE_ID = new RowRejection('DUPLICATE_ID', 'another row of the file has this Id');
const STUDENT_EXISTS = new RowRejection(
  'STUDENT_EXISTS',
  'the student is stored from another version of this row, and was left so',
);

/** Stores patients with all that the export tells of them. */
export class PatientImport {
  private readonly unitOfWork: IUnitOfWork;
  private readonly catalogue: MedicationCatalogue;
  private readonly context = syntheaContext();

  constructor(
    private readonly seed: Pick<SeedContext, 'get'>,
    private readonly directory: FacilityDirectory,
  ) {
    this.unitOfWork = seed.get<IUnitOfWork>(UNIT_OF_WORK);
    this.catalogue = new MedicationCatalogue(seed.get(MedicationRepository), this.unitOfWork);
  }

  /**
   * Stores one patient in one unit of work: with everything, or not at all.
   * @returns How each row ended.
   */
  async import(source: PatientRows): Promise<Outcome[]> {
    const outcomes = new PatientOutcomes(source);
    if (source.has('patients.csv')) {
      await this.unitOfWork.executeInTransaction(() => this.store(outcomes), this.context, { timeoutMs: TIMEOUT_MS });
    }
    return outcomes.list(UNKNOWN_PATIENT);
  }

  private async store(outcomes: PatientOutcomes): Promise<void> {
    const studentId = await this.storeStudent(outcomes);
    if (studentId === undefined) return;
    const visits = await this.storeVisits(outcomes, studentId);
    const drafts = <Input extends object>(
      file: ExportFile,
      map: (row: SourceRow, visits: PatientVisits) => Input,
    ): Draft<Input>[] => outcomes.map(file, (row) => draftOf(row, map(row, visits)));
    await this.save(outcomes, ChronicConditionRepository, drafts('conditions.csv', mapChronicCondition));
    await this.save(outcomes, VaccinationRepository, drafts('immunizations.csv', mapVaccination));
    await this.save(outcomes, AllergyRepository, drafts('allergies.csv', mapAllergy));
    await this.save(outcomes, HealthRecordRepository, drafts('procedures.csv', mapProcedure));
    await this.save(outcomes, TreatmentPlanRepository, drafts('careplans.csv', mapTreatmentPlan));
    await this.storeMedications(outcomes, drafts('medications.csv', mapStudentMedication));
    await this.storeObservations(outcomes, visits);
  }

  /** @returns Id of the student; undefined when every row of the patient was rejected. */
  private async storeStudent(outcomes: PatientOutcomes): Promise<string | undefined> {
    const [draft, ...others] = outcomes.map('patients.csv', (row) => draftOf(row, mapStudent(row)));
    for (const { rows } of others) outcomes.reject(rows[0], DUPLICATE_ID);
    if (!draft) return undefined;
    const students = this.seed.get(StudentRepository);
    const known = await students.findByStudentNumber(draft.input.studentNumber);
    if (known && known.sourceHash !== draft.hash) {
      outcomes.reject(draft.rows[0], STUDENT_EXISTS);
      return known.id;
    }
    const stored = await this.save(outcomes, StudentRepository, [draft]);
    return idOf(stored.get(draft.hash));
  }

  private async storeVisits(outcomes: PatientOutcomes, studentId: string): Promise<PatientVisits> {
    const encounters = new Set<string>();
    const drafts = outcomes.map('encounters.csv', (row) => {
      const draft = draftOf(row, mapVisit(row, studentId, this.directory));
      const encounter = row.required('Id');
      if (encounters.has(encounter)) throw DUPLICATE_ID;
      encounters.add(encounter);
      return draft;
    });
    const stored = await this.save(outcomes, ClinicVisitRepository, drafts);
    const visits = new PatientVisits(studentId);
    for (const { hash, rows, input } of drafts) {
      const id = idOf(stored.get(hash));
      const { facilityName = null, providerName = null } = input;
      if (id !== undefined) visits.add(rows[0].required('Id'), { id, facilityName, providerName });
    }
    return visits;
  }

  private async storeMedications(outcomes: PatientOutcomes, drafts: Draft<MedicationDraft>[]): Promise<void> {
    const target = this.seed.get(StudentMedicationRepository);
    const stored = await storeDrafts(target, drafts, this.unitOfWork, async (fresh) => {
      const ids = await this.catalogue.resolve(fresh.map(({ drug }) => drug));
      return fresh.map(({ drug, ...input }) => ({ ...input, medicationId: ids.get(drug.rxnormCode)! }));
    });
    outcomes.settle(drafts, stored, 'StudentMedication');
  }

  private async storeObservations(outcomes: PatientOutcomes, visits: PatientVisits): Promise<void> {
    const vitalSigns = new VitalSignsCollector(visits);
    const labResults: Draft<CreateInput<LabResult>>[] = [];
    const records: Draft<CreateInput<HealthRecord>>[] = [];
    outcomes.map('observations.csv', (row) => {
      if (vitalSigns.take(row)) return;
      if (isLabResult(row)) labResults.push(draftOf(row, mapLabResult(row, visits)));
      else records.push(draftOf(row, mapObservation(row, visits)));
    });
    await this.save(outcomes, VitalSignsRepository, vitalSigns.drafts());
    await this.save(outcomes, LabResultRepository, labResults);
    await this.save(outcomes, HealthRecordRepository, records);
  }

  private async save<Input>(
    outcomes: PatientOutcomes,
    repository: (abstract new (...args: never[]) => DraftTarget<Input>) & { readonly model: { readonly name: string } },
    drafts: readonly Draft<Input>[],
  ): Promise<Map<string, StoredDraft>> {
    const stored = await storeDrafts(this.seed.get(repository), drafts, this.unitOfWork, async (fresh) => fresh);
    outcomes.settle(drafts, stored, repository.model.name);
    return stored;
  }
}

function idOf(stored: StoredDraft | undefined): string | undefined {
  return stored && 'id' in stored ? stored.id : undefined;
}
