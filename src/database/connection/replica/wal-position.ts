/** Bytes of a page of the log, and of the longest header a page begins with. */
const PAGE = 8192n;
const HEADER = 40n;

/**
 * A position in the write-ahead log, in bytes.
 * @param text As PostgreSQL writes a `pg_lsn`, for example `0/16B3748`.
 */
export function walPosition(text: string): bigint {
  const [high = '', low = ''] = text.split('/');
  const position = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
  // Where the next record would begin a page, the primary counts the header of that page and the standby does not.
  const into = position % PAGE;
  return into <= HEADER ? position - into : position;
}

/**
 * What this process knows of the primary's log: where it stood at which time. The time of a standby is read off it,
 * without a clock of the servers; `pg_last_xact_replay_timestamp` grows old on a primary that only rests.
 */
export class WalHistory {
  private samples: { readonly position: bigint; readonly at: number }[] = [];

  /** @param keepMs How far back a time can be told. */
  constructor(private readonly keepMs: number) {}

  /** @param at Reading of the clock before the primary was asked, in ms. */
  add(position: bigint, at: number): void {
    this.samples = this.samples.filter((sample) => at - sample.at <= this.keepMs);
    this.samples.push({ position, at });
  }

  /**
   * The time up to which a standby that has replayed up to `position` holds every commit that this process knew of;
   * -Infinity when that is longer ago than is kept.
   */
  coveredUntil(position: bigint): number {
    return this.samples.findLast((sample) => sample.position <= position)?.at ?? -Infinity;
  }
}
