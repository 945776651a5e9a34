/** A row as it leaves the database: plain, keyed by attribute. */
export type Row = Record<string, unknown>;

/** One SQL statement with bind parameters; values are never part of the text. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Name of the prepared statement. Absent: parsed anew on every call. */
  readonly name?: string;
  /** For logs and errors, for example `Student.findById`. */
  readonly operation: string;
  readonly entity?: string;
  /** True when the statement may change rows: it then carries the acting context for the audit trail. */
  readonly write: boolean;
}

export interface StatementResult<R = Row> {
  readonly rows: R[];
  /** Rows returned or changed. */
  readonly rowCount: number;
  /** Command tag, for example `UPDATE`. */
  readonly command: string;
}
