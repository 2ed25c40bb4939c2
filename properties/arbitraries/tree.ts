/**
 * Trees of tensors, and trees of one structure.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Shape } from '../../src/tensor/shape.js'
import type { Tree } from '../../src/tensor/tree.js'
import { shapes, type TensorConstraints, tensorsOf } from './tensor.js'

/** A tree of shapes: the structure of trees of tensors. */
export type Structure =
  | { readonly shape: Shape }
  | readonly Structure[]
  | { readonly children: Readonly<Record<string, Structure>> }

const keys = fc.constantFrom('weight', 'bias', 'a', 'b', 'a.b', '0')

/** Structures up to three levels deep, some without any leaf. */
export const structures: Arbitrary<Structure> = fc.letrec<{ readonly node: Structure }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    shapes({ maxRank: 3, maxExtent: 3 }).map((shape) => ({ shape })),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(keys, tie('node'), { maxKeys: 3, noNullPrototype: true }).map((children) => ({ children })),
  ),
})).node

/** Trees of one structure. */
export const treesOf = (structure: Structure, constraints: TensorConstraints = {}): Arbitrary<Tree> => {
  if ('shape' in structure) return tensorsOf(structure.shape, constraints)
  if ('children' in structure)
    return fc.record(
      Object.fromEntries(Object.entries(structure.children).map(([key, child]) => [key, treesOf(child, constraints)])),
    )
  return fc.tuple(...structure.map((child) => treesOf(child, constraints)))
}

/** Trees of any structure. */
export const trees = (constraints: TensorConstraints = {}): Arbitrary<Tree> =>
  structures.chain((structure) => treesOf(structure, constraints))

/** As many trees as asked for, all of one structure. */
export const alike = (count: number, constraints: TensorConstraints = {}): Arbitrary<readonly Tree[]> =>
  structures.chain((structure) => fc.array(treesOf(structure, constraints), { minLength: count, maxLength: count }))
