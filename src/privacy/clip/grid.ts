/**
 * Clipped gradients on a grid: each sample becomes a vector of whole numbers whose length is checked in whole numbers.
 * γ grid spacing · C bound of the clip · Δ bound in steps · d number of parameters.
 */
import { contiguous, type Storage, size, storageOf, type Tensor, unsafeTensor } from '../../tensor/tensor.js'
import { leaves, mapTree, namedLeaves, type Tree } from '../../tensor/tree.js'
import { type ClipRule, safeFactor } from './clip.js'
import { type Clip, groupsOf, groupWeights, isGroupClip } from './group-clip.js'
import { type IntegerSum, largestIntegerBound } from './integer-sum.js'

/** A public grid, and what one sample can move on it. */
export interface Grid {
  readonly gridSpacing: number
  readonly l2Bound: number
}

/**
 * The grid for vectors of d numbers that are clipped to C.
 *
 *   Δ = ⌈C/γ + √d/2⌉      since rounding to the nearest step makes a vector longer by √d/2 steps at most
 *
 * The default γ is the power of 2 with 2¹⁶ ≤ C/γ < 2¹⁷: then Δγ exceeds C by √d·2⁻¹⁷ of it at most, 0.8 % for a million
 * parameters, and so much more noise is added.
 *
 * @throws RangeError unless C is finite, C/γ ≥ 1, and Δ ≤ 2²²
 * @example
 * gridFor({ l2Bound: 1, dimension: 10_000 }) // => { gridSpacing: 2 ** -16, l2Bound: 65586 }
 */
export const gridFor = ({
  l2Bound,
  dimension,
  gridSpacing = 2 ** (Math.floor(Math.log2(l2Bound)) - 16),
}: {
  readonly l2Bound: number
  readonly dimension: number
  readonly gridSpacing?: number
}): Grid => {
  const steps = Math.ceil(l2Bound / gridSpacing + Math.sqrt(dimension) / 2)
  if (!(gridSpacing > 0 && l2Bound / gridSpacing >= 1 && steps <= largestIntegerBound))
    throw new RangeError(
      `gridSpacing is ${gridSpacing}: a bound of ${l2Bound} on ${dimension} numbers must be from 1 to ${largestIntegerBound} steps`,
    )
  return { gridSpacing, l2Bound: steps }
}

/** The numbers of one leaf: row n starts at n·width. */
interface Rows {
  readonly data: Storage
  readonly offset: number
  readonly width: number
  readonly group: number
  readonly sum: Float64Array
}

const rowsOf = (leaf: Tensor, group: number, sum: Float64Array): Rows => {
  const dense = contiguous(leaf)
  return { data: storageOf(dense), offset: dense.offset, width: sum.length, group, sum }
}

/** Squared norm of a sample in each group. */
const squares = (rows: readonly Rows[], n: number, out: Float64Array): void => {
  out.fill(0)
  for (const { data, offset, width, group } of rows) {
    const start = offset + n * width
    let sum = 0
    for (let i = start; i < start + width; i++) sum += (data[i] as number) ** 2
    out[group] = (out[group] as number) + sum
  }
}

/** Adding 1.5·2⁵² and taking it away rounds a number below 2⁵¹ to the nearest whole one, ties to even. */
const rounder = 1.5 * 2 ** 52

/**
 * Rounds a sample to the nearest steps, into `out`; returns its squared length, which is exact where it is below 2⁵³. A number of
 * 2⁵¹ or more makes it larger than any bound.
 */
const roundInto = (rows: readonly Rows[], n: number, scales: Float64Array, out: Float64Array): number => {
  let at = 0
  let sum = 0
  for (const { data, offset, width, group } of rows) {
    const start = offset + n * width
    const scale = scales[group] as number
    for (let i = 0; i < width; i++) {
      const steps = (data[start + i] as number) * scale + rounder - rounder
      out[at + i] = steps
      sum += steps * steps
    }
    at += width
  }
  return sum
}

