/** How many shapes of one entity are kept; a filter built from user input must not fill the memory. */
const CAPACITY = 500;

/** Compiled shapes by their complete description; the least recently made goes first. */
export class ShapeCache<T> {
  private readonly shapes = new Map<string, T>();

  get(shape: string, compile: () => T): T {
    let compiled = this.shapes.get(shape);
    if (compiled === undefined) {
      compiled = compile();
      if (this.shapes.size >= CAPACITY) this.shapes.delete(this.shapes.keys().next().value!);
      this.shapes.set(shape, compiled);
    }
    return compiled;
  }

  get size(): number {
    return this.shapes.size;
  }
}
