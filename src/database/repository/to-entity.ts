/** Makes a row plain and frozen: whoever is handed an entity cannot change what another was handed. */
export function toEntity(row: object): object {
  const { get } = row as { get?: unknown };
  const plain = typeof get === 'function' ? (get.call(row, { plain: true }) as object) : row;
  for (const value of Object.values(plain)) {
    if (typeof value === 'object' && value !== null) freezeDeep(value);
  }
  return Object.freeze(plain);
}

/** Dates and buffers cannot be frozen; JSON values can. */
function freezeDeep(value: object): void {
  if (value instanceof Date || ArrayBuffer.isView(value)) return;
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) freezeDeep(part);
  }
  Object.freeze(value);
}
