/** Runs one piece of work after the other, in the order of the calls. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all before it have ended, whatever became of them. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /**
   * For the end of a turn: the turns that `work` takes come before those who wait for this one. Behind them they would
   * wait for the very turn that waits for them.
   */
  async ahead(work: () => Promise<void>): Promise<void> {
    const waiting = this.last;
    this.last = Promise.resolve();
    await work();
    for (let ended: unknown; ended !== this.last;) {
      ended = this.last;
      await ended;
    }
    this.last = waiting;
  }
}
