/**
 * What composition must do, on the reference backend: the laws of lenses, and one backward pass.
 */
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AnyLayer,
  conv1d,
  conv2d,
  crossEntropy,
  explain,
  flatten,
  groupNorm,
  instanceNorm,
  layer,
  linear,
  type Pullback,
  parallel,
  relu,
  residual,
  sequential,
  sigmoid,
  tanh,
} from '../../src/grad/index.js'
import { key } from '../../src/sampling/index.js'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { wasm } from '../../src/tensor/backend/wasm/index.js'
import type { Shape } from '../../src/tensor/shape.js'
import { type Tensor, tensor, toArray, zeros } from '../../src/tensor/tensor.js'
import { leaves, type Tree } from '../../src/tensor/tree.js'
import { unitTensors } from '../arbitraries/batch.js'
import { counts, type ModelCase, models, paramsOf } from '../arbitraries/layer.js'
import { expectEqual, expectNear } from './closeness.js'
import { expectSameBits } from './purity.js'

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

/** Layers that an activation may follow, with an input. */
const followed: readonly (readonly [layer: AnyLayer, input: Shape])[] = [
  [linear(5), [3]],
  [linear(5, { bias: false }), [2, 3]],
  [conv1d(3, { kernel: 2 }), [2, 5]],
  [conv2d(3, { kernel: 3, padding: 1 }), [2, 4, 5]],
  [conv2d(3, { kernel: 3, padding: 1, paddingMode: 'reflect' }), [2, 4, 5]],
  [conv2d(8, { kernel: 3, padding: 1 }), [8, 9, 8]],
  [groupNorm({ groups: 2 }), [4, 3]],
  [instanceNorm(), [2, 3, 4]],
  [residual(linear(3)), [3]],
  [parallel()(linear(3), linear(3), linear(3)), [2]],
] as readonly (readonly [unknown, Shape])[] as readonly (readonly [AnyLayer, Shape])[]

const activations = [relu, tanh, sigmoid] as readonly unknown[] as readonly AnyLayer[]

/** A backend that says which of its operations ran. */
const watched = (backend: Backend, ran: string[]): Backend =>
  Object.fromEntries(
    Object.entries(backend).map(([name, member]) => [
      name,
      typeof member !== 'function' || name === 'scope'
        ? member
        : (...args: readonly unknown[]) => {
            ran.push(name)
            return (member as (...args: readonly unknown[]) => unknown)(...args)
          },
    ]),
  ) as unknown as Backend

const goingOnLaws = (): void => {
  describe('a layer goes on into the activation behind it', () => {
    const backends = [reference, wasm({ threads: 1 })]
    const cases = fc.constantFrom(...followed).chain(([rule, input]) =>
      counts.chain((count) =>
        fc.record({
          rule: fc.constant(rule),
          act: fc.constantFrom(...activations),
          params: paramsOf(rule, input),
          x: unitTensors([count, ...input]),
          gy: unitTensors([count, ...rule.init(key(0), input).output]),
          weight: unitTensors([count]),
        }),
      ),
    )
    it('with the output and the caches of one after the other, and no pass of its own', () => {
      fc.assert(
        fc.property(cases, fc.constantFrom(...backends), ({ rule, act, params, x }, backend) => {
          const ran: string[] = []
          const found = sequential(rule, act).forward(watched(backend, ran), [params, {}], x)
          expect(ran).not.toContain('map')
          const [inner, cache] = rule.forward(backend, params, x)
          const [y, ofAct] = act.forward(backend, {}, inner)
          expectSameBits(found, [y, [cache, ofAct]])
        }),
      )
    })
    it('and back through it with the readings of one after the other', () => {
      fc.assert(
        fc.property(cases, fc.constantFrom(...backends), ({ rule, act, params, x, gy, weight }, backend) => {
          const readings = (p: Pullback<Tree>) => [
            p.inputGrad(),
            leaves(p.perSampleGrad()),
            p.squaredNorm(),
            leaves(p.weightedGrad(weight)),
          ]
          const both = sequential(rule, act)
          const [, caches] = both.forward(backend, [params, {}], x)
          const found = readings(both.pullback(backend, [params, {}], caches, gy))
          const [cache, ofAct] = caches as readonly [unknown, unknown]
          const cotangent = act.backward(backend, {}, ofAct, gy)
          expectSameBits(found, readings(rule.pullback(backend, params, cache, cotangent)))
        }),
      )
      const [norm, ran]: [AnyLayer, string[]] = [groupNorm({ groups: 2 }) as unknown as AnyLayer, []]
      const both = sequential(norm, relu)
      const { params } = both.init(key(0), [4, 3])
      const x = zeros([2, 4, 3])
      const [y, caches] = both.forward(reference, params, x)
      both.pullback(watched(reference, ran), params, caches, y).inputGrad()
      expect(ran).toEqual(['groupNormGrad'])
    })
    it('unless one of the two has a forward pass of its own', () => {
      const x = tensor([-1, 2], [2, 1])
      const affine = linear(1) as unknown as AnyLayer
      const params = { weight: tensor([1], [1, 1]), bias: tensor([1], [1]) }
      const negated: AnyLayer = { ...affine, forward: (b, _params, x) => [b.map('neg', x), x] }
      const doubled = { ...relu, forward: (b: Backend, _none: Tree, x: Tensor) => [b.zip('add', x, x), x] }
      const run = (...layers: readonly AnyLayer[]) =>
        toArray(sequential(...layers).forward(reference, [params, {}], x)[0])
      expect(run(affine, relu as unknown as AnyLayer)).toEqual([0, 3])
      expect(run(negated, relu as unknown as AnyLayer)).toEqual([1, 0])
      expect(run(affine, doubled as unknown as AnyLayer)).toEqual([0, 6])
      const alone = sequential(parallel()(affine), relu).forward(reference, [[params], {}], x)
      expect(toArray(alone[0])).toEqual([0, 3])
      const renamed = { ...affine, name: 'renamed' }
      expect(run(renamed, relu as unknown as AnyLayer)).toEqual([0, 3])
    })
    it('and keeps its place among the layers that are explained', () => {
      const model = sequential(conv2d(2, { kernel: 3 }), relu, flatten, linear(4), tanh, linear(3))
      const { params } = model.init(key(0), [1, 5, 5])
      const batch = { input: tensor(new Float32Array(50), [2, 1, 5, 5]), target: tensor([0, 1], [2], 'int32') }
      const { layers, total } = explain(crossEntropy, model)(params, batch)
      expect(layers.map(({ layer: name }) => name.replace(/\(.*/, ''))).toEqual(
        expect.arrayContaining(['conv2d', 'relu', 'linear', 'tanh', 'linear']),
      )
      const order = layers.map(({ layer: name }) => name.replace(/\(.*/, ''))
      expect(order.indexOf('relu')).toBeLessThan(order.indexOf('linear'))
      // 2·9 products and a sum, with the bias and relu, for 2·2·9 pixels; 18, 4 and 4, 3 for the affine layers.
      expect(total.forward.flops).toBe(36 * (18 + 2) + 8 * (36 + 2) + 6 * (8 + 1))
    })
  })
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
  goingOnLaws()
}