/** The same towards 0, which makes nothing longer. */
const truncateInto = (rows: readonly Rows[], n: number, scales: Float64Array, out: Float64Array): number => {
  let [at, sum] = [0, 0]
  for (const { data, offset, width, group } of rows)
    for (let i = 0; i < width; i++) {
      const steps = Math.trunc((data[offset + n * width + i] as number) * (scales[group] as number))
      out[at++] = steps
      sum += steps * steps
    }
  return sum
}

/** Adds a rounded sample to the sums. */
const addInto = (rows: readonly Rows[], steps: Float64Array): void => {
  let at = 0
  for (const { sum, width } of rows) {
    for (let i = 0; i < width; i++) sum[i] = (sum[i] as number) + (steps[at + i] as number)
    at += width
  }
}

/** A sum on a grid, with what it was made of. */
export interface Gridded<P extends Tree> {
  readonly sum: P
  /** Norm of each sample before clipping; infinite or NaN where it did not count. */
  readonly norms: Float64Array
  readonly groupNorms: readonly Float64Array[]
}

/**
 * Clips every row, rounds it to the grid, and adds up in whole numbers.
 *
 *   kₙ = round(w(‖gₙ‖) gₙ / γ),   Σ kₙ
 *
 * Shapes     rows: every leaf [n, …param]; like: the parameters → sum like the parameters, float64
 * Guarantee  ‖kₙ‖ ≤ Δ, checked in whole numbers: a rounded vector that is longer is cut towards 0 instead, and if that is too
 *            long still, it is left out. kₙ depends on row n alone. A row that is not finite adds 0
 *
 * @internal
 */
export const griddedSum = <P extends Tree>(
  clip: Clip,
  { gridSpacing, l2Bound }: Grid,
  like: P,
): ((rows: P, count: number) => Gridded<P>) => {
  const groups = groupsOf(isGroupClip(clip) ? clip.group : () => '')(like)
  const weights = isGroupClip(clip) ? groupWeights(clip, groups) : [safeFactor(clip as ClipRule)]
  const place = new Map(groups.map(({ name }, m) => [name, m]))
  const groupAt = namedLeaves(like).map(({ path }) => place.get(isGroupClip(clip) ? clip.group(path) : '') as number)
  const dimension = groups.reduce((sum, group) => sum + group.dimension, 0)
  return (tree, count) => {
    const sums = leaves(like).map((leaf) => new Float64Array(size(leaf)))
    const rows = leaves(tree).map((leaf, index) => rowsOf(leaf, groupAt[index] as number, sums[index] as Float64Array))
    const [square, scales, steps] = [
      new Float64Array(groups.length),
      new Float64Array(groups.length),
      new Float64Array(dimension),
    ]
    const norms = new Float64Array(count)
    const groupNorms = groups.map(() => new Float64Array(count))
    for (let n = 0; n < count; n++) {
      squares(rows, n, square)
      let whole = 0
      for (let m = 0; m < groups.length; m++) {
        const norm = Math.sqrt(square[m] as number)
        whole += square[m] as number
        ;(groupNorms[m] as Float64Array)[n] = norm
        scales[m] = (weights[m] as (norm: number) => number)(norm) / gridSpacing
      }
      norms[n] = Math.sqrt(whole)
      if (!Number.isFinite(whole)) continue
      if (roundInto(rows, n, scales, steps) <= l2Bound ** 2 || truncateInto(rows, n, scales, steps) <= l2Bound ** 2)
        addInto(rows, steps)
      else norms[n] = Number.POSITIVE_INFINITY
    }
    let next = 0
    const sum = mapTree((leaf) => unsafeTensor(sums[next++] as Float64Array, leaf.shape))(like)
    return { sum, norms, groupNorms }
  }
}

/** The sum as what exact noise takes. @internal */
export const integerSum = <P extends Tree>(
  sum: P,
  { gridSpacing, l2Bound }: Grid,
  dtype: 'float32' | 'float64',
): IntegerSum<P> => ({ _tag: 'IntegerSum', sum, gridSpacing, l2Bound, l1Bound: Number.POSITIVE_INFINITY, dtype })
