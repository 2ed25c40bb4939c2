/**
 * Lists that are longer than what one launch has arguments for.
 */

/** A list in pieces of at most so many. */
export const pieces = <A>(list: readonly A[], most: number): readonly (readonly A[])[] =>
  Array.from({ length: Math.ceil(list.length / most) }, (_, index) => list.slice(index * most, (index + 1) * most))
