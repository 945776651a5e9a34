/** What seeding needs of a repository. */
export interface SeedTarget<Input> {
  findAll(
    criteria: { readonly where: { readonly id: { readonly in: readonly string[] } }; readonly select: readonly 'id'[] },
    options: { readonly withDeleted: true },
  ): Promise<readonly { readonly id: string }[]>;
  bulkCreate(inputs: readonly Input[]): Promise<readonly unknown[]>;
}

/** Rows of one lookup; findAll answers no more. */
const CHUNK = 1_000;

/**
 * Creates the rows whose id is not stored yet. Those that are stay as they are, also when they were changed or deleted
 * since: a demo that is run again keeps what its user did.
 * @returns How many were created.
 */
export async function ensureRows<Input>(
  target: SeedTarget<Input>,
  rows: readonly (Input & { readonly id: string })[],
): Promise<number> {
  const stored = new Set<string>();
  for (let from = 0; from < rows.length; from += CHUNK) {
    const ids = rows.slice(from, from + CHUNK).map(({ id }) => id);
    const found = await target.findAll({ where: { id: { in: ids } }, select: ['id'] }, { withDeleted: true });
    for (const { id } of found) stored.add(id);
  }
  const missing = rows.filter(({ id }) => !stored.has(id));
  await target.bulkCreate(missing);
  return missing.length;
}
