import type { SourceRow } from './source-row';

/** A row of the database that is ready to be stored. */
export interface Draft<Input> {
  /** Identity of the stored row: the hash of its row in the export, or over the hashes of all it is merged from. */
  readonly hash: string;
  readonly input: Input & { readonly sourceHash: string };
  /** The rows it comes from: the first is stored, the others are merged into it. */
  readonly rows: readonly [SourceRow, ...SourceRow[]];
}

/** A draft of one row of the export. */
export function draftOf<Input extends object>(row: SourceRow, input: Input): Draft<Input> {
  return { hash: row.hash, input: { ...input, sourceHash: row.hash }, rows: [row] };
}
