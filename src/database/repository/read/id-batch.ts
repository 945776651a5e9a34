import type { Place } from '../../connection/scope/place';
import type { Scope } from '../../connection/scope/scope';
import type { Row } from '../../connection/statement';
import type { ExecutionContext } from '../../context/execution-context';
import { copyError, copyRow } from './own-copy';
import { atEndOfTick } from './end-of-tick';

/** Ids of one statement. */
export const BATCH_LIMIT = 1_000;

/** On whose behalf and where a batch runs. */
export interface BatchKey {
  readonly scope: Scope | undefined;
  readonly context: ExecutionContext | undefined;
  readonly withDeleted: boolean;
  /** True: not from a replica. */
  readonly fresh: boolean;
  /** Where the chain of calls stands, in units that it suspended, too. */
  readonly place: Place;
}

/** Reads rows by id, in any order; an id without a row is left out. Must send before it first waits. */
export type ReadByIds = (ids: readonly string[], key: BatchKey) => Promise<readonly Row[]>;

interface Caller {
  readonly id: string;
  readonly resolve: (row: Row | undefined) => void;
  readonly reject: (error: unknown) => void;
}

interface IdBatch {
  readonly key: BatchKey;
  readonly callers: Caller[];
  /** Sends it now, unless that was done. */
  send: () => void;
}

/**
 * Gathers the ids that are asked for in one tick and reads them with one statement: one statement per tick costs the
 * server and this process a fraction of one per id (performance.md). Calls share a statement only where it would read
 * the same rows for each: same clinic, same unit of work, same view of deleted rows, same
 * right to a replica's answer.
 */
export class IdBatches {
  /** Batches that are not sent yet: by their unit, else by their clinic. */
  private readonly open = new Map<unknown, IdBatch[]>();

  constructor(private readonly read: ReadByIds) {}

  /**
   * The row with this id, or undefined. Every caller gets a row of its own, and on a failure an error of its own.
   * @param id A UUID in lower case.
   * @throws TransactionScopeClosedError, NestedScopeActiveError when the unit takes no statement now.
   */
  find(id: string, key: BatchKey): Promise<Row | undefined> {
    // Asked of every caller: the one that opened the batch may have come before the unit closed.
    key.scope?.assertOpen();
    return new Promise((resolve, reject) => {
      const batch = this.batchOf(key);
      batch.callers.push({ id, resolve, reject });
      if (batch.callers.length === BATCH_LIMIT) batch.send();
    });
  }

  private batchOf(key: BatchKey): IdBatch {
    const place = key.scope ?? key.context?.clinicId;
    let batches = this.open.get(place);
    if (!batches) this.open.set(place, (batches = []));
    const fitting = batches.find((batch) => isSame(batch.key, key));
    if (fitting) return fitting;
    const batch: IdBatch = { key, callers: [], send: () => this.close(place, batch) };
    batches.push(batch);
    // A unit must know of it from now on, and send it before whatever comes after it.
    if (key.scope) batch.send = key.scope.hold(batch.send);
    atEndOfTick(() => batch.send());
    return batch;
  }

  private close(place: unknown, batch: IdBatch): void {
    const batches = this.open.get(place);
    const at = batches?.indexOf(batch) ?? -1;
    if (at < 0) return;
    if (batches!.length === 1) this.open.delete(place);
    else batches!.splice(at, 1);
    void this.answer(batch);
  }

  private async answer({ key, callers }: IdBatch): Promise<void> {
    try {
      const ids = callers.length === 1 ? [callers[0]!.id] : [...new Set(callers.map(({ id }) => id))];
      const rows = await this.read(ids, key);
      if (callers.length === 1) return callers[0]!.resolve(rows[0]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      const handedOut = new Set<Row>();
      for (const { id, resolve } of callers) {
        const row = byId.get(id);
        resolve(row && handedOut.has(row) ? copyRow(row) : row);
        if (row) handedOut.add(row);
      }
    } catch (error) {
      callers.forEach(({ reject }, n) => reject(n === 0 ? error : copyError(error)));
    }
  }
}

/**
 * In a unit also the actor is the same: what a statement says of it stays for those after it. A chain that holds
 * connections may be refused another one, and must not take others along.
 */
function isSame(one: BatchKey, other: BatchKey): boolean {
  return (
    one.withDeleted === other.withDeleted &&
    one.fresh === other.fresh &&
    one.place === other.place &&
    (!one.scope || one.context === other.context)
  );
}
