/**
 * Composition: a list of layers is a layer.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import type { Backend } from '../../tensor/backend/backend.js'
import type { Shape } from '../../tensor/shape.js'
import { placeOf, type Tensor } from '../../tensor/tensor.js'
import { hasLeaves, type Tree } from '../../tensor/tree.js'
import { groupedChildren } from '../grouped.js'
import { type AnyLayer, keptOf, type LayerRule, layer, lazy, type Pullback, weightedSumOfRows } from '../layer.js'
import { sumOfNorms } from '../norm-sums.js'
import { allHeld, surplusOf } from '../surplus.js'
import { jointForward, jointPullback } from '../then.js'
import { initAt } from './position.js'

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
  const joint = rules.map((rule, index) => jointForward(rule, rules[index + 1]))
  const through = rules.map((rule, index) => jointPullback(rule, rules[index + 1]))

  const pullback = (backend: Backend, params: P, caches: C, gy: Tensor): Pullback<P> => {
    const [ps, cs] = [params as unknown as readonly Tree[], caches as readonly unknown[]]
    /** Of the input, and of the output of each layer; before an activation that the layer below goes through, what is behind it. */
    const cotangents: readonly (() => Tensor)[] = Array.from({ length: rules.length + 1 }, (_, index) =>
      lazy(() => {
        if (index === rules.length) return gy
        return through[index - 1] === undefined
          ? (pulled[index] as () => Pullback<Tree>)().inputGrad()
          : cotangent(index + 1)
      }),
    )
    const cotangent = (index: number): Tensor => (cotangents[index] as () => Tensor)()
    const pulled: readonly (() => Pullback<Tree>)[] = rules.map((rule, index) =>
      lazy(() => {
        const given = [backend, ps[index] as Tree, cs[index], cotangent(index + 1)] as const
        return through[index]?.(...given, cs[index + 1] as Tensor) ?? rule.pullback(...given)
      }),
    )
    // Only layers with parameters are read, so nothing is computed below the first of them.
    const trained = ps.map(hasLeaves)
    const first = trained.includes(true) ? trained.indexOf(true) : rules.length
    const surplus = lazy(() => surplusOf(backend, [gy, caches]))
    /** Layers that were read, and layers whose input has its cotangent; the layers above `settled` have given up theirs. */
    const [isRead, isThrough] = [new Set<number>(), new Set<number>()]
    let settled = rules.length
    /** Gives up cotangents from the top, as long as their layers were read: what a layer holds may be what it passed on. */
    const settle = (): void => {
      for (let index = settled - 1; isThrough.has(index) && (!trained[index] || isRead.has(index)); index--) {
        const [above, below] = [cotangent(index + 1), cotangent(index)]
        surplus().hold(trained[index] ? (pulled[index]?.().holds?.() ?? [above, below]) : [])
        if (placeOf(above) !== placeOf(below)) surplus().giveUp(above)
        settled = index
      }
    }
    const pass = (index: number): void => {
      cotangent(index)
      isThrough.add(index)
      settle()
    }
    /** From the last layer to the first, so that each finds its cotangent in the cache, and then gives it up. */
    const readEach = <A>(read: (p: Pullback<Tree>, index: number) => A): readonly (A | undefined)[] => {
      const found = new Array<A | undefined>(rules.length).fill(undefined)
      for (let index = rules.length - 1; index >= first; index--) {
        if (trained[index]) found[index] = read((pulled[index] as () => Pullback<Tree>)(), index)
        isRead.add(index)
        if (index > first) pass(index)
        else settle()
      }
      return found
    }
    const readGrads = (read: (p: Pullback<Tree>, index: number) => Tree): P =>
      readEach(read).map((grad, index) => grad ?? (ps[index] as Tree)) as unknown as P
    return {
      inputGrad: lazy(() => {
        for (let index = rules.length - 1; index >= 0; index--) pass(index)
        return cotangent(0)
      }),
      perSampleGrad: lazy(() => readGrads((p) => p.perSampleGrad())),
      squaredNorm: lazy(() =>
        sumOfNorms(
          gy.shape[0] as number,
          readEach((p) => p.squaredNorm()).filter((norm) => norm !== undefined),
        ),
      ),
      weightedGrad: (weight) => {
        const kept: Record<number, Tree> = {}
        const grads = readGrads((p, index) => {
          const own = keptOf(p)
          if (own === undefined) return p.weightedGrad(weight)
          kept[index] = own
          return own
        }) as unknown as readonly Tree[]
        const sums = weightedSumOfRows(backend, weight)(kept)
        return grads.map((grad, index) => sums[index] ?? grad) as unknown as P
      },
      holds: () => allHeld(pulled.filter((_, index) => trained[index])),
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
      const surplus = surplusOf(backend, [x, params])
      const y = rules.reduce((input, rule, index) => {
        // An activation that the layer before went on into: its cache is its output.
        const isDone = caches.length > index
        if (isDone) return input
        const [own, both] = [(params as unknown as readonly Tree[])[index] as Tree, joint[index]]
        const [output, cache] = both === undefined ? rule.forward(backend, own, input) : both(backend, own, input)
        const made = both === undefined ? [cache] : [cache, output]
        caches.push(...made)
        surplus.hold(made)
        if (placeOf(output) !== placeOf(input)) surplus.giveUp(input)
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
