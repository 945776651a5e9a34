import type { Row } from '../../connection/statement';
import type { Join, Joins } from '../statement/joins';

/** Makes of a flat row of a statement with joins a row that holds its parents. */
export type NestRow = (row: Row) => Row;

/** Column of the result that holds the id of a parent: null tells that there is none. */
export const parentId = (join: Join): string => `${join.alias}.id`;

/** Column of the result that holds the attribute at `place` of what is returned of a parent. No attribute has a dot. */
export const parentColumn = (join: Join, place: number): string => `${join.alias}.c${place}`;

interface Parent {
  readonly name: string;
  readonly id: string;
  readonly attributes: readonly (readonly [attribute: string, column: string])[];
  readonly parents: readonly Parent[];
}

/** The rows of a statement with its parents in them; as they are where it has none. */
export function nestRows(rows: Row[], nestRow: NestRow | undefined): Row[] {
  return nestRow ? rows.map(nestRow) : rows;
}

/** Compiled once a shape. Columns that belong to no parent stay as they are. */
export function compileNestRow(joins: Joins): NestRow {
  const parents = parentsOf(undefined, joins);
  const ofParents = new Set(joins.returned().flatMap(namesOf));
  return (row) => {
    const nested: Row = {};
    for (const name in row) if (!ofParents.has(name)) nested[name] = row[name];
    addParents(nested, parents, row);
    return nested;
  };
}

const namesOf = (join: Join): string[] => [parentId(join), ...join.columns!.map((_, i) => parentColumn(join, i))];

function parentsOf(child: Join | undefined, joins: Joins): Parent[] {
  return joins
    .returned()
    .filter((join) => join.from === child)
    .map((join) => ({
      name: join.relation.name,
      id: parentId(join),
      attributes: join.columns!.map((column, place) => [column.attribute, parentColumn(join, place)] as const),
      parents: parentsOf(join, joins),
    }));
}

function addParents(nested: Row, parents: readonly Parent[], row: Row): void {
  for (const { name, id, attributes, parents: further } of parents) {
    if (row[id] === null) {
      nested[name] = null;
      continue;
    }
    const parent: Row = {};
    for (const [attribute, column] of attributes) parent[attribute] = row[column];
    addParents(parent, further, row);
    nested[name] = parent;
  }
}
