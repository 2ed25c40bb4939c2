/**
 * What composition must do, on the reference backend: the laws of lenses, and one backward pass.
 */
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnyLayer, layer, sequential } from '../../src/grad/index.js'
import { key } from '../../src/sampling/index.js'
import { reference } from '../../src/tensor/backend/reference.js'
import type { Shape } from '../../src/tensor/shape.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { leaves, type Tree } from '../../src/tensor/tree.js'
import { unitTensors } from '../arbitraries/batch.js'
import { counts, type ModelCase, models, paramsOf } from '../arbitraries/layer.js'
import { expectEqual, expectNear } from './closeness.js'

interface Work {
  readonly layers: readonly AnyLayer[]
  readonly params: readonly Tree[]
  readonly x: Tensor
  readonly gy: Tensor
  readonly weight: Tensor
}

const work = ({ layers, input, outputs }: ModelCase): Arbitrary<Work> =>
  counts.chain((count) =>
    fc.record({
      layers: fc.constant(layers),
      params: paramsOf(sequential(...layers), input) as Arbitrary<readonly Tree[]>,
      x: unitTensors([count, ...input]),
      gy: unitTensors([count, outputs]),
      weight: unitTensors([count]),
    }),
  )

/** All that a rule computes, with the gradients as a list of leaves: how parameters are grouped is left out. */
const readings = (rule: AnyLayer, params: Tree, { x, gy, weight }: Work) => {
  const [y, cache] = rule.forward(reference, params, x)
  const p = rule.pullback(reference, params, cache, gy)
  const exact = [y, p.inputGrad(), leaves(p.perSampleGrad()), leaves(p.weightedGrad(weight))]
  return { exact, squaredNorm: p.squaredNorm() }
}

const expectSameRule = (w: Work, [left, leftParams]: readonly [AnyLayer, Tree], right: readonly [AnyLayer, Tree]) => {
  const [a, b] = [readings(left, leftParams, w), readings(right[0], right[1], w)]
  expectEqual(a.exact, b.exact)
  // norms are added up layer by layer, so their grouping rounds
  expectNear(1e-12)(a.squaredNorm, b.squaredNorm)
}

/** A layer that reports each of its backward passes, and derives everything else. */
const probe = ({ name, init, forward, backward, perSampleGrad }: AnyLayer, seen: () => void): AnyLayer =>
  layer({
    name,
    init,
    forward,
    perSampleGrad,
    backward: (...args) => {
      seen()
      return backward(...args)
    },
  })

/** For each layer, how often its cotangent is passed on when training reads a model: only above the first parameters. */
const passesNeeded = (layers: readonly AnyLayer[], input: Shape): readonly number[] => {
  const params = sequential(...layers).init(key(0), input).params as unknown as readonly Tree[]
  const first = params.findIndex((p) => leaves(p).length > 0)
  return layers.map((_, index) => (index > first ? 1 : 0))
}

export const sequentialLaws = (): void => {
  describe('sequential', () => {
    it('is associative, up to the grouping of parameters', () => {
      const split = models.chain((model) =>
        fc.record({ w: work(model), cuts: fc.tuple(fc.nat(model.layers.length), fc.nat(model.layers.length)) }),
      )
      fc.assert(
        fc.property(split, ({ w, cuts }) => {
          const [from, to] = [Math.min(...cuts), Math.max(...cuts)]
          const parts = <A>(list: readonly A[]) => [list.slice(0, from), list.slice(from, to), list.slice(to)] as const
          const [a, b, c] = parts(w.layers)
          const [p, q, r] = parts(w.params)
          const flat = [sequential(...w.layers), w.params] as const
          expectSameRule(w, [sequential(...a, sequential(...b), ...c), [...p, q, ...r]], flat)
          expectSameRule(w, [sequential(sequential(...a, ...b), sequential(...c)), [[...p, ...q], r]], flat)
          expectSameRule(w, [sequential(sequential(...a), sequential(...b, ...c)), [p, [...q, ...r]]], flat)
        }),
      )
    })
    it('of nothing is the unit', () => {
      fc.assert(
        fc.property(models.chain(work), (w) => {
          const flat = [sequential(...w.layers), w.params] as const
          expectSameRule(w, [sequential(sequential(), ...w.layers), [[], ...w.params]], flat)
          expectSameRule(w, [sequential(...w.layers, sequential()), [...w.params, []]], flat)
          expect(readings(sequential(), [], { ...w, gy: w.x }).exact).toEqual([w.x, w.x, [], []])
        }),
      )
    })
    it('reads everything off one backward pass, which stops at the first parameters unless the input is asked for', () => {
      const orders = fc.array(fc.constantFrom('norms', 'sum', 'input'), { minLength: 2, maxLength: 6 })
      const probed = models.chain((model) => work(model).map((w) => ({ ...w, model })))
      fc.assert(
        fc.property(probed, orders, ({ model: { layers, nest, input }, x, gy, weight }, order) => {
          const passes = layers.map(() => 0)
          const model = nest(
            layers.map((rule, index) =>
              probe(rule, () => {
                passes[index] = (passes[index] as number) + 1
              }),
            ),
          )
          const { params } = model.init(key(0), input)
          const [, cache] = model.forward(reference, params, x)
          const pulled = model.pullback(reference, params, cache, gy)
          for (const reading of order) {
            if (reading === 'norms') pulled.squaredNorm()
            else if (reading === 'sum') pulled.weightedGrad(weight)
            else pulled.inputGrad()
          }
          expect(passes).toEqual(order.includes('input') ? layers.map(() => 1) : passesNeeded(layers, input))
        }),
      )
    })
  })
}
