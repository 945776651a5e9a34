/** Nobody acts, for no clinic: what was said inside must not hold outside, or the other way round. */
const NOBODY = ["SET LOCAL app.tenant = ''", "SET LOCAL app.context = ''"];

/** What is sent to begin and end one savepoint. */
export class Savepoint {
  private readonly name: string;

  /**
   * @param number A name used twice would roll back the wrong level.
   * @param apart True: it stands for a transaction, with a tenant of its own.
   */
  constructor(
    number: number,
    private readonly apart: boolean,
  ) {
    this.name = `unit_${number}`;
  }

  /** @param readOnly True: the server refuses writes until the end; PostgreSQL then restores what was before. */
  begin(readOnly: boolean): string[] {
    const restrict = readOnly ? ['SET LOCAL transaction_read_only = on'] : [];
    return [`SAVEPOINT ${this.name}`, ...(this.apart ? NOBODY : []), ...restrict];
  }

  /** Keeps what was done. */
  get release(): string[] {
    return [`RELEASE SAVEPOINT ${this.name}`, ...(this.apart ? NOBODY : [])];
  }

  /** Takes it back. */
  get rollback(): string[] {
    return [`ROLLBACK TO SAVEPOINT ${this.name}`, `RELEASE SAVEPOINT ${this.name}`];
  }
}
