/**
 * Compositions: the laws, and what is particular to them and to attention.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  conv2d,
  frozen,
  linear,
  meanSquaredError,
  named,
  parallel,
  parameterRows,
  parameterTable,
  perSampleGrad,
  perSampleSquaredNorm,
  relu,
  repeat,
  residual,
  reuse,
  selfAttention,
  sequential,
  tanh,
  tied,
  weightStandardised,
} from '../src/grad/index.js'
import { key } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { type Tensor, tensor, toArray, zeros } from '../src/tensor/tensor.js'
import { namedLeaves, treeSize } from '../src/tensor/tree.js'
import { slice, transpose } from '../src/tensor/view.js'
import { genericTensors } from './arbitraries/batch.js'
import { paramsOf } from './arbitraries/layer.js'
import { composedFamilies } from './arbitraries/layer-composed.js'
import { noise } from './arbitraries/tensor.js'
import { expectNear } from './laws/closeness.js'
import { expectShapeError, layerLaws } from './laws/layer.js'
import { normLaw } from './laws/norm.js'

describe('layers', () => {
  for (const [name, cases] of composedFamilies) layerLaws(name, cases)
})

describe('norms that clipping stands on', () => {
  for (const [name, cases] of composedFamilies) normLaw(name, cases, defaultBackend())
})

const near = expectNear(1e-9)
const paths = (rule: Parameters<typeof paramsOf>[0], input: readonly number[]) =>
  namedLeaves(rule.init(key(0), input).params).map(({ path }) => path)

describe('attention', () => {
  const model = (causal: boolean) => selfAttention({ features: 4, heads: 2, causal })
  it('causal: a position does not depend on later ones; else it does', () => {
    fc.assert(
      fc.property(
        genericTensors([1, 4, 4]),
        fc.integer({ min: 1, max: 3 }),
        paramsOf(model(true), [4, 4]),
        (x, from, params) => {
          const before = slice({ axis: 1, start: 0, end: from })
          const signs = tensor(
            [0, 1, 2, 3].map((t) => (t < from ? 1 : -1)),
            [4, 1],
            'float64',
          )
          const changed = reference.zip('mul', x, signs)
          const run = (causal: boolean, input: Tensor) =>
            before(model(causal).forward(reference, params as never, input)[0])
          near(run(true, changed), run(true, x))
          const difference = reference.zip('sub', run(false, changed), run(false, x))
          expect(toArray(reference.rowDots(difference, difference))[0]).toBeGreaterThan(0)
        },
      ),
      { numRuns: 30 },
    )
  })
  it('without a mask, positions in another order give outputs in that order', () => {
    fc.assert(
      fc.property(genericTensors([2, 4, 4]), paramsOf(model(false), [4, 4]), (x, params) => {
        const backwards = slice({ axis: 1, step: -1 })
        const run = (input: Tensor) => model(false).forward(reference, params as never, input)[0]
        near(run(backwards(x)), backwards(run(x)))
      }),
      { numRuns: 30 },
    )
  })
  it('has the names that PyTorch gives its parameters', () => {
    expect(paths(model(false) as never, [5, 4])).toEqual([
      'in_proj_weight',
      'in_proj_bias',
      'out_proj.weight',
      'out_proj.bias',
    ])
  })
})

describe('compositions', () => {
  it('a residual of a linear map is x + W x + b', () => {
    const rule = residual(linear(3))
    const { params } = rule.init(key(0), [3])
    const x = noise([2, 3], { dtype: 'float64' })
    const [wx] = linear(3).forward(reference, params.body, x)
    near(rule.forward(reference, params, x)[0], reference.zip('add', wx, x))
    expect(paths(rule as never, [3])).toEqual(['body.weight', 'body.bias'])
  })
  it('branches that do not fit together are a ShapeError', () => {
    expectShapeError(() => residual(linear(2)).init(key(0), [3]))
    expectShapeError(() => parallel()(linear(2), linear(3)).init(key(0), [3]))
    expectShapeError(() => parallel({ combine: 'concatenate', axis: 1 })(linear(2)).init(key(0), [3]))
    expectShapeError(() => reuse(2)(linear(2)).init(key(0), [3]))
    expect(() => reuse(0)(linear(2))).toThrow(/0 times/)
  })
  it('named layers are the sequence of them, under names', () => {
    const rule = named({ first: linear(4), act: tanh, last: linear(2, { bias: false }) })
    expect(paths(rule as never, [3])).toEqual(['first.weight', 'first.bias', 'last.weight'])
    const { params, output } = rule.init(key(3), [3])
    expect(output).toEqual([2])
    const x = noise([2, 3], { dtype: 'float64' })
    const list = sequential(linear(4), tanh, linear(2, { bias: false }))
    near(rule.forward(reference, params, x)[0], list.forward(reference, [params.first, {}, params.last] as never, x)[0])
  })
  it('reuse has one set of parameters, repeat one for each time', () => {
    expect(treeSize(reuse(3)(linear(2)).init(key(0), [2]).params)).toBe(6)
    expect(treeSize(repeat(3)(linear(2)).init(key(0), [2]).params)).toBe(18)
  })
  it('the gradient of what is reused is the sum over copies with the same parameters', () => {
    const one = sequential(linear(2), tanh)
    const { params } = one.init(key(0), [2])
    const batch = { input: noise([3, 2], { dtype: 'float64' }), target: zeros([3, 2]) }
    const shared = perSampleGrad(meanSquaredError, reuse(3)(one), { backend: reference })(params, batch)
    const copies = perSampleGrad(meanSquaredError, repeat(3)(one), { backend: reference })(
      [params, params, params],
      batch,
    )
    const sum = copies.grad.map(([{ weight }]) => weight).reduce((a, b) => reference.zip('add', a, b))
    near(shared.grad[0].weight, sum)
  })
  it('what is frozen has no leaves, no gradient and no part in a norm', () => {
    const body = linear(3)
    const { params } = body.init(key(0), [2])
    const model = sequential(frozen(params)(body), tanh, linear(1))
    const own = model.init(key(1), [2]).params
    expect(paths(model as never, [2])).toEqual(['2.weight', '2.bias'])
    const batch = { input: noise([3, 2]), target: zeros([3, 1]) }
    const whole = sequential(body, tanh, linear(1))
    const all = perSampleGrad(meanSquaredError, whole, { backend: reference })([params, {}, own[2]], batch)
    const some = perSampleGrad(meanSquaredError, model, { backend: reference })(own, batch)
    near(some.grad[2], all.grad[2])
    const { squaredNorm } = perSampleSquaredNorm(meanSquaredError, model, { backend: reference })(own, batch)
    const parts = [some.grad[2].weight, some.grad[2].bias as Tensor].map((leaf) => reference.rowDots(leaf, leaf))
    near(squaredNorm, reference.zip('add', parts[0] as Tensor, parts[1] as Tensor))
  })
  it('a table of parameters names each with its shape and count, says which are trained, and adds those up', () => {
    const { params } = named({ hidden: linear(4), act: relu, head: linear(2) }).init(key(0), [3])
    const body = linear(4).init(key(1), [2]).params
    expect(parameterTable(params, { body }).split('\n')).toEqual([
      'name           shape    count  trainable',
      'hidden.weight  [4,3]       12  yes',
      'hidden.bias    [4]          4  yes',
      'head.weight    [2,4]        8  yes',
      'head.bias      [2]          2  yes',
      'body.weight    [4,2]        8  no',
      'body.bias      [4]          4  no',
      'total          trained     26',
    ])
    expect(parameterRows(params).reduce((sum, { count }) => sum + count, 0)).toBe(treeSize(params))
  })
})

describe('tied matrices', () => {
  it('the gradient is that of untied copies, transposed where it is used so, added up', () => {
    fc.assert(
      fc.property(genericTensors([3, 2, 4]), genericTensors([3, 2, 4]), genericTensors([5, 4]), (x, gy, weight) => {
        const rule = tied({ rows: 5, columns: 4 })((w) => [w.apply, tanh, w.transposed])
        const params = { weight, layers: [{}, {}, {}] }
        const [, cache] = rule.forward(reference, params, x)
        const apart = sequential(linear(5, { bias: false }), tanh, linear(4, { bias: false }))
        const copies = [{ weight }, {}, { weight: transpose()(weight) }] as const
        const [, apartCache] = apart.forward(reference, copies, x)
        const [first, , last] = apart.perSampleGrad(reference, copies, apartCache, gy)
        const sum = reference.zip('add', first.weight, transpose([0, 2, 1])(last.weight))
        near(rule.perSampleGrad(reference, params, cache, gy).weight, sum)
        near(rule.perSampleSquaredNorm(reference, params, cache, gy), reference.rowDots(sum, sum))
      }),
      { numRuns: 30 },
    )
  })
  it('a place within another layer is a ShapeError that says where it stands', () => {
    const rule = tied({ rows: 2, columns: 2 })((w) => [sequential(w.apply)])
    expect(() => rule.init(key(0), [2])).toThrow(/directly in the list/)
  })
})

describe('a weight-standardised layer', () => {
  it('has the norms of many samples by as many operations as that of one: a device is not asked for each', () => {
    const rule = weightStandardised()(conv2d(4, { kernel: 3 }))
    const { params } = rule.init(key(0), [2, 5, 5])
    const operations = (n: number): number => {
      let count = 0
      const counted = Object.fromEntries(
        Object.entries(reference).map(([name, member]) => [
          name,
          typeof member !== 'function'
            ? member
            : (...args: readonly unknown[]) => {
                count++
                return (member as (...args: readonly unknown[]) => unknown)(...args)
              },
        ]),
      ) as unknown as typeof reference
      const [y, cache] = rule.forward(counted, params, noise([n, 2, 5, 5]))
      rule.pullback(counted, params, cache, noise(y.shape)).squaredNorm()
      return count
    }
    expect(operations(7)).toBe(operations(1))
  })
})
