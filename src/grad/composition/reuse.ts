/**
 * One layer with one set of parameters, several times in sequence.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, ShapeEq, shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { type Tree, zipTreesWith } from '../../tensor/tree.js'
import { keepingPullback, type LayerRule, layer, lazy, type Pullback } from '../layer.js'

/**
 * A layer applied `times` times with the same parameters (a weight-tied deep network, an unrolled iteration). The gradient
 * of a parameter is the sum over its uses; norms are those of the sum, with all cross terms.
 *
 *   y = f(θ, f(θ, … x))     g = Σ_j g_j     ‖g‖² = Σ_jl ⟨g_j, g_l⟩
 *
 * Shapes     the layer's output has the shape of its input
 * Cost       norms and weighted sums form the per-sample gradients of the layer, and add those of the uses. (A matrix
 *            in several places is cheaper with `tied`.)
 * Errors     ShapeError where output and input differ in shape
 *
 * @example
 * reuse(3)(linear(4)).init(key(0), [4]).params.weight.shape // => [4, 4]
 */
export const reuse =
  (times: number) =>
  <P extends Tree, C>(rule: LayerRule<P, C>): LayerRule<P, readonly C[]> => {
    const name = `reuse(${times} × ${rule.name})`
    const each = Array.from({ length: times }, (_, use) => use)
    const pulledUses = (
      backend: Backend,
      params: P,
      caches: readonly C[],
      gy: Tensor,
    ): readonly (() => Pullback<P>)[] => {
      const pulled: readonly (() => Pullback<P>)[] = each.map((use) =>
        lazy(() => rule.pullback(backend, params, caches[use] as C, pulled[use + 1]?.().inputGrad() ?? gy)),
      )
      return pulled
    }
    const complete: LayerRule<P, readonly C[]> = layer({
      name,
      init: (key, input: Shape) => {
        const made = rule.init(key, input)
        if (!ShapeEq.equals(made.output, input))
          throw shapeError(`${name}: output and input differ in shape`, made.output, input)
        return made
      },
      forward: (backend, params, x) => {
        const caches: C[] = []
        const y = each.reduce((input) => {
          const [output, cache] = rule.forward(backend, params, input)
          caches.push(cache)
          return output
        }, x)
        return [y, caches]
      },
      backward: (backend, params, caches, gy) => pulledUses(backend, params, caches, gy)[0]?.().inputGrad() ?? gy,
      perSampleGrad: (backend, params, caches, gy) =>
        pulledUses(backend, params, caches, gy)
          .map((pulled) => pulled().perSampleGrad())
          .reduce(zipTreesWith((a, b) => backend.zip('add', a, b))),
      pullback: (backend, params, caches, gy) => keepingPullback(complete, backend, params, caches, gy),
    })
    if (!(Number.isInteger(times) && times >= 1)) throw new RangeError(`reuse: ${times} times; at least 1`)
    return complete
  }
