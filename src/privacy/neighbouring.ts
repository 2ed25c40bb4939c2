/**
 * Which two datasets count as neighbours. An ε says nothing without it, so every answer of an accountant carries it.
 */

/**
 * - `addOrRemoveOne`: one has one record more than the other.
 * - `replaceOne`: they are of one size and differ in one record. A clipped sum then moves by up to twice its bound.
 * - `replaceSpecial`: one record is replaced by a record that contributes nothing (zero-out). The size stays, and a clipped
 *   sum moves by its bound, as under `addOrRemoveOne`; what changes is that batch sizes and batch order are the same.
 */
export type Neighbouring = 'addOrRemoveOne' | 'replaceOne' | 'replaceSpecial'

/** All relations. */
export const neighbouringRelations: readonly Neighbouring[] = ['addOrRemoveOne', 'replaceOne', 'replaceSpecial']

/**
 * How far one clipped sum can move between neighbours, in units of the clip bound C.
 *
 * @example
 * sensitivityOf('replaceOne') // => 2
 */
export const sensitivityOf = (neighbouring: Neighbouring): 1 | 2 => (neighbouring === 'replaceOne' ? 2 : 1)

/**
 * @example
 * showNeighbouring('addOrRemoveOne') // => 'adding or removing one record'
 */
export const showNeighbouring = (neighbouring: Neighbouring): string =>
  neighbouring === 'addOrRemoveOne'
    ? 'adding or removing one record'
    : neighbouring === 'replaceOne'
      ? 'replacing one record by another'
      : 'replacing one record by one that contributes nothing'
