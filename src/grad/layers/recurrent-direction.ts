/**
 * One direction of one recurrent layer. n sample · t step · i input feature · h hidden feature · k gate feature.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError } from '../../tensor/shape.js'
import { full, scalar, type Tensor, zeros } from '../../tensor/tensor.js'
import { reshape, slice } from '../../tensor/view.js'
import { type LayerRule, layer, lazy, type Pullback } from '../layer.js'
import { addNorms } from '../norm-sums.js'
import { join, packed, packedAs, pick, stacked } from '../pack.js'
import { fanInUniform } from './initialise.js'
import { type LinearParams, linear } from './linear.js'
import type { Cell, Kept, State, StateCotangent } from './recurrent-cell.js'
import { countsOf, featuresOf, withoutMaskCotangent } from './sequence-mask.js'

/** weight_ih [k, i], weight_hh [k, h]; both biases [k], or neither. */
export type DirectionParams = {
  readonly weightInput: Tensor
  readonly weightHidden: Tensor
  readonly biasInput?: Tensor
  readonly biasHidden?: Tensor
}

/**
 * The input, the state's h before each step [n, t, h], and what each step kept, in the order of the positions; which positions
 * count [n, t, 1], where there is a mask.
 */
export interface DirectionCache {
  readonly x: Tensor
  readonly counts?: Tensor
  readonly before: Tensor
  readonly kept: readonly Kept[]
}

/** Cotangents of what the input says and of what the state says: [n, t, k] each, one tensor where they are equal. */
interface GateCotangents {
  readonly input: Tensor
  readonly hidden: Tensor
}

const one = scalar(1)

/** [n, t, f] from one [n, f] for each position; of no positions, nothing. */
const sequenceOf = (backend: Backend, steps: readonly Tensor[], [n, f]: readonly [number, number]): Tensor => {
  const [first, ...rest] = steps
  return first === undefined ? zeros([n, 0, f], backend.dtype) : stacked(backend, [first, ...rest])
}

/** [n, t, f] as [n·t, f]. */
const flat = (backend: Backend, x: Tensor): Tensor => {
  const [n, t, f] = x.shape as readonly [number, number, number]
  return packedAs(backend, [n * t, f], x)
}

/** The state after a step: what it made where the position counts, what was before elsewhere. */
const updated = (backend: Backend, count: Tensor, old: State, made: State): State =>
  made.map((after, index) => {
    const left = backend.zip('mul', backend.zip('sub', one, count), old[index] as Tensor)
    return backend.zip('add', backend.zip('mul', count, after), left)
  }) as unknown as State

/** The cotangent of a state, from that through the step and that of the state after it: (1 − c) of this passes by. */
const leftAlone = (
  backend: Backend,
  count: Tensor,
  through: Tensor | undefined,
  after: Tensor | undefined,
): Tensor | undefined => {
  if (after === undefined) return through
  const by = backend.zip('mul', backend.zip('sub', one, count), after)
  return through === undefined ? by : backend.zip('add', through, by)
}

/**
 * A cell along the positions, forwards or backwards.
 *
 * Where both cotangents are one tensor G (all cells but the GRU), the four parameters are one affine map of the rows
 * [xₜ, hₜ₋₁, 1], with one Gram of G:
 *
 *   ‖g‖² = Σₛₜ (⟨xₛ, xₜ⟩ + ⟨hₛ₋₁, hₜ₋₁⟩ + 2) ⟨Gₛ, Gₜ⟩      (2: the two biases)
 *
 * Where they are two, each is an affine map of its own.
 *
 * With a mask, the state stays as it is at a position that does not count, and the output is 0 there: the gates have no
 * cotangent, so their rows of G are 0.
 *
 * Shapes  x [n, t, i] → y [n, t, h]; `masked`: x [n, t, i + 1]
 * Cost    norms O(n t² (i + h + k)) or O(n t k (i + h)), whichever is less (see `linear`)
 *
 * @internal
 */
