/**
 * Composition: a list of layers is a layer.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { zipTensorsWith } from '../../tensor/elementwise.js'
import type { Shape } from '../../tensor/shape.js'
import { type Tensor, zeros } from '../../tensor/tensor.js'
import { leaves, type Tree } from '../../tensor/tree.js'
import { groupedChildren } from '../grouped.js'
import { type AnyLayer, type LayerRule, layer, lazy, type Pullback } from '../layer.js'
import { initAt } from './position.js'

const addNorms = zipTensorsWith((a, b) => a + b)

/** The parameters of each layer, in order. */
export type ParamsOf<Ls extends readonly AnyLayer[]> = {
  readonly [K in keyof Ls]: Ls[K] extends LayerRule<infer P, infer _> ? P : never
}

/** The caches of each layer, in order. */
export type CachesOf<Ls extends readonly AnyLayer[]> = {
  readonly [K in keyof Ls]: Ls[K] extends LayerRule<infer _, infer C> ? C : never
}

/**
 * The layers one after the other. Parameters are the list of theirs, so `params[0].weight` is typed, and the path of a
 * leaf is the one that PyTorch gives it (`0.weight`).
 *
 *   forward(f ∘ g) = forward f ∘ forward g      pullback(f ∘ g) = pullback g ∘ pullback f      ‖g‖² = Σ_layers ‖g_layer‖²
 *
 * Cost       one backward pass, whatever is read of it; no cotangent is formed below the first layer with parameters
 * Errors     ShapeError where a layer cannot take what the one before it gives, with its place, both shapes, and the model's input
 * Laws       associative up to the grouping of the parameters; `sequential()` is the identity
 * Reference  Fong, Spivak, Tuyéras 2019, arXiv:1711.10455 (learners compose as lenses)
 *
 * @example
 * sequential(linear(4), relu, linear(2)).init(key(0), [3]).output // => [2]
 */
export const sequential = <const Ls extends readonly AnyLayer[]>(
  ...layers: Ls
): LayerRule<ParamsOf<Ls> & Tree, CachesOf<Ls>> => {
  type P = ParamsOf<Ls> & Tree
  type C = CachesOf<Ls>
  const rules: readonly AnyLayer[] = layers

  const pullback = (backend: Backend, params: P, caches: C, gy: Tensor): Pullback<P> => {
    const [ps, cs] = [params as unknown as readonly Tree[], caches as readonly unknown[]]
    const pulled: readonly (() => Pullback<Tree>)[] = rules.map((rule, index) =>
      lazy(() => rule.pullback(backend, ps[index] as Tree, cs[index], pulled[index + 1]?.().inputGrad() ?? gy)),
    )
    // Only layers with parameters are read, so nothing is computed below the first of them.
    const trained = ps.map((p) => leaves(p).length > 0)
    const readEach = (read: (p: Pullback<Tree>) => Tree): P =>
      pulled.map((p, index) => (trained[index] ? read(p()) : (ps[index] as Tree))) as unknown as P
    return {
      inputGrad: () => pulled[0]?.().inputGrad() ?? gy,
      perSampleGrad: lazy(() => readEach((p) => p.perSampleGrad())),
      squaredNorm: lazy(() =>
        pulled
          .filter((_, index) => trained[index])
          .map((p) => p().squaredNorm())
          .reduce(addNorms, zeros([gy.shape[0] as number], 'float64')),
      ),
      weightedGrad: (weight) => readEach((p) => p.weightedGrad(weight)),
      grouped: (labels) =>
        groupedChildren(
          backend,
          pulled.map((p, index) => ({
            pulled: p,
            labels: (labels as readonly Tree[])[index] as Tree,
            trained: trained[index] as boolean,
          })),
          (read) => ps.map((p, index) => (trained[index] ? read(index) : p)) as unknown as P,
        ),
    }
  }

  return layer<P, C>({
    name: `sequential(${rules.map(({ name }) => name).join(', ')})`,
    init: (k: Key, input: Shape) => {
      const params: Tree[] = []
      const output = rules.reduce((shape, rule, index) => {
        const next = initAt(`${index}`, rule, foldIn(index)(k), { given: shape, model: input })
        params.push(next.params)
        return next.output
      }, input)
      return { params: params as unknown as P, output }
    },
    forward: (backend, params, x) => {
      const caches: unknown[] = []
      const y = rules.reduce((input, rule, index) => {
        const [output, cache] = rule.forward(backend, (params as unknown as readonly Tree[])[index] as Tree, input)
        caches.push(cache)
        return output
      }, x)
      return [y, caches as unknown as C]
    },
    backward: (backend, params, caches, gy) => pullback(backend, params, caches, gy).inputGrad(),
    perSampleGrad: (backend, params, caches, gy) => pullback(backend, params, caches, gy).perSampleGrad(),
    perSampleSquaredNorm: (backend, params, caches, gy) => pullback(backend, params, caches, gy).squaredNorm(),
    weightedGrad: (backend, params, caches, gy, weight) => pullback(backend, params, caches, gy).weightedGrad(weight),
    pullback,
  })
}
