/** The attribute of a column: `school_id` is `schoolId`. */
export function attributeName(column: string): string {
  return column.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
