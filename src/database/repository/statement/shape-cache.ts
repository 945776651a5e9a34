import type { CompiledSql } from './sql-compiler';

/** How many shapes of one entity are kept; a filter built from user input must not fill the memory. */
const CAPACITY = 500;

/** From which use a shape is prepared: the server keeps a prepared statement for as long as the connection lives. */
const PREPARED_FROM = 3;

/** Compiled shapes by their complete description; the one made first goes first. */
export class ShapeCache {
  private readonly shapes = new Map<string, { readonly sql: CompiledSql; uses: number }>();

  /** The SQL of a shape; with a name only once the shape has proved to come back. */
  get(shape: string, compile: () => CompiledSql): Omit<CompiledSql, 'name'> & { readonly name?: string } {
    let entry = this.shapes.get(shape);
    if (!entry) {
      entry = { sql: compile(), uses: 0 };
      if (this.shapes.size >= CAPACITY) this.shapes.delete(this.shapes.keys().next().value!);
      this.shapes.set(shape, entry);
    }
    entry.uses += 1;
    return entry.uses >= PREPARED_FROM ? entry.sql : { text: entry.sql.text, nestRow: entry.sql.nestRow };
  }

  get size(): number {
    return this.shapes.size;
  }
}
