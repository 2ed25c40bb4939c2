/**
 * Composition side by side: branches that see the same input, and whose outputs are added or put next to each other.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import type { Backend, UnaryOp } from '../../tensor/backend/backend.js'
import { type Shape, ShapeEq, shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { hasLeaves, type Tree } from '../../tensor/tree.js'
import { groupedChildren } from '../grouped.js'
import { type AnyLayer, type LayerRule, layer, lazy, type Pullback } from '../layer.js'
import { sumOfNorms } from '../norm-sums.js'
import { join, parted } from '../pack.js'
import { allHeld, surplusOf } from '../surplus.js'
import { initAt } from './position.js'
import type { CachesOf, ParamsOf } from './sequential.js'

/** The sum, and what comes after it. */
const added = (backend: Backend, [first, ...rest]: readonly [Tensor, ...Tensor[]], then?: UnaryOp): Tensor => {
  if (rest.length === 0) return then === undefined ? first : backend.map(then, first)
  return rest.reduce((sum, part, b) => backend.zip('add', sum, part, b === rest.length - 1 ? then : undefined), first)
}

/** How the outputs of the branches become one. */
export interface ParallelOptions {
  /** `add` (the default): one shape for all. `concatenate`: along an axis of the sample. */
  readonly combine?: 'add' | 'concatenate'
  /** The axis of one sample along which outputs are concatenated; default 0, the channels or features. */
  readonly axis?: number
}

/** The caches of the branches, and the extent of each output along the axis of concatenation. */
export interface ParallelCache<Cs> {
  readonly caches: Cs
  readonly extents: readonly number[]
}

/**
 * The branches side by side. Parameters are the list of theirs.
 *
 *   y = Σ_b f_b(x)   or   [f₀(x), f₁(x), …]      gx = Σ_b pullback f_b      ‖g‖² = Σ_b ‖g_b‖²
 *
 * Shapes  x [n, …] → y [n, …], of the branches' one shape, or joined along `axis`
 * Cost    that of the branches
 * Errors  ShapeError where the outputs do not fit together
 *
 * @example
 * parallel({ combine: 'concatenate' })(linear(2), linear(3)).init(key(0), [4]).output // => [5]
 */
export const parallel =
  ({ combine = 'add', axis = 0 }: ParallelOptions = {}) =>
  <const Ls extends readonly [AnyLayer, ...AnyLayer[]]>(
    ...branches: Ls
  ): LayerRule<ParamsOf<Ls> & Tree, ParallelCache<CachesOf<Ls>>> => {
    type P = ParamsOf<Ls> & Tree
    type C = ParallelCache<CachesOf<Ls>>
    const rules: readonly AnyLayer[] = branches
    const adds = combine === 'add'
    const name = `parallel(${rules.map((rule) => rule.name).join(adds ? ' + ' : ', ')})`

    const outputOf = (outputs: readonly [Shape, ...Shape[]]): Shape => {
      const [first] = outputs
      const rest = (shape: Shape): Shape => (adds ? shape : shape.with(axis, 0))
      const fits = adds || (Number.isInteger(axis) && outputs.every((shape) => axis >= 0 && axis < shape.length))
      if (!fits || !outputs.every((shape) => ShapeEq.equals(rest(shape), rest(first))))
        throw shapeError(`${name}: the outputs of the branches do not fit together`, ...outputs)
      return adds
        ? first
        : first.with(
            axis,
            outputs.reduce((sum, shape) => sum + (shape[axis] as number), 0),
          )
    }

    const pullback = (backend: Backend, params: P, { caches, extents }: C, gy: Tensor): Pullback<P> => {
      const ps = params as unknown as readonly Tree[]
      const cotangents = adds ? rules.map(() => gy) : parted(axis + 1, extents, gy)
      const pulled = rules.map((rule, b) =>
        lazy(() => rule.pullback(backend, ps[b] as Tree, (caches as readonly unknown[])[b], cotangents[b] as Tensor)),
      )
      const trained = ps.map(hasLeaves)
      const readEach = (read: (p: Pullback<Tree>) => Tree): P =>
        pulled.map((p, b) => (trained[b] ? read(p()) : (ps[b] as Tree))) as unknown as P
      const holds = () => allHeld(pulled.filter((_, b) => trained[b]))
      let isRead = false
      const reading = <A>(found: A): A => {
        isRead = true
        return found
      }
      return {
        inputGrad: lazy(() => {
          const gxs = pulled.map((p) => p().inputGrad())
          const sum = gxs.reduce((sum, gx) => backend.zip('add', sum, gx))
          const held = isRead || !trained.includes(true) ? holds() : undefined
          if (held !== undefined) surplusOf(backend, [gy, caches, held, sum]).giveUp(...gxs)
          return sum
        }),
        perSampleGrad: lazy(() => reading(readEach((p) => p.perSampleGrad()))),
        squaredNorm: lazy(() =>
          reading(
            sumOfNorms(
              gy.shape[0] as number,
              pulled.filter((_, b) => trained[b]).map((p) => p().squaredNorm()),
            ),
          ),
        ),
        weightedGrad: (weight) => reading(readEach((p) => p.weightedGrad(weight))),
        holds,
        grouped: (labels) =>
          groupedChildren(
            backend,
            pulled.map((p, b) => ({
              pulled: p,
              labels: (labels as readonly Tree[])[b] as Tree,
              trained: trained[b] as boolean,
            })),
            (read) => ps.map((p, b) => (trained[b] ? read(b) : p)) as unknown as P,
          ),
      }
    }

    const forward = (backend: Backend, params: P, x: Tensor, then?: UnaryOp): readonly [y: Tensor, cache: C] => {
      const made = rules.map((rule, b) => rule.forward(backend, (params as unknown as readonly Tree[])[b] as Tree, x))
      const outputs = made.map(([y]) => y) as [Tensor, ...Tensor[]]
      outputOf(outputs.map((y) => y.shape.slice(1)) as readonly Shape[] as readonly [Shape, ...Shape[]])
      const y = adds ? added(backend, outputs, then) : join(backend, axis + 1, outputs)
      const extents = adds ? [] : outputs.map(({ shape }) => shape[axis + 1] as number)
      surplusOf(backend, [x, params, made.map(([, cache]) => cache), y]).giveUp(...outputs)
      return [y, { caches: made.map(([, cache]) => cache) as unknown as CachesOf<Ls>, extents }]
    }

    return layer<P, C>({
      name,
      init: (k: Key, input: Shape) => {
        const made = rules.map((rule, b) => initAt(`${b}`, rule, foldIn(b)(k), { given: input, model: input }))
        return {
          params: made.map(({ params }) => params) as unknown as P,
          output: outputOf(made.map(({ output }) => output) as readonly Shape[] as readonly [Shape, ...Shape[]]),
        }
      },
      forward: (backend, params, x) => forward(backend, params, x),
      ...(adds ? { forwardThen: forward } : {}),
      backward: (backend, params, cache, gy) => pullback(backend, params, cache, gy).inputGrad(),
      perSampleGrad: (backend, params, cache, gy) => pullback(backend, params, cache, gy).perSampleGrad(),
      perSampleSquaredNorm: (backend, params, cache, gy) => pullback(backend, params, cache, gy).squaredNorm(),
      weightedGrad: (backend, params, cache, gy, weight) => pullback(backend, params, cache, gy).weightedGrad(weight),
      pullback,
    })
  }
