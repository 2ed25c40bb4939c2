/**
 * What every layer rule must do, on the reference backend. n sample.
 */
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { finiteDifferenceGrad, type Pullback } from '../../src/grad/index.js'
import { squaredNormOfRows, weightedSumOfRows } from '../../src/grad/layer.js'
import { type Key, key } from '../../src/sampling/index.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { zipTensorsWith } from '../../src/tensor/elementwise.js'
import { type ShapeError, showShape } from '../../src/tensor/shape.js'
import { cast, full, type Tensor, zeros } from '../../src/tensor/tensor.js'
import { leaves, mapTree, type Tree, zipTreesWith } from '../../src/tensor/tree.js'
import { take } from '../../src/tensor/view.js'
import { genericTensors, unit, unitTensors } from '../arbitraries/batch.js'
import type { LayerCase } from '../arbitraries/layer.js'
import { tensorsOf } from '../arbitraries/tensor.js'
import { expectDerivative, expectEqual, expectJudged, expectNear, type Tally } from './closeness.js'
import { givenUpLaws } from './given-up.js'
import { methods, pairing, type Work, work } from './layer-at-work.js'
import { expectSameBits, leavesUnchanged, tensorsWithin } from './purity.js'

const backend = reference

/** How many times each law is tried. */
interface Runs {
  readonly numRuns: number
}

/** Everything that has a row for each sample. */
const rowwise = (w: Work): Tree => {
  const { y, inputGrad, perSampleGrad, squaredNorm } = methods(w)
  return { y, inputGrad: inputGrad(), perSampleGrad: perSampleGrad(), squaredNorm: squaredNorm() }
}

const readings = (p: Pullback<Tree>, weight: Tensor): readonly (() => Tree)[] => [
  p.inputGrad,
  p.perSampleGrad,
  p.squaredNorm,
  () => p.weightedGrad(weight),
]

/** a·left + b·right, in float64: a layer that only moves numbers keeps their dtype. */
const combined = (a: number, b: number) =>
  zipTreesWith((left, right) => zipTensorsWith((x, y) => a * x + b * y)(cast('float64')(left), right))

/** Finite numbers with NaN and infinities among them. */
const special = fc.oneof(
  { weight: 6, arbitrary: unit },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0) },
)

const near = expectNear(1e-9)

const keys: Arbitrary<Key> = fc.nat().map(key)

/** The sums and norms of a rule are those of its gradients. */
const sumLaws = (cases: Arbitrary<LayerCase>, runs: Runs): void => {
  const weighted = work(cases).chain((w) =>
    fc.record({ w: fc.constant(w), weight: unitTensors([w.x.shape[0] as number]) }),
  )
  it('perSampleSquaredNorm = Σ_leaves ‖row n of perSampleGrad‖²', () => {
    fc.assert(
      fc.property(work(cases), (w) => {
        const { squaredNorm, perSampleGrad } = methods(w)
        expect(squaredNorm().dtype).toBe('float64')
        near(squaredNorm(), squaredNormOfRows(backend, w.x.shape[0] as number)(perSampleGrad()))
      }),
      runs,
    )
  })
  it('weightedGrad(w) = Σₙ wₙ · row n of perSampleGrad', () => {
    fc.assert(
      fc.property(weighted, ({ w, weight }) => {
        const { weightedGrad, perSampleGrad } = methods(w)
        near(weightedGrad(weight), weightedSumOfRows(backend, weight)(perSampleGrad()))
      }),
      runs,
    )
  })
  it('a pullback reads what the methods return, in any order, again and again', () => {
    const orders = fc.array(fc.nat(3), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(weighted, orders, ({ w, weight }, order) => {
        const by = methods(w)
        const expected = [by.inputGrad(), by.perSampleGrad(), by.squaredNorm(), by.weightedGrad(weight)]
        const alone = [0, 1, 2, 3].map((i) => readings(by.pullback(), weight)[i]?.() as Tree)
        for (const [i, reading] of alone.entries()) near(reading, expected[i] as Tree)
        const shared = readings(by.pullback(), weight)
        for (const i of order) expectEqual(shared[i]?.() as Tree, alone[i] as Tree)
      }),
      runs,
    )
  })
}

/** The gradients are those of the forward pass. */
const derivativeLaws = (cases: Arbitrary<LayerCase>, runs: Runs): void => {
  const generic = work(cases, { samples: fc.integer({ min: 1, max: 2 }), tensors: genericTensors })
  const trained = fc.sample(generic, 20).some(({ params }) => leaves(params).length > 0)
  if (trained)
    it('perSampleGrad = finite differences in the parameters', () => {
      const tally: Tally = { judged: 0, skipped: 0 }
      fc.assert(
        fc.property(
          generic.filter(({ params }) => leaves(params).length > 0),
          (w) => {
            const { params, x, gy, rule } = w
            const [coarse, fine] = [2e-5, 1e-5].map((step) =>
              finiteDifferenceGrad(pairing, backend, step)(rule)(params, { input: x, target: gy }),
            ) as [Tree, Tree]
            expectDerivative(tally, methods(w).perSampleGrad(), { coarse, fine })
          },
        ),
        // Two passes for each number of the parameters: the dearest law by far.
        { numRuns: Math.ceil(runs.numRuns / 2) },
      )
      expectJudged(tally)
    })
  it('⟨gyₙ, J vₙ⟩ = ⟨backward(gy)ₙ, vₙ⟩ for the derivative J of forward in the input, by finite differences', () => {
    const tally: Tally = { judged: 0, skipped: 0 }
    const directed = generic.chain((w) => genericTensors(w.x.shape).map((v) => ({ w, v })))
    fc.assert(
      fc.property(directed, ({ w, v }) => {
        const { rule, params, x, gy } = w
        const along = (h: number): Tensor =>
          backend.rowDots(gy, rule.forward(backend, params, zipTensorsWith((a, b) => a + h * b)(x, v))[0])
        const quotient = (h: number) => zipTensorsWith((a, b) => (a - b) / (2 * h))(along(h), along(-h))
        expectDerivative(tally, backend.rowDots(methods(w).inputGrad(), v), {
          coarse: quotient(2e-5),
          fine: quotient(1e-5),
        })
      }),
      runs,
    )
    expectJudged(tally)
  })
  it('backward and perSampleGrad are linear in the cotangent', () => {
    const two = work(cases).chain((w) => unitTensors(w.gy.shape).map((other) => ({ w, other })))
    fc.assert(
      fc.property(two, unit, unit, ({ w, other }, a, b) => {
        const gy = combined(a, b)(w.gy, other)
        const of = (cotangent: Tensor): Tree => {
          const { inputGrad, perSampleGrad } = methods({ ...w, gy: cotangent })
          return [inputGrad(), perSampleGrad()]
        }
        near(of(gy), combined(a, b)(of(w.gy), of(other)))
      }),
      runs,
    )
  })
}

