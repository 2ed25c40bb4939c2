/**
 * Readings by groups of parameters are those of the per-sample gradients.
 */
import fc, { type Arbitrary } from 'fast-check'
import { it } from 'vitest'
import { groupedReadings, groupedRows, labelled } from '../../src/grad/grouped.js'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { full, type Tensor, toArray } from '../../src/tensor/tensor.js'
import { namedLeaves, type Tree } from '../../src/tensor/tree.js'
import { genericTensors } from '../arbitraries/batch.js'
import type { LayerCase } from '../arbitraries/layer.js'
import { expectNear } from './closeness.js'
import { expectWithin } from './exact-norm.js'
import { type Work, work } from './layer-at-work.js'

const groups = 3

/** A group for each leaf: all in one, each in its own, or anyhow. */
const labels = (params: Tree, choice: number): Tree => {
  const paths = namedLeaves(params).map(({ path }) => path)
  return labelled((path) => Math.floor(choice / groups ** paths.indexOf(path)) % groups)(params)
}

const byNumber = (squares: ReadonlyMap<number, Tensor>): Tree =>
  Object.fromEntries([...squares].sort(([a], [b]) => a - b).map(([group, norm]) => [`${group}`, norm]))

/** The leaves of one group. */
const part = (tree: Tree, of: Tree, group: number): Tree => {
  const numbers = namedLeaves(of).map(({ leaf }) => toArray(leaf)[0])
  return namedLeaves(tree).flatMap(({ leaf }, index) => (numbers[index] === group ? [leaf] : []))
}

/** `tolerance` is relative to unit scale. */
export const groupedLaws = (name: string, cases: Arbitrary<LayerCase>, on: Backend, tolerance: number): void => {
  const choices = fc.nat(groups ** 9)
  const readings = ({ rule, params, x, gy }: Work, of: Tree) => {
    const [, cache] = rule.forward(on, params, x)
    return groupedReadings(on, rule.pullback(on, params, cache, gy), of)
  }
  it(`${name}: norms and weighted sums by group are those of the rows, on ${on.name}`, () => {
    fc.assert(
      fc.property(work(cases, { tensors: genericTensors }), choices, (w, choice) => {
        const { rule, params, x, gy } = w
        const count = x.shape[0] as number
        const of = labels(params, choice)
        const [, cache] = rule.forward(on, params, x)
        const rows = groupedRows(on, of, () => rule.perSampleGrad(on, params, cache, gy))
        const found = readings(w, of)
        expectNear(tolerance)(byNumber(found.squaredNorms()), byNumber(rows.squaredNorms()))
        const weights = [0.5, 1.5, 0].map((weight) => full(weight, [count], 'float64'))
        expectNear(tolerance)(found.weightedGrad(weights), rows.weightedGrad(weights))
      }),
      { numRuns: 12 },
    )
  })
  it(`${name}: no norm of a group is shorter than its part of the sum, on ${on.name}`, () => {
    fc.assert(
      fc.property(work(cases, { samples: fc.constant(1), tensors: genericTensors }), choices, (w, choice) => {
        const of = labels(w.params, choice)
        const found = readings(w, of)
        const sum = found.weightedGrad([1, 1, 1].map((weight) => full(weight, [1], 'float64')))
        for (const [group, square] of found.squaredNorms()) {
          const norm = Math.sqrt(toArray(square)[0] as number)
          if (Number.isFinite(norm)) expectWithin(norm * (1 + 2 ** -21), part(sum, of, group))
        }
      }),
      { numRuns: 12 },
    )
  })
}
