import {
  CheckViolationError,
  ForeignKeyViolationError,
  InvalidInputError,
  type IUnitOfWork,
  NotNullViolationError,
  RepositoryError,
  UniqueViolationError,
} from '../../src';
import type { Draft } from './draft';

/** What the import needs of a repository. */
export interface DraftTarget<Input> {
  findAll(
    criteria: {
      readonly where: { readonly sourceHash: { readonly in: readonly string[] } };
      readonly select: readonly ('id' | 'sourceHash')[];
    },
    options: { readonly withDeleted: true },
  ): Promise<readonly { readonly id: string; readonly sourceHash: string | null }[]>;
  bulkCreate(inputs: readonly Input[]): Promise<readonly { readonly id: string }[]>;
}

/** How a draft ended: stored under an id, now or by a former run, or refused by its repository. */
export type StoredDraft = { readonly id: string; readonly unchanged: boolean } | { readonly refusal: RepositoryError };

/** Rows of one lookup; findAll answers no more. */
const CHUNK = 1_000;

/** What a repository says about one row, as against a failure of the database. */
const ABOUT_A_ROW = [
  InvalidInputError,
  NotNullViolationError,
  CheckViolationError,
  ForeignKeyViolationError,
  UniqueViolationError,
];

/**
 * Stores drafts inside the open unit of work. Those that a former run stored are left as they are, also when they were
 * deleted since. A refused row does not take the others with it: it is found by halving, each half under a savepoint.
 * @param complete Adds to the fresh ones what only the database knows.
 * @returns How each draft ended, by its hash.
 */
export async function storeDrafts<Input, Mapped>(
  target: DraftTarget<Input>,
  drafts: readonly Draft<Mapped>[],
  unitOfWork: IUnitOfWork,
  complete: (fresh: readonly Mapped[]) => Promise<readonly Input[]>,
): Promise<Map<string, StoredDraft>> {
  const ends = await findStored(target, drafts);
  const fresh = drafts.filter(({ hash }) => !ends.has(hash));
  const inputs = await complete(fresh.map(({ input }) => input));
  await insert(0, fresh.length);
  return ends;

  async function insert(from: number, to: number): Promise<void> {
    if (from >= to) return;
    try {
      const created = await unitOfWork.executeInTransaction(
        () => target.bulkCreate(inputs.slice(from, to)),
        undefined,
        {
          propagation: 'NESTED',
        },
      );
      for (const [i, { id }] of created.entries()) ends.set(fresh[from + i]!.hash, { id, unchanged: false });
    } catch (error) {
      if (!ABOUT_A_ROW.some((kind) => error instanceof kind)) throw error;
      if (to - from > 1) {
        const middle = Math.ceil((from + to) / 2);
        await insert(from, middle);
        await insert(middle, to);
      } else {
        // Another import may have stored the row meanwhile.
        const [draft] = fresh.slice(from, to);
        const found = error instanceof UniqueViolationError ? await findStored(target, [draft!]) : undefined;
        ends.set(draft!.hash, found?.get(draft!.hash) ?? { refusal: error as RepositoryError });
      }
    }
  }
}

async function findStored(
  target: Pick<DraftTarget<never>, 'findAll'>,
  drafts: readonly Draft<unknown>[],
): Promise<Map<string, StoredDraft>> {
  const stored = new Map<string, StoredDraft>();
  for (let from = 0; from < drafts.length; from += CHUNK) {
    const hashes = drafts.slice(from, from + CHUNK).map(({ hash }) => hash);
    const found = await target.findAll(
      { where: { sourceHash: { in: hashes } }, select: ['id', 'sourceHash'] },
      { withDeleted: true },
    );
    for (const { id, sourceHash } of found) stored.set(sourceHash!, { id, unchanged: true });
  }
  return stored;
}
