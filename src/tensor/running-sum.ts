/**
 * Sums of trees that come one after the other, in storage of their own: nothing is allocated but for the first.
 */
import { type Home, homeOf, homeOfAll } from './home.js'
import { ShapeEq, shapeError } from './shape.js'
import {
  contiguous,
  copyInto,
  ownElements,
  type Storage,
  size,
  storageOf,
  type Tensor,
  unsafeTensor,
} from './tensor.js'
import { leaves, type Tree, treeSize, withLeaves } from './tree.js'

/** A sum that grows. */
export interface RunningSum<P extends Tree> {
  /** Begins with a tree whose storage nobody else has, and which is given up. */
  readonly begin: (tree: P) => void
  /**
   * Adds factor (1 by default) · a tree, which may afterwards end with the scope that made it; false where there is nothing to add it
   * to. Each number is found in float64 and rounded once.
   */
  readonly add: (tree: P, factor?: number) => boolean
  /** The sum, if it has begun; it is given up, and nothing may be added any more. */
  readonly value: () => P | undefined
}

/** The elements in row-major order, to be read only. */
const elements = (t: Tensor): Storage => {
  const { data, offset } = contiguous(t)
  return (data as Storage).subarray(offset, offset + size(t))
}

/** Loops of their own, so that V8 compiles each for one kind of array. */
const addFloat32 = (to: Float32Array, factor: number, from: Float32Array): void => {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + factor * (from[i] as number)
}
const addNumbers = (to: Storage, factor: number, from: Storage): void => {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + factor * (from[i] as number)
}

/** A tree that can be written to. */
interface Written<P extends Tree> {
  readonly tree: P
  /** The storage of each leaf. */
  readonly leaves: readonly Storage[]
  /** All of it, one leaf after another, where all are float32: a device adds to that in one go. */
  readonly row: Float32Array | undefined
}

/** A copy in storage of its own. */
const written = <P extends Tree>(tree: P): Written<P> => {
  const all = leaves(tree)
  const row = all.every(({ dtype }) => dtype === 'float32') ? new Float32Array(treeSize(tree)) : undefined
  let start = 0
  const storages = all.map((leaf): Storage => {
    if (row === undefined) return ownElements(leaf.dtype, leaf)
    copyInto(row, start, leaf)
    const end = start + size(leaf)
    const own = row.subarray(start, end)
    start = end
    return own
  })
  const own = all.map(({ shape }, index) => unsafeTensor(storages[index] as Storage, shape))
  return { tree: withLeaves(own)(tree), leaves: storages, row }
}

/**
 * A sum of trees of one structure, leaf by leaf in the dtype of the first.
 *
 * @throws ShapeError where a tree has other leaves than the first
 * @internal
 */
export const runningSum = <P extends Tree>(): RunningSum<P> => {
  let first: P | undefined
  let sum: Written<P> | undefined
  return {
    begin: (tree) => {
      first = tree
    },
    add: (tree, factor = 1) => {
      if (first === undefined) return false
      sum ??= written(first)
      const [into, from] = [leaves(sum.tree), leaves(tree)]
      if (into.length !== from.length) throw shapeError('trees differ in structure', [into.length], [from.length])
      into.forEach(({ shape }, index) => {
        const other = (from[index] as Tensor).shape
        if (!ShapeEq.equals(shape, other)) throw shapeError('leaves differ', shape, other)
      })
      const { row } = sum
      const home = row === undefined ? undefined : homeOfAll(from)
      if (row !== undefined && home !== undefined) {
        // No device knows this view of it: a scope may hold a copy of another one, from before it was written to.
        row.set(storageOf(home.add(unsafeTensor(row.subarray(0), [row.length]), factor, from)) as Float32Array)
        return true
      }
      sum.leaves.forEach((to, index) => {
        const numbers = elements(from[index] as Tensor)
        if (to instanceof Float32Array && numbers instanceof Float32Array) addFloat32(to, factor, numbers)
        else addNumbers(to, factor, numbers)
      })
      return true
    },
    value: () => sum?.tree ?? first,
  }
}

/** 0 · x is NaN for what is not finite. Four sums at a time, since each addition waits for the one before it. */
const finiteFloat32 = (data: Float32Array): boolean => {
  let [a, b, c, d] = [0, 0, 0, 0]
  let i = 0
  for (; i + 3 < data.length; i += 4) {
    a += 0 * (data[i] as number)
    b += 0 * (data[i + 1] as number)
    c += 0 * (data[i + 2] as number)
    d += 0 * (data[i + 3] as number)
  }
  for (; i < data.length; i++) a += 0 * (data[i] as number)
  return a + b + c + d === 0
}

/**
 * Is every number of the tree finite?
 *
 * @internal
 */
export const allFinite = (tree: Tree): boolean => {
  const away: Tensor[] = []
  const atHome = new Map<Home, Tensor[]>()
  for (const leaf of leaves(tree)) {
    const home = homeOf(leaf)
    const same = home === undefined ? away : (atHome.get(home) ?? [])
    same.push(leaf)
    if (home !== undefined) atHome.set(home, same)
  }
  return (
    Array.from(atHome).every(([home, some]) => home.allFinite(some)) &&
    away.every((leaf) => {
      const data = elements(leaf)
      return data instanceof Float32Array ? finiteFloat32(data) : data.every((x) => Number.isFinite(x))
    })
  )
}
