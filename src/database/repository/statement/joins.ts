import { InvalidInputError } from '../../database.errors';
import type { ColumnDescription, EntityDescription, RelationDescription } from '../../model/entity-description';

/** Levels of parents, in an include as in a filter. */
const MAX_RELATION_DEPTH = 5;

/** One parent in a statement: joined once, whether it is filtered by, returned, or both. */
export interface Join {
  /** Name of the table in the statement. Numbered: names of five relations would not fit in 63 bytes. */
  readonly alias: string;
  readonly relation: RelationDescription;
  /** The child; absent for the entity that is asked for. */
  readonly from?: Join;
  /** Names of the relations that lead here: `student.school`. */
  readonly path: string;
  readonly depth: number;
  /** What the result holds of it; absent where it is filtered by only. */
  columns?: readonly ColumnDescription[];
}

/** The parents that one statement needs, in the order in which they were first mentioned. */
export class Joins {
  readonly all: Join[] = [];

  constructor(private readonly entity: EntityDescription) {}

  /** The join for a relation of `from`, the same one whoever asks. @throws InvalidInputError beyond five levels. */
  follow(from: Join | undefined, relation: RelationDescription): Join {
    const known = this.all.find((join) => join.from === from && join.relation === relation);
    if (known) return known;
    const depth = (from?.depth ?? 0) + 1;
    if (depth > MAX_RELATION_DEPTH) {
      throw new InvalidInputError(
        `${this.entity.name}: relations are followed ${MAX_RELATION_DEPTH} levels deep at most`,
        'Ask the repository of an entity that is nearer.',
        { entity: this.entity.name },
      );
    }
    const path = from ? `${from.path}.${relation.name}` : relation.name;
    const join: Join = { alias: `r${this.all.length + 1}`, relation, path, depth, ...(from ? { from } : {}) };
    this.all.push(join);
    return join;
  }

  /** What is returned of the parents, as text: with the shape of the filter it stands for the statement. */
  get shape(): string {
    return this.returned()
      .map(({ path, columns }) => `${path}(${columns!.map((column) => column.attribute).join()})`)
      .join();
  }

  /** Parents that the result holds. */
  returned(): readonly Join[] {
    return this.all.filter((join) => join.columns);
  }
}
