/** Something that writes: a unit of work, a transaction, a lone statement. */
export interface Writer {
  /** True once the outcome is final. */
  readonly settled: boolean;
}

interface Entry {
  readonly open: Set<Writer>;
  /** Reading of the clock, in ms, until which reads stay on the primary. */
  until: number;
}

/** What was written without a clinic may be read by each of them. */
const EVERYBODY = '';

/**
 * Which clinics this process has written for, so recently that a replica may not show it. From the write until
 * `windowMs` after its outcome their reads stay on the primary: read-your-writes from one request to the next.
 */
export class RecentWrites {
  private readonly entries = new Map<string, Entry>();

  /**
   * @param windowMs How far a replica that is in use may lag.
   * @param limit Clinics that are remembered one by one; beyond it the oldest count as everybody.
   */
  constructor(
    private readonly windowMs: number,
    private readonly limit = 10_000,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Notes a write, before it is sent. */
  begin(clinicId: string | undefined, writer: Writer): void {
    this.entry(clinicId ?? EVERYBODY).open.add(writer);
    if (this.entries.size > this.limit) this.shrink();
  }

  /** True when a read for this clinic belongs on the primary; without a clinic, when any does. */
  isRecent(clinicId: string | undefined): boolean {
    if (!clinicId) return [...this.entries.keys()].some((key) => this.holds(key));
    return this.holds(EVERYBODY) || this.holds(clinicId);
  }

  /** Forgets what is over. Called now and then: what is never asked for would stay. */
  sweep(): void {
    for (const key of this.entries.keys()) this.holds(key);
  }

  private holds(key: string): boolean {
    const entry = this.entries.get(key);
    if (!entry) return false;
    const now = this.now();
    for (const writer of entry.open) {
      if (!writer.settled) continue;
      entry.open.delete(writer);
      // Seen now, settled some time ago: the window is too long rather than too short.
      entry.until = now + this.windowMs;
    }
    if (entry.open.size > 0 || now < entry.until) return true;
    this.entries.delete(key);
    return false;
  }

  private entry(key: string): Entry {
    let entry = this.entries.get(key);
    if (!entry) this.entries.set(key, (entry = { open: new Set(), until: -Infinity }));
    return entry;
  }

  private shrink(): void {
    this.sweep();
    for (const [key, { open, until }] of this.entries) {
      if (this.entries.size <= this.limit) return;
      if (key === EVERYBODY) continue;
      this.entries.delete(key);
      const everybody = this.entry(EVERYBODY);
      for (const writer of open) everybody.open.add(writer);
      everybody.until = Math.max(everybody.until, until);
    }
  }
}
