/**
 * Structural equality of plain data: numbers by `Object.is`, records and lists field by field.
 *
 * @example
 * sameData({ a: [1, 2] }, { a: [1, 2] }) // => true
 */
export const sameData = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const keys = Object.keys(a)
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => sameData(a[key as keyof typeof a], b[key as keyof typeof b]))
  )
}
