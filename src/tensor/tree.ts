/**
 * Trees of tensors: nested records and arrays whose leaves are tensors. Parameters, gradients and optimizer states are
 * trees; everything here keeps their structure, and their type.
 *
 * Leaves are visited in the order of the keys of the (first) tree.
 */
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { addTensors, scaleTensor } from './elementwise.js'
import { homeOfAll } from './home.js'
import { type Shape, shapeError, sizeOf } from './shape.js'
import {
  allocate,
  contiguous,
  copyInto,
  type DType,
  isTensor,
  size,
  storageOf,
  type Tensor,
  unsafeTensor,
  zeros,
} from './tensor.js'

/** A tensor, or a record or an array of trees: the shape of parameters, gradients and states. */
export type Tree = Tensor | { readonly [key: string]: Tree } | readonly Tree[]

/** The tree without leaves: the parameters of a layer that has none. */
export type EmptyTree = Readonly<Record<string, never>>

/** The one value of `EmptyTree`. */
export const emptyTree: EmptyTree = {}

/** A leaf with the path that leads to it, such as `0.weight`. */
export interface NamedLeaf {
  readonly path: string
  readonly leaf: Tensor
}

/**
 * f of every leaf.
 *
 * @example
 * mapTree(mapTensor((x) => -x))({ weight: scalar(3) }) // a record with weight −3
 */
export const mapTree =
  (f: (leaf: Tensor, path: string) => Tensor) =>
  <T extends Tree>(tree: T): T => {
    const walk = (node: Tree, path: string): Tree =>
      isTensor(node)
        ? f(node, path)
        : Array.isArray(node)
          ? node.map((child: Tree, key) => walk(child, join(path, key)))
          : Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child, join(path, key))]))
    return walk(tree, '') as T
  }

const join = (path: string, key: string | number): string => (path === '' ? `${key}` : `${path}.${key}`)

/** Every leaf with its path. */
export const namedLeaves = (tree: Tree): readonly NamedLeaf[] => {
  const found: NamedLeaf[] = []
  const walk = (node: Tree, path: string): void => {
    if (isTensor(node)) found.push({ path, leaf: node })
    else for (const [key, child] of Object.entries(node)) walk(child as Tree, join(path, key))
  }
  walk(tree, '')
  return found
}

/** Every leaf. */
export const leaves = (tree: Tree): readonly Tensor[] => {
  const found: Tensor[] = []
  const walk = (node: Tree): void => {
    if (isTensor(node)) found.push(node)
    else for (const child of Object.values(node)) walk(child as Tree)
  }
  walk(tree)
  return found
}

/** Is there a leaf in it? @internal */
export const hasLeaves = (tree: Tree): boolean =>
  isTensor(tree) || Object.values(tree).some((child) => hasLeaves(child as Tree))

/** The tree with these leaves instead of its own, in their order. @internal */
export const withLeaves =
  (others: readonly Tensor[]) =>
  <T extends Tree>(tree: T): T => {
    let place = 0
    return mapTree(() => others[place++] as Tensor)(tree)
  }

/**
 * f of the leaves that stand at the same place of two trees.
 *
 * @throws ShapeError when the trees differ in structure
 */
export const zipTreesWith =
  (f: (a: Tensor, b: Tensor, path: string) => Tensor) =>
  <T extends Tree>(a: T, b: Tree): T => {
    const walk = (left: Tree, right: Tree, path: string): Tree => {
      if (isTensor(left) && isTensor(right)) return f(left, right, path)
      const [keys, others] = [Object.keys(left), Object.keys(right)]
      if (
        isTensor(left) ||
        isTensor(right) ||
        Array.isArray(left) !== Array.isArray(right) ||
        keys.length !== others.length ||
        !keys.every((key) => Object.hasOwn(right, key))
      )
        throw shapeError(`trees differ in structure at '${path}'`, ...[left, right].map(shapeOfNode))
      const child = (key: string): Tree => walk(branch(left, key), branch(right, key), join(path, key))
      return Array.isArray(left) ? keys.map(child) : Object.fromEntries(keys.map((key) => [key, child(key)]))
    }
    return walk(a, b, '') as T
  }

const branch = (node: Tree, key: string): Tree => (node as Readonly<Record<string, Tree>>)[key] as Tree

/** What a message says of a node: the shape of a leaf, else the number of children. */
const shapeOfNode = (node: Tree): Shape => (isTensor(node) ? node.shape : [Object.keys(node).length])

/** Folds the leaves from left to right. */
export const foldTree =
  <A>(initial: A, f: (accumulated: A, leaf: Tensor, path: string) => A) =>
  (tree: Tree): A =>
    namedLeaves(tree).reduce((accumulated, { leaf, path }) => f(accumulated, leaf, path), initial)

/** Number of scalars in all leaves. */
export const treeSize: (tree: Tree) => number = foldTree(0, (sum, leaf) => sum + size(leaf))

/** All leaves, one after the other, as one vector. */
export const flatten = (tree: Tree, dtype: DType = 'float64'): Tensor => {
  const out = allocate(dtype, treeSize(tree))
  foldTree(0, (start, leaf) => {
    copyInto(out, start, leaf)
    return start + size(leaf)
  })(tree)
  return unsafeTensor(out, [out.length])
}

/**
 * The inverse of `flatten`: a tree with the structure, shapes and dtypes of `like`, and the numbers of the vector.
 *
 * @throws ShapeError when the vector is not as long as the tree is large
 */
export const unflatten =
  <T extends Tree>(like: T) =>
  (vector: Tensor): T => {
    if (size(vector) !== treeSize(like)) throw shapeError('unflatten: sizes differ', vector.shape, [treeSize(like)])
    const row = contiguous(vector)
    const source = storageOf(row)
    let start = row.offset
    return mapTree((leaf) => {
      const out = allocate(leaf.dtype, sizeOf(leaf.shape))
      for (let i = 0; i < out.length; i++) out[i] = source[start++] as number
      return unsafeTensor(out, leaf.shape)
    })(like)
  }

/** A tree of zeros with the structure, shapes and dtypes of another. */
export const zerosLike: <T extends Tree>(tree: T) => T = mapTree((leaf) => zeros(leaf.shape, leaf.dtype))

/** Leafwise factor · x. */
export const scaleTree =
  (factor: number) =>
  <T extends Tree>(tree: T): T => {
    const all = leaves(tree)
    return withLeaves(homeOfAll(all)?.scale(factor, all) ?? all.map(scaleTensor(factor)))(tree)
  }

/** Leafwise a + b. */
export const addTrees: <T extends Tree>(a: T, b: T) => T = zipTreesWith(addTensors)

/** Leafwise sums with the zeros of `like` as unit: the monoid that adds up gradients. */
export const sumMonoid = <T extends Tree>(like: T): Monoid<T> => ({ concat: addTrees, empty: zerosLike(like) })
