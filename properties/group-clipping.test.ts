/**
 * Clipping by groups of parameters, and the readings that it stands on.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crossEntropy, type LayerRule, layer, linear, sequential, tanh, tied } from '../src/grad/index.js'
import {
  byLayer,
  byLeaf,
  byPrefix,
  clippedGrad,
  clippedGradWithDiagnostics,
  equalShares,
  flatClip,
  type Grouping,
  groupBoundsClip,
  groupsOf,
  perGroupClip,
  sharesByDimension,
} from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { full, type Tensor, tensor, toArray } from '../src/tensor/tensor.js'
import { leaves, namedLeaves, type Tree } from '../src/tensor/tree.js'
import { problems } from './arbitraries/batch.js'
import { layerFamilies, models } from './arbitraries/layer.js'
import { blockFamilies, composedFamilies, recurrentFamilies } from './arbitraries/layer-composed.js'
import { kindFamilies } from './arbitraries/layer-kinds.js'
import { expectEqual } from './laws/closeness.js'
import { expectWithin } from './laws/exact-norm.js'
import { groupedLaws } from './laws/grouped.js'
import { plans } from './laws/plan.js'

const backends = [
  ['reference', reference, 1e-9],
  ['wasm', defaultBackend(), 2e-4],
] as const

describe('readings by group', () => {
  const everyModel = models.map(({ model, input }) => ({ rule: model, input, misfits: [] }))
  const families = [...layerFamilies, ...kindFamilies, ...composedFamilies, ...blockFamilies, ...recurrentFamilies]
  for (const [, backend, tolerance] of backends)
    for (const [name, cases] of [...families, ['a model', everyModel] as const])
      groupedLaws(name, cases, backend, tolerance)

  const mixed = tied({ rows: 3, columns: 4 })((w) => [w.apply, linear(3), tanh, w.transposed])
  groupedLaws('tied with others', fc.constant({ rule: mixed as never, input: [4], misfits: [] }), reference, 1e-9)

  it('groups of whole layers never form a per-sample gradient', () => {
    const rule = linear(3) as LayerRule<Tree, Tensor>
    const form = (): Tree => {
      throw new Error('a per-sample gradient was formed')
    }
    const frugal = layer<Tree, Tensor>({
      ...rule,
      perSampleGrad: form,
      pullback: (...at) => {
        const { inputGrad, squaredNorm, weightedGrad } = rule.pullback(...at)
        return { inputGrad, squaredNorm, weightedGrad, perSampleGrad: form }
      },
    })
    const model = sequential(frugal, tanh, frugal)
    const { params } = model.init(key(0), [3])
    const batch = { input: full(1, [2, 3]), target: tensor([0, 2], [2], 'int32') }
    const run = (group: Grouping) => clippedGrad(crossEntropy, model, perGroupClip({ group, l2ClipNorm: 1 }))
    expect(() => run(byLayer)(params, batch)).not.toThrow()
    expect(() => run(byLeaf)(params, batch)).toThrow('a per-sample gradient was formed')
  })
})

describe('group clips', () => {
  it('one group is flat clipping, bit for bit', () => {
    fc.assert(
      fc.property(problems(), fc.constantFrom(...plans), ({ loss, model, params, batch }, plan) => {
        const all = perGroupClip({ group: () => '', l2ClipNorm: 0.3 })
        const [grouped, flat] = [all, flatClip(0.3)].map((clip) =>
          clippedGrad(loss, model, clip, { plan, backend: reference })(params, batch),
        )
        expect(grouped?.l2Bound).toBe(flat?.l2Bound)
        expectEqual(grouped?.sum as Tree, flat?.sum as Tree)
      }),
      { numRuns: 40 },
    )
  })

  it('no sample contributes more to a group than the bound of the group, in exact arithmetic', () => {
    const samples = problems({ samples: fc.constant(1) })
    fc.assert(
      fc.property(
        samples,
        fc.constantFrom(byLeaf, byLayer),
        fc.constantFrom(equalShares, sharesByDimension),
        ({ loss, model, params, batch }, group, shares) => {
          const clip = perGroupClip({ group, l2ClipNorm: 0.1, shares })
          const groups = groupsOf(group)(params)
          const bounds = clip.rules(groups).map((rule) => rule.l2Bound)
          const { sum } = clippedGrad(loss, model, clip)(params, batch)
          for (const [m, { name }] of groups.entries())
            expectWithin(
              bounds[m] as number,
              namedLeaves(sum).flatMap(({ path, leaf }) => (group(path) === name ? [leaf] : [])),
            )
          expect(Math.hypot(...bounds)).toBeCloseTo(0.1, 12)
        },
      ),
      { numRuns: 60 },
    )
  })

  const model = sequential(linear(2), tanh, linear(3))
  const { params } = model.init(key(0), [4])
  const batch = { input: tensor([1, 2, 3, 4, Number.NaN, 0, 0, 0], [2, 4]), target: tensor([0, 1], [2], 'int32') }

  it('diagnostics have the norms of each group, and a gradient that is not finite in one group counts in none', () => {
    const clip = perGroupClip({ group: byLayer, l2ClipNorm: 0.1 })
    const { bounded, diagnostics } = clippedGradWithDiagnostics(crossEntropy, model, clip)(params, batch)
    const { norm, groupNorms, nonFinite } = diagnostics.value
    const [first, last] = ['0', '2'].map((name) => toArray(groupNorms[name] as Tensor)[0] as number)
    expect(Object.keys(groupNorms)).toEqual(['0', '2'])
    expect(Math.hypot(first as number, last as number)).toBeCloseTo(toArray(norm)[0] as number, 9)
    expect(nonFinite).toBe(1)
    expect(leaves(bounded.sum).flatMap(toArray).every(Number.isFinite)).toBe(true)
  })

  it('shares: equal, by dimension, by given bounds', () => {
    const groups = groupsOf(byLayer)(params)
    expect(groups).toEqual([
      { name: '0', dimension: 10 },
      { name: '2', dimension: 9 },
    ])
    const squares = (shares: typeof equalShares) =>
      perGroupClip({ group: byLayer, l2ClipNorm: 1, shares })
        .rules(groups)
        .map(({ l2Bound }) => l2Bound ** 2)
    expect(squares(equalShares).map((s) => s.toFixed(12))).toEqual(['0.500000000000', '0.500000000000'])
    expect(squares(sharesByDimension).map((s) => s.toFixed(12))).toEqual([10, 9].map((d) => (d / 19).toFixed(12)))
    const given = groupBoundsClip({ group: byPrefix('0'), l2ClipNorms: { 0: 3, '': 4 } })
    expect(given.l2Bound).toBe(5)
    expect(given.rules(groupsOf(byPrefix('0'))(params)).map(({ l2Bound }) => l2Bound)).toEqual([3, 4])
  })

  it('a prefix ends where a name ends', () => {
    expect(['1.weight', '10.weight', '1'].map(byPrefix('1'))).toEqual(['1', '', '1'])
  })

  it('refuses bounds that are none, and names that do not match', () => {
    expect(() => perGroupClip({ group: byLeaf, l2ClipNorm: 0 })).toThrow('l2ClipNorm is 0')
    expect(() => groupBoundsClip({ group: byLayer, l2ClipNorms: { 0: -1 } })).toThrow("l2ClipNorms['0'] is -1")
    const run = (l2ClipNorms: Readonly<Record<string, number>>) =>
      clippedGrad(crossEntropy, model, groupBoundsClip({ group: byLayer, l2ClipNorms }))(params, batch)
    expect(() => run({ 0: 1 })).toThrow("the groups of the model are [0,2], and '2' is only in one")
    expect(() => run({ 0: 1, 2: 1, head: 1 })).toThrow("'head' is only in one")
    expect(() => run({ 0: 1, 2: 1e-30 })).toThrow("l2Bound of the group '2' is 1e-30")
  })
})
