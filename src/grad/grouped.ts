/**
 * Readings of one backward pass by groups of parameters: what clipping group by group stands on.
 *
 * Labels are a tree like the parameters, whose leaves hold the number of their group in every element. They travel down a
 * model as the parameters do, so a layer in another form finds its groups where its parameters are.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { scalar, type Tensor, toArray } from '../tensor/tensor.js'
import { leaves, mapTree, type Tree, zipTreesWith } from '../tensor/tree.js'
import { broadcast } from '../tensor/view.js'
import { type GroupedReadings, lazy, type Pullback } from './layer.js'
import { addNorms } from './norm-sums.js'

/**
 * Labels for the leaves of a tree: each leaf becomes the number of its path, in every element.
 *
 * @example
 * toArray(labelled((path) => path.length)({ ab: zeros([3]) }).ab) // => [2, 2, 2]
 */
export const labelled = (group: (path: string) => number): (<P extends Tree>(params: P) => P) =>
  mapTree((leaf, path) => broadcast(leaf.shape)(scalar(group(path), 'int32')))

/** The number that all elements of a leaf of labels hold, if they hold one; 0 elements hold any. */
export const labelOf = (leaf: Tensor): number | undefined => {
  if (leaf.shape.includes(0)) return 0
  if (leaf.stride.every((step, axis) => step === 0 || leaf.shape[axis] === 1)) return leaf.data[leaf.offset]
  const [first, ...rest] = new Set(toArray(leaf))
  return rest.length === 0 ? first : undefined
}

/** Has every leaf one label? Not so where a layer in another form cuts or joins leaves. */
export const isLabelled = (labels: Tree): boolean => leaves(labels).every((leaf) => labelOf(leaf) !== undefined)

/** Sums of squared norms by group. */
export const addByGroup = (
  a: ReadonlyMap<number, Tensor>,
  b: ReadonlyMap<number, Tensor>,
): ReadonlyMap<number, Tensor> => {
  const sums = new Map(a)
  for (const [group, norm] of b) {
    const sum = sums.get(group)
    sums.set(group, sum === undefined ? norm : addNorms(sum, norm))
  }
  return sums
}

/** The weight of a leaf's group. */
const weightFor = (weights: readonly Tensor[], label: Tensor): Tensor => weights[labelOf(label) as number] as Tensor

/** Readings off per-sample gradients that have been formed. Norm and sum read the same numbers. */
export const groupedRows = <P extends Tree>(backend: Backend, labels: Tree, rows: () => P): GroupedReadings<P> => {
  const kept = lazy(rows)
  return {
    squaredNorms: () => {
      const [gradients, of] = [leaves(kept()), leaves(labels)]
      return gradients
        .map((leaf, index) => new Map([[labelOf(of[index] as Tensor) as number, backend.rowDots(leaf, leaf)]]))
        .reduce(addByGroup, new Map<number, Tensor>())
    },
    weightedGrad: (weights) =>
      zipTreesWith((leaf, label) => backend.weightedRowSum(weightFor(weights, label), leaf))(kept(), labels),
  }
}

/**
 * What a pullback says of groups. A layer within one group answers as it does without groups; one that groups cut through
 * answers in its own way, or forms its per-sample gradients.
 */
export const groupedReadings = <P extends Tree>(
  backend: Backend,
  pulled: Pullback<P>,
  labels: Tree,
): GroupedReadings<P> => {
  const [group, ...others] = new Set(leaves(labels).map(labelOf))
  if (group !== undefined && others.length === 0)
    return {
      squaredNorms: () => new Map([[group, pulled.squaredNorm()]]),
      weightedGrad: (weights) => pulled.weightedGrad(weights[group] as Tensor),
    }
  return pulled.grouped?.(labels) ?? groupedRows(backend, labels, pulled.perSampleGrad)
}

/** The readings of several layers as one. `assemble` puts a reading of each trained layer in the place of the layer. */
export const groupedChildren = <P extends Tree>(
  backend: Backend,
  children: readonly { readonly pulled: () => Pullback<Tree>; readonly labels: Tree; readonly trained: boolean }[],
  assemble: (read: (index: number) => Tree) => P,
): GroupedReadings<P> => {
  const of = children.map(({ pulled, labels }) => lazy(() => groupedReadings(backend, pulled(), labels)))
  return {
    squaredNorms: () =>
      of
        .filter((_, index) => children[index]?.trained)
        .map((readings) => readings().squaredNorms())
        .reduce(addByGroup, new Map<number, Tensor>()),
    weightedGrad: (weights) => assemble((index) => (of[index] as (typeof of)[number])().weightedGrad(weights)),
  }
}

/**
 * Readings of an affine layer whose weight and bias are in different groups: the rule without its bias, and the rows of the
 * bias, of which norm and sum read the same numbers.
 */
export const groupedAffine = <P extends { readonly weight: Tensor; readonly bias?: Tensor }>(
  backend: Backend,
  labels: Tree,
  weightOnly: Pick<Pullback<{ readonly weight: Tensor }>, 'squaredNorm' | 'weightedGrad'>,
  biasRows: () => Tensor,
): GroupedReadings<P> => {
  const label = labels as { readonly weight: Tensor; readonly bias: Tensor }
  const rows = lazy(biasRows)
  return {
    squaredNorms: () =>
      addByGroup(
        new Map([[labelOf(label.weight) as number, weightOnly.squaredNorm()]]),
        new Map([[labelOf(label.bias) as number, backend.rowDots(rows(), rows())]]),
      ),
    weightedGrad: (weights) =>
      ({
        weight: weightOnly.weightedGrad(weightFor(weights, label.weight)).weight,
        bias: backend.weightedRowSum(weightFor(weights, label.bias), rows()),
      }) as unknown as P,
  }
}
