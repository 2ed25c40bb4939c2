/**
 * The layer rule: a differentiable block with parameters, closed under per-sample work.
 *
 * Index law: axis 0 of every activation, cotangent and per-sample gradient is the sample n.
 * A rule is a description; the backend that it is given does the arithmetic.
 */
import type { Key } from '../sampling/key.js'
import type { Backend, LayerWork } from '../tensor/backend/backend.js'
import type { Shape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { type EmptyTree, emptyTree, leaves, mapTree, type Tree, withLeaves } from '../tensor/tree.js'
import type { NormWay } from './cost.js'
import { sumOfNorms } from './norm-sums.js'
import { type GoingOn, goesOn } from './then.js'

/** Fresh parameters, and the shape of one output sample (without n). */
export interface Initialised<P extends Tree> {
  readonly params: P
  readonly output: Shape
}

/**
 * What one backward pass knows, and has not computed yet: the gradient of each sample in the parameters and the input.
 * Each reading is computed when it is asked for, and whatever two readings share is computed once.
 */
export interface Pullback<P extends Tree> {
  /** The way to the norm that the layer chose, where it had a choice (see `normWay`). */
  readonly norm?: NormWay
  /** ∂Σₙ⟨gyₙ, yₙ⟩/∂x, [n, …]. */
  readonly inputGrad: () => Tensor
  /** Every leaf [n, …param]. */
  readonly perSampleGrad: () => P
  /** ‖gₙ‖² over all parameters, [n], float64; rounding makes it no shorter than what `weightedGrad` adds. */
  readonly squaredNorm: () => Tensor
  /** Σₙ wₙ gₙ. */
  readonly weightedGrad: (weight: Tensor) => P
  /** The same by groups of parameters, where the layer knows better than to form its gradients: see `groupedReadings`. */
  readonly grouped?: (labels: Tree) => GroupedReadings<P>
  /**
   * What any further reading stands on, once the cotangent of x was read and one other reading: records and lists of tensors.
   * Without an answer it is everything. A composition gives up the cotangents that nobody stands on.
   */
  readonly holds?: () => readonly unknown[] | undefined
}

/** What one backward pass says of groups of parameters, each of which has a number. */
export interface GroupedReadings<P extends Tree> {
  /** ‖gₙ‖² over the parameters of each group, [n], float64; no shorter than what `weightedGrad` adds. */
  readonly squaredNorms: () => ReadonlyMap<number, Tensor>
  /** Σₙ wₙ gₙ with the weights [n] of its group for each parameter. */
  readonly weightedGrad: (weights: readonly Tensor[]) => P
}

/**
 * A layer, with its gradients in every form that private learning asks for. Write one with `layer`, which derives what
 * you leave out. (Methods rather than properties, so that a rule of any parameters is an `AnyLayer`.)
 */
export interface LayerRule<P extends Tree, C> {
  readonly name: string
  /** `input` is the shape of one sample, without n. Throws a ShapeError when the layer cannot take it. */
  init(key: Key, input: Shape): Initialised<P>
  /** y, and what the backward pass needs of x: what else was made may be given up, and its memory used again. */
  forward(backend: Backend, params: P, x: Tensor): readonly [y: Tensor, cache: C]
  /** The cotangent of x for the cotangent of y. */
  backward(backend: Backend, params: P, cache: C, gy: Tensor): Tensor
  /** The gradient of each sample: every leaf [n, …param]. */
  perSampleGrad(backend: Backend, params: P, cache: C, gy: Tensor): P
  /**
   * ‖gₙ‖², [n], float64, without forming the gradients where that is dearer. Clipping stands on it: where rounding could
   * make it shorter than sample n's share of `weightedGrad`, it is made longer by that much (`noShorterThan`).
   */
  perSampleSquaredNorm(backend: Backend, params: P, cache: C, gy: Tensor): Tensor
  /** Σₙ wₙ gₙ, as one contraction. */
  weightedGrad(backend: Backend, params: P, cache: C, gy: Tensor, weight: Tensor): P
  /** All of the above for one cotangent, sharing the work. */
  pullback(backend: Backend, params: P, cache: C, gy: Tensor): Pullback<P>
}

/** A rule whose parameters and cache are of no interest. */
export type AnyLayer = LayerRule<Tree, unknown>

/** A rule that is put together from others, whatever its parameters. @internal */
export const asLayer = (rule: unknown): AnyLayer => rule as AnyLayer

/** What a layer can leave to `layer`. */
export type Derived = 'perSampleSquaredNorm' | 'weightedGrad' | 'pullback'

/**
 * Computes at most once, on demand.
 *
 * @internal
 */
export const lazy = <A>(compute: () => A): (() => A) => {
  let found: { readonly value: A } | undefined
  return () => {
    found ??= { value: compute() }
    return found.value
  }
}

/** Σ over leaves of the squared norms of their rows: [n], float64. */
export const squaredNormOfRows =
  (backend: Backend, count: number) =>
  (tree: Tree): Tensor => {
    const [first, ...rest] = leaves(tree)
    if (first !== undefined && backend.rowNorms !== undefined) return backend.rowNorms([first, ...rest])
    return sumOfNorms(
      count,
      leaves(tree).map((leaf) => backend.rowDots(leaf, leaf)),
    )
  }

/** Σₙ wₙ · row n of every leaf. */
export const weightedSumOfRows =
  (backend: Backend, weight: Tensor) =>
  <P extends Tree>(tree: P): P => {
    const sums = backend.weightedRowSums?.(weight, leaves(tree))
    return sums === undefined ? mapTree((leaf) => backend.weightedRowSum(weight, leaf))(tree) : withLeaves(sums)(tree)
  }

/** Gradients that are kept, by the function that sums their rows: who has another in its place is asked itself. */
const keptBy = new WeakMap<Pullback<Tree>['weightedGrad'], () => Tree>()

/** The gradients whose rows a pullback sums, where it keeps them: a composition sums those of several layers at once. @internal */
export const keptOf = ({ weightedGrad }: Pullback<Tree>): Tree | undefined => keptBy.get(weightedGrad)?.()

/**
 * Completes a rule. Norms and weighted sums are derived from the per-sample gradients unless the layer knows better, so
 * a new layer works on day one and becomes fast later.
 *
 *   perSampleSquaredNorm = Σ_leaves ‖row n‖²      weightedGrad = Σ_leaves Σₙ wₙ · row n
 *
 * Cost  a clipped sum forms the per-sample gradients twice; with `pullback: (...at) => keepingPullback(rule, ...at)`, where
 *       `rule` holds the backward and perSampleGrad of the layer, once
 *
 * @example
 * const scaled = layer({
 *   name: 'scaled',
 *   init: (_key, input) => ({ params: { scale: full(1, input) }, output: input }),
 *   forward: (backend, { scale }, x) => [backend.zip('mul', x, scale), x],
 *   backward: (backend, { scale }, _x, gy) => backend.zip('mul', gy, scale),
 *   perSampleGrad: (backend, _params, x, gy) => ({ scale: backend.zip('mul', x, gy) }),
 * })
 * sequential(scaled, linear(2)).init(key(0), [3]).output // => [2]
 */
export const layer = <P extends Tree, C>({
  forwardThen,
  pullbackThrough,
  ...rule
}: Omit<LayerRule<P, C>, Derived> & Partial<Pick<LayerRule<P, C>, Derived>> & GoingOn<P, C, Pullback<P>>): LayerRule<
  P,
  C
> => {
  const complete: LayerRule<P, C> = {
    perSampleSquaredNorm: (backend, params, cache, gy) =>
      squaredNormOfRows(backend, gy.shape[0] as number)(rule.perSampleGrad(backend, params, cache, gy)),
    weightedGrad: (backend, params, cache, gy, weight) =>
      weightedSumOfRows(backend, weight)(rule.perSampleGrad(backend, params, cache, gy)),
    pullback: (backend, params, cache, gy) => derivedPullback(complete, backend, params, cache, gy),
    ...rule,
  }
  const whole = told(complete)
  goesOn(whole, {
    ...(forwardThen === undefined
      ? {}
      : {
          forwardThen: (backend, params, x, then) =>
            toldOf(backend, { layer: rule.name, params, reading: 'forward' }, () =>
              forwardThen(backend, params, x, then),
            ),
        }),
    ...(pullbackThrough === undefined
      ? {}
      : {
          pullbackThrough: (backend, params, cache, gy, through) =>
            toldPullback(backend, { layer: rule.name, params }, () =>
              pullbackThrough(backend, params, cache, gy, through),
            ),
        }),
  })
  return whole
}

/** Tells the backend, if it wants to know, who computes. */
const toldOf = <A>(backend: Backend, work: LayerWork, body: () => A): A =>
  backend.within === undefined ? body() : backend.within(work, body)

/** The rule, which tells a backend that wants to know who computes. */
const told = <P extends Tree, C>(rule: LayerRule<P, C>): LayerRule<P, C> => {
  type Reading = LayerWork['reading']
  const within = <A>(backend: Backend, params: P, reading: Reading, body: () => A): A =>
    toldOf(backend, { layer: rule.name, params, reading }, body)
  return {
    ...rule,
    forward: (backend, params, x) => within(backend, params, 'forward', () => rule.forward(backend, params, x)),
    backward: (backend, params, cache, gy) =>
      within(backend, params, 'backward', () => rule.backward(backend, params, cache, gy)),
    perSampleGrad: (backend, params, cache, gy) =>
      within(backend, params, 'gradients', () => rule.perSampleGrad(backend, params, cache, gy)),
    perSampleSquaredNorm: (backend, params, cache, gy) =>
      within(backend, params, 'norm', () => rule.perSampleSquaredNorm(backend, params, cache, gy)),
    weightedGrad: (backend, params, cache, gy, weight) =>
      within(backend, params, 'sum', () => rule.weightedGrad(backend, params, cache, gy, weight)),
    pullback: (backend, params, cache, gy) =>
      toldPullback(backend, { layer: rule.name, params }, () => rule.pullback(backend, params, cache, gy)),
  }
}

/** A pullback that tells who computes, as it is made and as it is read. */
const toldPullback = <P extends Tree>(
  backend: Backend,
  who: Pick<LayerWork, 'layer' | 'params'>,
  make: () => Pullback<P>,
): Pullback<P> => {
  const { within } = backend
  if (within === undefined) return make()
  const pulled = within({ ...who, reading: 'backward' }, make)
  const { norm, grouped, holds } = pulled
  const read = <A>(reading: LayerWork['reading'], body: () => A): A =>
    within({ ...who, reading, ...(norm === undefined ? {} : { norm }) }, body)
  return {
    ...(norm === undefined ? {} : { norm }),
    inputGrad: () => read('backward', pulled.inputGrad),
    perSampleGrad: () => read('gradients', pulled.perSampleGrad),
    squaredNorm: () => read('norm', pulled.squaredNorm),
    weightedGrad: (weight) => read('sum', () => pulled.weightedGrad(weight)),
    ...(grouped === undefined ? {} : { grouped }),
    ...(holds === undefined ? {} : { holds }),
  }
}

/** The pullback that asks the rule for each reading. */
export const derivedPullback = <P extends Tree, C>(
  rule: Omit<LayerRule<P, C>, 'pullback'>,
  backend: Backend,
  params: P,
  cache: C,
  gy: Tensor,
): Pullback<P> => ({
  inputGrad: lazy(() => rule.backward(backend, params, cache, gy)),
  perSampleGrad: lazy(() => rule.perSampleGrad(backend, params, cache, gy)),
  squaredNorm: lazy(() => rule.perSampleSquaredNorm(backend, params, cache, gy)),
  weightedGrad: (weight) => rule.weightedGrad(backend, params, cache, gy, weight),
})

/**
 * The same of a rule whose readings are contractions of its cache with the cotangent: they stand on the cotangent, and what is passed
 * on is not theirs.
 *
 * @internal
 */
export const contractingPullback = <P extends Tree, C>(
  rule: Omit<LayerRule<P, C>, 'pullback'>,
  backend: Backend,
  params: P,
  cache: C,
  gy: Tensor,
): Pullback<P> => ({ ...derivedPullback(rule, backend, params, cache, gy), holds: () => [gy] })

/**
 * A pullback that forms the per-sample gradients once and reads norms and weighted sums off them. The right choice
 * where the gradients are small, or dearer to contract twice than to keep.
 */
export const keepingPullback = <P extends Tree, C>(
  rule: Pick<LayerRule<P, C>, 'backward' | 'perSampleGrad'>,
  backend: Backend,
  params: P,
  cache: C,
  gy: Tensor,
): Pullback<P> => {
  const kept = lazy(() => rule.perSampleGrad(backend, params, cache, gy))
  const weightedGrad = (weight: Tensor): P => weightedSumOfRows(backend, weight)(kept())
  keptBy.set(weightedGrad, kept)
  return {
    norm: 'keep',
    inputGrad: lazy(() => rule.backward(backend, params, cache, gy)),
    perSampleGrad: kept,
    squaredNorm: lazy(() => squaredNormOfRows(backend, gy.shape[0] as number)(kept())),
    weightedGrad,
    holds: () => [kept()],
  }
}

/**
 * A layer without parameters, from its shape function, its forward pass and the pullback of its input.
 */
export const withoutParams = <C>(rule: {
  readonly name: string
  /** The shape of one output sample. */
  readonly output: (input: Shape) => Shape
  readonly forward: (backend: Backend, x: Tensor) => readonly [y: Tensor, cache: C]
  readonly backward: (backend: Backend, cache: C, gy: Tensor) => Tensor
}): LayerRule<EmptyTree, C> =>
  layer({
    name: rule.name,
    init: (_key: Key, input: Shape) => ({ params: emptyTree, output: rule.output(input) }),
    forward: (backend, _params, x) => rule.forward(backend, x),
    backward: (backend, _params, cache, gy) => rule.backward(backend, cache, gy),
    perSampleGrad: () => emptyTree,
  })