export const direction = (
  cell: Cell,
  {
    hidden,
    bias,
    reverse,
    masked,
  }: { readonly hidden: number; readonly bias: boolean; readonly reverse: boolean; readonly masked: boolean },
): LayerRule<DirectionParams, DirectionCache> => {
  const gates = cell.gates * hidden
  const map = linear(gates, { bias })

  /** Positions in the order of the steps. */
  const order = (steps: number): readonly number[] => {
    const positions = Array.from({ length: steps }, (_, t) => t)
    return reverse ? positions.toReversed() : positions
  }

  const gateCotangents = (
    backend: Backend,
    params: DirectionParams,
    { x, kept, counts }: DirectionCache,
    gy: Tensor,
  ): GateCotangents => {
    const [n, t] = x.shape as readonly [number, number, number]
    const input = new Array<Tensor>(t)
    const own = new Array<Tensor>(t)
    let later: StateCotangent = []
    for (const position of order(t).toReversed()) {
      const count = counts === undefined ? undefined : pick(1, position, counts)
      /** What reaches the state that the step made, rather than the one that it left. */
      const made = (cotangent: Tensor | undefined): Tensor | undefined =>
        cotangent === undefined || count === undefined ? cotangent : backend.zip('mul', cotangent, count)
      const [ofState, ...rest] = later
      const here = pick(1, position, gy)
      const gh = made(ofState === undefined ? here : backend.zip('add', here, ofState)) as Tensor
      const back = cell.back(backend, kept[position] as Kept, [gh, ...rest.map(made)])
      const u = back.u ?? back.i
      input[position] = back.i
      own[position] = u
      const [direct, ...others] = back.state
      const throughGates = backend.matmul(u, params.weightHidden)
      const before = [direct === undefined ? throughGates : backend.zip('add', throughGates, direct), ...others]
      later = count === undefined ? before : before.map((own, state) => leftAlone(backend, count, own, later[state]))
    }
    const all = sequenceOf(backend, input, [n, gates])
    const isOne = own.every((u, position) => u === input[position])
    return { input: all, hidden: isOne ? all : sequenceOf(backend, own, [n, gates]) }
  }

  /** The affine maps whose gradients are those of the parameters. */
  const maps = (backend: Backend, params: DirectionParams, { x, before }: DirectionCache, g: GateCotangents) => {
    const [n, t, i] = x.shape as readonly [number, number, number]
    const biased = (b: Tensor | undefined) => (b === undefined ? {} : { bias: b })
    /** `linear` does not read the weight for its gradients. */
    const pulled = (rows: Tensor, gy: Tensor): Pullback<LinearParams> =>
      map.pullback(backend, { weight: params.weightInput, ...biased(params.biasInput) }, rows, gy)
    if (g.input !== g.hidden) {
      const [ofInput, ofHidden] = [pulled(x, g.input), pulled(before, g.hidden)]
      const both = (read: (p: Pullback<LinearParams>) => LinearParams): DirectionParams => {
        const [a, b] = [read(ofInput), read(ofHidden)]
        return {
          weightInput: a.weight,
          weightHidden: b.weight,
          ...(a.bias === undefined ? {} : { biasInput: a.bias }),
          ...(b.bias === undefined ? {} : { biasHidden: b.bias }),
        }
      }
      return {
        perSampleGrad: () => both((p) => p.perSampleGrad()),
        squaredNorm: () => addNorms(ofInput.squaredNorm(), ofHidden.squaredNorm()),
        weightedGrad: (weight: Tensor) => both((p) => p.weightedGrad(weight)),
      }
    }
    const ones = full(1, [n, t, bias ? 1 : 0], backend.dtype)
    const one = pulled(join(backend, 2, bias ? [x, before, ones] : [x, before]), g.input)
    const apart = ({ weight, bias: biasInput }: LinearParams): DirectionParams => {
      const axis = weight.shape.length - 1
      return {
        weightInput: slice({ axis, start: 0, end: i })(weight),
        weightHidden: slice({ axis, start: i, end: i + hidden })(weight),
        ...(biasInput === undefined ? {} : { biasInput, biasHidden: pick(axis, i + hidden, weight) }),
      }
    }
    return {
      perSampleGrad: () => apart(one.perSampleGrad()),
      squaredNorm: one.squaredNorm,
      weightedGrad: (weight: Tensor) => apart(one.weightedGrad(weight)),
    }
  }

  const pullback = (
    backend: Backend,
    params: DirectionParams,
    cache: DirectionCache,
    gy: Tensor,
  ): Pullback<DirectionParams> => {
    const g = lazy(() => gateCotangents(backend, params, cache, gy))
    const read = lazy(() => maps(backend, params, cache, g()))
    return {
      inputGrad: lazy(() => {
        const gx = reshape(cache.x.shape)(backend.matmul(flat(backend, g().input), params.weightInput))
        return masked ? withoutMaskCotangent(backend, gx) : gx
      }),
      perSampleGrad: lazy(() => read().perSampleGrad()),
      squaredNorm: lazy(() => read().squaredNorm()),
      weightedGrad: (weight) => read().weightedGrad(weight),
    }
  }

  return layer<DirectionParams, DirectionCache>({
    name: `${cell.name}(${hidden})`,
    init: (k: Key, input: Shape) => {
      const [t, width] = input
      if (input.length !== 2 || t === undefined || width === undefined || (masked && width === 0))
        throw shapeError(`${cell.name} needs [t, ${masked ? 'i + 1] with a mask' : 'i]'}`, input)
      const i = width - (masked ? 1 : 0)
      const draw = (shape: Shape, index: number) => fanInUniform({ shape, fanIn: hidden })(foldIn(index)(k))
      return {
        params: {
          weightInput: draw([gates, i], 0),
          weightHidden: draw([gates, hidden], 1),
          ...(bias ? { biasInput: draw([gates], 2), biasHidden: draw([gates], 3) } : {}),
        },
        output: [t, hidden],
      }
    },
    forward: (backend, params, input) => {
      const [n, t, width] = input.shape as readonly [number, number, number]
      if (input.shape.length !== 3 || params.weightInput.shape[1] !== width - (masked ? 1 : 0))
        throw shapeError(`${cell.name}: input and weight do not fit`, input.shape, params.weightInput.shape)
      const x = masked ? featuresOf(backend, input) : packed(backend, input)
      const counts = masked ? countsOf(input) : undefined
      const said = reshape([n, t, gates])(backend.affine(flat(backend, x), params.weightInput, params.biasInput))
      const [before, after] = [new Array<Tensor>(t), new Array<Tensor>(t)]
      const kept = new Array<Kept>(t)
      const nothing = zeros([n, hidden], backend.dtype)
      let state: State = [nothing, ...new Array<Tensor>(cell.states - 1).fill(nothing)]
      for (const position of order(t)) {
        const [h] = state
        before[position] = h
        const u = backend.affine(h, params.weightHidden, params.biasHidden)
        const made = cell.step(backend, pick(1, position, said), u, state)
        const count = counts === undefined ? undefined : pick(1, position, counts)
        state = count === undefined ? made.state : updated(backend, count, state, made.state)
        kept[position] = made.kept
        after[position] = count === undefined ? state[0] : backend.zip('mul', state[0], count)
      }
      const sequence = (steps: readonly Tensor[]) => sequenceOf(backend, steps, [n, hidden])
      const cache = { x, before: sequence(before), kept, ...(counts === undefined ? {} : { counts }) }
      return [sequence(after), cache]
    },
    backward: (backend, params, cache, gy) => pullback(backend, params, cache, gy).inputGrad(),
    perSampleGrad: (backend, params, cache, gy) => pullback(backend, params, cache, gy).perSampleGrad(),
    perSampleSquaredNorm: (backend, params, cache, gy) => pullback(backend, params, cache, gy).squaredNorm(),
    weightedGrad: (backend, params, cache, gy, weight) => pullback(backend, params, cache, gy).weightedGrad(weight),
    pullback,
  })
}