/** Axis 0 is the sample, and samples do not see each other. */
const rowLaws = (cases: Arbitrary<LayerCase>, runs: Runs): void => {
  it('choosing samples (any, in any order, twice or never) commutes with everything, bit for bit', () => {
    const values = (shape: readonly number[]) => tensorsOf(shape, { dtypes: ['float32', 'float64'], values: special })
    const chosen = work(cases, { tensors: values }).chain((w) => {
      const count = w.x.shape[0] as number
      const rows = count === 0 ? fc.constant([]) : fc.array(fc.nat(count - 1), { maxLength: 4 })
      return rows.map((indices) => ({ w, indices }))
    })
    fc.assert(
      fc.property(chosen, ({ w, indices }) => {
        const rows = take(indices)
        expectEqual(rowwise({ ...w, x: rows(w.x), gy: rows(w.gy) }), mapTree(rows)(rowwise(w)))
      }),
      runs,
    )
  })
  it.each([0, 1])(
    '%i samples have outputs, cotangents, gradients and norms of that many rows, and one sum',
    (count) => {
      const some = work(cases, { samples: fc.constant(count) })
      fc.assert(
        fc.property(some, (w) => {
          const { y, inputGrad, perSampleGrad, squaredNorm, weightedGrad } = methods(w)
          const { params, output } = w.rule.init(key(0), w.input)
          expect(y.shape).toEqual([count, ...output])
          expect(inputGrad().shape).toEqual([count, ...w.input])
          expect(squaredNorm().shape).toEqual([count])
          expect(leaves(perSampleGrad()).map(({ shape }) => shape)).toEqual(
            leaves(params).map(({ shape }) => [count, ...shape]),
          )
          const zero = mapTree(({ shape }) => zeros(shape, 'float64'))(params)
          near(weightedGrad(full(0, [count], 'float64')), zero)
        }),
        runs,
      )
    },
  )
}

/** A ShapeError whose message names the shapes that it carries. */
export const expectShapeError = (body: () => unknown): void => {
  let thrown: unknown
  try {
    body()
  } catch (error) {
    thrown = error
  }
  const { name, shapes, message } = thrown as ShapeError
  expect(name).toBe('ShapeError')
  expect(shapes.length).toBeGreaterThan(0)
  for (const shape of shapes) expect(message).toContain(showShape(shape))
}

const purityLaws = (cases: Arbitrary<LayerCase>, runs: Runs): void => {
  it('nothing writes to parameters, input, cotangent, weights or cache', () => {
    fc.assert(
      fc.property(work(cases), (w) => {
        const { params, x, gy } = w
        const weight = full(0.5, [x.shape[0] as number])
        const by = leavesUnchanged([params, x], () => methods(w))
        leavesUnchanged([params, x, gy, weight, tensorsWithin(by.cache)], () => {
          by.inputGrad()
          by.perSampleGrad()
          by.squaredNorm()
          by.weightedGrad(weight)
          for (const read of readings(by.pullback(), weight)) read()
        })
      }),
      runs,
    )
  })
  it('init gives the shape of the output, from the shape of the input alone; parameters follow from the key', () => {
    fc.assert(
      fc.property(work(cases), keys, keys, ({ rule, input, x, params }, one, other) => {
        const first = rule.init(one, input)
        expectSameBits(rule.init(one, input), first)
        expect(rule.init(other, input).output).toEqual(first.output)
        expect(rule.forward(backend, params, x)[0].shape.slice(1)).toEqual(first.output)
      }),
      runs,
    )
  })
  const choosy = fc.sample(cases, 20).some(({ misfits }) => misfits.length > 0)
  if (choosy)
    it('an input that does not fit is a ShapeError that names it', () => {
      const unfit = cases
        .filter(({ misfits }) => misfits.length > 0)
        .chain((c) => fc.constantFrom(...c.misfits).map((misfit) => ({ ...c, misfit })))
      fc.assert(
        fc.property(unfit, ({ rule, misfit }) => expectShapeError(() => rule.init(key(0), misfit))),
        runs,
      )
    })
}

/**
 * The laws of a layer rule, for rules with samples that fit them.
 *
 * Derivatives are compared to 1e-6, sums to 1e-9, and what has a row for each sample bit for bit.
 */
export const layerLaws = (name: string, cases: Arbitrary<LayerCase>, runs: Runs = { numRuns: 40 }): void => {
  describe(name, () => {
    sumLaws(cases, runs)
    derivativeLaws(cases, runs)
    rowLaws(cases, runs)
    purityLaws(cases, runs)
    givenUpLaws(cases, runs)
  })
}
