import { UnawaitedWorkError } from '../../transaction.errors';

/** What of a unit of work has begun and not ended: statements, those of nested units included, and inner units. */
export class WorkUnderWay {
  private readonly running = new Set<Promise<unknown>>();
  /** What waits for the end of the tick, to be sent together with more of its kind. */
  private readonly held = new Set<() => void>();
  private units = 0;

  /** @param outer The same of the units that this one is nested in: what runs here runs there. */
  constructor(private readonly outer: readonly WorkUnderWay[]) {}

  add(work: Promise<unknown>): void {
    this.running.add(work);
    for (const { running } of this.outer) running.add(work);
  }

  delete(work: Promise<unknown>): void {
    this.running.delete(work);
    for (const { running } of this.outer) running.delete(work);
  }

  /**
   * Counts work as running that is sent a little later: when the answer of this is called, or right before the next
   * statement, so that statements keep the order of their calls.
   * @param send Sends the work before it returns. Called once.
   */
  hold(send: () => void): () => void {
    let sent!: () => void;
    const waiting = new Promise<void>((resolve) => {
      sent = resolve;
    });
    this.add(waiting);
    const sendOnce = (): void => {
      if (!this.held.delete(sendOnce)) return;
      send();
      this.delete(waiting);
      sent();
    };
    this.held.add(sendOnce);
    return sendOnce;
  }

  /** Sends what waits: statements keep the order of their calls. */
  sendHeld(): void {
    for (const send of this.held) send();
  }

  /** Counts an inner unit until it has settled. */
  async host<T>(unit: () => Promise<T>): Promise<T> {
    this.units += 1;
    try {
      return await unit();
    } finally {
      this.units -= 1;
    }
  }

  /** @throws UnawaitedWorkError: half of what still runs must not be committed. */
  refuseUnawaited(): void {
    const unawaited = this.running.size + this.units;
    if (unawaited > 0) throw new UnawaitedWorkError(unawaited);
  }

  /** Waits until no statement runs, however they end. */
  async drain(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled(this.running);
  }
}
