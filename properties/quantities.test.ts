/**
 * Quantities of per-sample gradients, and the check that tells a researcher whether a rule obeys the laws.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkLayer,
  embedding,
  gradVariance,
  type LayerRule,
  layer,
  linear,
  pairwiseDots,
  pairwiseDotsPerLeaf,
  perSampleGrad,
  perSampleSquaredNorm,
  quantities,
  squaredNormPerGroup,
  squaredNormPerLeaf,
  sumOfSquaredGrads,
} from '../src/grad/index.js'
import { key, randomIntegers } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { mapTensor, zipTensorsWith } from '../src/tensor/elementwise.js'
import { storageOf, type Tensor, tensor, toArray, zeros } from '../src/tensor/tensor.js'
import { flatten, mapTree, namedLeaves, type Tree } from '../src/tensor/tree.js'
import { take } from '../src/tensor/view.js'
import { genericTensors, problems } from './arbitraries/batch.js'
import { blockFamilies, composedFamilies, recurrentFamilies } from './arbitraries/layer-composed.js'
import { convolutionFamilies } from './arbitraries/layer-convolutions.js'
import { kindFamilies } from './arbitraries/layer-kinds.js'
import { sequenceFamilies } from './arbitraries/layer-sequences.js'
import { spatialFamilies } from './arbitraries/layer-spatial.js'
import { expectNear } from './laws/closeness.js'

const rowsOf = (grad: Tree, count: number): readonly (readonly number[])[] =>
  Array.from({ length: count }, (_, n) => toArray(flatten(mapTree(take([n]))(grad))))

describe('quantities', () => {
  it.each([
    ['reference', reference, 1e-9],
    ['wasm', defaultBackend(), 1e-4],
  ] as const)('%s: are what their names say of the per-sample gradients', (_name, backend, tolerance) => {
    fc.assert(
      fc.property(problems({ inputs: genericTensors }), ({ loss, model, params, batch }) => {
        const count = batch.input.shape[0] as number
        const { grad } = perSampleGrad(loss, model, { backend })(params, batch)
        const found = quantities(loss, model, { backend })({
          squares: sumOfSquaredGrads,
          variance: gradVariance,
          dots: pairwiseDots,
          dotsPerLeaf: pairwiseDotsPerLeaf,
          perLeaf: squaredNormPerLeaf,
          perLayer: squaredNormPerGroup((path) => path.split('.')[0] as string),
        })(params, batch)
        const rows = rowsOf(grad, count)
        const near = expectNear(tolerance)
        const total = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0)
        const width = namedLeaves(params).length === 0 ? 0 : toArray(flatten(params)).length
        const column = (j: number) => rows.map((row) => row[j] as number)
        const eachParameter = (of: (g: readonly number[]) => number) =>
          tensor(
            Array.from({ length: width }, (_, j) => of(column(j))),
            [width],
            'float64',
          )
        near(
          flatten(found.squares as Tree),
          eachParameter((g) => total(g.map((v) => v * v))),
        )
        const variance = (g: readonly number[]) => {
          const mean = total(g) / g.length
          return g.length === 0 ? 0 : total(g.map((v) => (v - mean) ** 2)) / g.length
        }
        near(flatten(found.variance as Tree), eachParameter(variance))
        const dot = (a: readonly number[], b: readonly number[]) => total(a.map((v, j) => v * (b[j] as number)))
        near(
          found.dots,
          tensor(
            rows.flatMap((a) => rows.map((b) => dot(a, b))),
            [count, count],
            'float64',
          ),
        )
        const dotsOfLeaves = namedLeaves(found.dotsPerLeaf as Tree).map(({ leaf }) => leaf)
        near(
          found.dots,
          dotsOfLeaves.reduce(
            zipTensorsWith((a, b) => a + b),
            zeros([count, count], 'float64'),
          ),
        )
        for (const [j, { leaf }] of namedLeaves(found.perLeaf as Tree).entries()) {
          const dots = toArray(dotsOfLeaves[j] as Tensor)
          near(
            leaf,
            tensor(
              rows.map((_, n) => dots[n * (count + 1)] as number),
              [count],
              'float64',
            ),
          )
        }
        const norm = perSampleSquaredNorm(loss, model, { backend, plan: 'materialised' })(params, batch).squaredNorm
        const add = zipTensorsWith((a, b) => a + b)
        const added = (parts: readonly Tensor[]) => parts.reduce(add, zeros([count], 'float64'))
        near(added(namedLeaves(found.perLeaf as Tree).map(({ leaf }) => leaf)), norm)
        near(added(Object.values(found.perLayer)), norm)
      }),
      { numRuns: 40 },
    )
  })
})

describe('checkLayer', () => {
  it.each([
    ...kindFamilies,
    ...composedFamilies,
    ...blockFamilies,
    ...recurrentFamilies,
    ...convolutionFamilies,
    ...spatialFamilies,
    ...sequenceFamilies,
  ])('finds nothing wrong with %s', async (_name, cases) => {
    await fc.assert(
      fc.asyncProperty(cases, fc.nat(), async ({ rule, input }, seed) => {
        expect(await checkLayer({ input, key: key(seed) })(rule)()).toEqual([])
      }),
      { numRuns: 2 },
    )
  })
  it('tells where an activation behind the layer is not gone into as it is gone through', async () => {
    const law = 'an activation behind the layer is gone into as it is gone through'
    const affine = linear(2)
    const forwards = layer({
      ...affine,
      forwardThen: (backend, params, x, then) => [
        backend.map(then, backend.map(then, affine.forward(backend, params, x)[0])),
        x,
      ],
    })
    const backwards = layer({
      ...affine,
      pullbackThrough: (...[b, params, x, gy]) => affine.pullback(b, params, x, gy),
    })
    for (const rule of [forwards, backwards])
      expect((await checkLayer({ input: [3] })(rule)()).map((broken) => broken.law)).toEqual([law])
  })
  it('takes tokens', async () => {
    const rule = embedding({ vocabulary: 5, features: 2 })
    const draw = randomIntegers(5)
    expect(await checkLayer({ input: [4], draw })(rule)()).toEqual([])
  })

  const right = linear(2)
  type Rule = typeof right
  const wrong: readonly (readonly [law: string, Partial<Rule>])[] = [
    ['init tells the shape', { init: (k, input) => ({ ...right.init(k, input), output: [3] }) }],
    [
      'arguments are not written to',
      {
        forward: (backend, params, x) => {
          storageOf(x)[x.offset] = 7
          return right.forward(backend, params, x)
        },
      },
    ],
    [
      'samples do not see each other',
      {
        forward: (backend, params, x) => {
          const mean = backend.sum(x, [0])
          return right.forward(backend, params, backend.zip('sub', x, mean))
        },
      },
    ],
    [
      'the empty batch is a batch',
      {
        forward: (backend, params, x) => {
          if (x.shape[0] === 0) throw new Error('nothing to do')
          return right.forward(backend, params, x)
        },
      },
    ],
    [
      'perSampleGrad is the derivative',
      {
        perSampleGrad: (b, params, x, gy) =>
          mapTree((leaf) => b.map('neg', leaf))(right.perSampleGrad(b, params, x, gy)),
      },
    ],
    ['backward is the derivative', { backward: (b, params, x, gy) => b.map('neg', right.backward(b, params, x, gy)) }],
    ['perSampleSquaredNorm is', { perSampleSquaredNorm: (b, _params, _x, gy) => b.rowDots(gy, gy) }],
    [
      'weightedGrad is',
      { weightedGrad: (b, params, x, gy) => right.weightedGrad(b, params, x, gy, tensor([1, 1, 1], [3])) },
    ],
    [
      'a pullback reads',
      {
        pullback: (b, params, x, gy) => ({
          ...right.pullback(b, params, x, gy),
          squaredNorm: () => zeros([gy.shape[0] as number], 'float64'),
        }),
      },
    ],
    [
      'a sample that is NaN or huge stays alone',
      {
        // As a softmax does that subtracts the largest number of the whole batch: the same, until a sample is huge.
        forward: (backend, params, x) => {
          const [y, cache] = right.forward(backend, params, x)
          const most = Math.max(0, ...toArray(y))
          return [mapTensor((v) => v - most + most)(y), cache]
        },
      },
    ],
    [
      'a pullback reads groups',
      {
        pullback: (b, params, x, gy) => {
          const pulled = right.pullback(b, params, x, gy)
          const honest = pulled.grouped as NonNullable<typeof pulled.grouped>
          return {
            ...pulled,
            grouped: (labels) => {
              const readings = honest(labels)
              return { ...readings, squaredNorms: () => new Map([...readings.squaredNorms()].slice(1)) }
            },
          }
        },
      },
    ],
  ]
  it('finds a lie about small gradients', async () => {
    const scale = 1e-6
    const times = mapTensor((v) => v * scale)
    const small: LayerRule<{ readonly factor: Tensor }, Tensor> = layer({
      name: 'small',
      init: (_key, input) => ({ params: { factor: tensor([2], [1]) }, output: input }),
      forward: (backend, { factor }, x) => [times(backend.zip('mul', x, factor)), x],
      backward: (backend, { factor }, _x, gy) => times(backend.zip('mul', gy, factor)),
      perSampleGrad: (backend, _params, x, gy) => ({
        factor: tensor(toArray(times(backend.rowDots(x, gy))), [x.shape[0] as number, 1], 'float64'),
      }),
    })
    expect(await checkLayer({ input: [3] })(small)()).toEqual([])
    const half = mapTensor((square) => square / 2)
    const liar: typeof small = layer({
      name: 'liar',
      init: small.init,
      forward: small.forward,
      backward: small.backward,
      perSampleGrad: small.perSampleGrad,
      perSampleSquaredNorm: (...at) => half(small.perSampleSquaredNorm(...at)),
    })
    const broken = await checkLayer({ input: [3] })(liar)()
    expect(broken.map(({ law }) => law)).toEqual(['perSampleSquaredNorm is the squared norm of perSampleGrad'])
  })
  it.each(wrong)('says so where "%s" is broken', async (law, change) => {
    const rule = { ...right, ...change } as Rule
    const broken = await checkLayer({ input: [3] })(rule)()
    expect(broken.map((found) => found.law).join()).toContain(law)
    for (const { sentence } of broken) expect(sentence).toContain('linear(2)')
  })
  it('ten lines are a layer: what is derived from them obeys the laws', async () => {
    const scale: LayerRule<{ readonly factor: Tensor }, Tensor> = layer({
      name: 'scale',
      init: (_key, input) => ({ params: { factor: tensor([2], [1]) }, output: input }),
      forward: (backend, { factor }, x) => [backend.zip('mul', x, factor), x],
      backward: (backend, { factor }, _x, gy) => backend.zip('mul', gy, factor),
      perSampleGrad: (backend, _params, x, gy) => ({
        factor: tensor(toArray(backend.rowDots(x, gy)), [x.shape[0] as number, 1], 'float64'),
      }),
    })
    expect(await checkLayer({ input: [3, 2] })(scale)()).toEqual([])
  })
})
