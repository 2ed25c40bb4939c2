/**
 * Sums of trees that come one after the other, in storage of their own: nothing is allocated but for the first.
 */
import { type Home, homeOf } from './home.js'
import { ShapeEq, shapeError } from './shape.js'
import {
  contiguous,
  isContiguous,
  ownElements,
  type Storage,
  size,
  storageOf,
  type Tensor,
  unsafeTensor,
} from './tensor.js'
import { leaves, mapTree, type Tree } from './tree.js'

/** A sum that grows. */
export interface RunningSum<P extends Tree> {
  /** Begins with a tree whose storage nobody else has, and which is given up. */
  readonly begin: (tree: P) => void
  /** Adds a tree, which may afterwards end with the scope that made it; false where there is nothing to add it to. */
  readonly add: (tree: P) => boolean
  /** The sum, if it has begun; it is given up, and nothing may be added any more. */
  readonly value: () => P | undefined
}

/** The elements in row-major order, to be read only. */
const elements = (t: Tensor): Storage => {
  const { data, offset } = contiguous(t)
  return (data as Storage).subarray(offset, offset + size(t))
}

/** Storage that can be written to: numbers of a device that are fetched when somebody looks at them cannot. */
const written = (t: Tensor): Tensor =>
  ArrayBuffer.isView(t.data) && t.offset === 0 && t.data.length === size(t) && isContiguous(t) ? t : copied(t)

const copied = (t: Tensor): Tensor => unsafeTensor(ownElements(t.dtype, t), t.shape)

/** A tensor that no device knows by its storage: of that, a scope may hold a copy from before it was written to. */
const asItIsNow = (t: Tensor): Tensor => unsafeTensor(storageOf(t).subarray(0), t.shape)

/** Loops of their own, so that V8 compiles each for one kind of array. */
const addFloat32 = (to: Float32Array, from: Float32Array): void => {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + (from[i] as number)
}
const addNumbers = (to: Storage, from: Storage): void => {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + (from[i] as number)
}

/**
 * A sum of trees of one structure, leaf by leaf in the dtype of the first.
 *
 * @throws ShapeError where a tree has other leaves than the first
 * @internal
 */
export const runningSum = <P extends Tree>(): RunningSum<P> => {
  let sum: P | undefined
  let isWritten = false
  return {
    begin: (tree) => {
      sum = tree
    },
    add: (tree) => {
      if (sum === undefined) return false
      if (!isWritten) sum = mapTree(written)(sum)
      isWritten = true
      const [into, from] = [leaves(sum), leaves(tree)]
      if (into.length !== from.length) throw shapeError('trees differ in structure', [into.length], [from.length])
      const atHome = into.map((leaf, index) => {
        const other = from[index] as Tensor
        if (!ShapeEq.equals(leaf.shape, other.shape)) throw shapeError('leaves differ', leaf.shape, other.shape)
        return homeOf(other, leaf)?.combine(1, asItIsNow(leaf), 1, other)
      })
      into.forEach((leaf, index) => {
        const [to, added] = [storageOf(leaf), atHome[index]]
        const numbers = elements(added ?? (from[index] as Tensor))
        if (added !== undefined) to.set(numbers)
        else if (to instanceof Float32Array && numbers instanceof Float32Array) addFloat32(to, numbers)
        else addNumbers(to, numbers)
      })
      return true
    },
    value: () => sum,
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
