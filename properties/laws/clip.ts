/**
 * What clip rules and clipped sums must do. Norms are compared in exact arithmetic on the stored floats.
 */
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Batch, type GradientOptions, takeBatch, weightedGrad } from '../../src/grad/index.js'
import { type BoundedSum, type ClipRule, disjointSum, flatClip, safeFactor } from '../../src/privacy/clip/clip.js'
import {
  byLayer,
  byLeaf,
  byPrefix,
  type Clip,
  perGroupClip,
  sharesByDimension,
} from '../../src/privacy/clip/group-clip.js'
import { autoS, autoV, globalClip, psac } from '../../src/privacy/clip/rules.js'
import { clippedGrad, clippedGradWithDiagnostics } from '../../src/privacy/clipped-grad.js'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { zipTensorsWith } from '../../src/tensor/elementwise.js'
import { cast, full, type Tensor, toArray, zeros } from '../../src/tensor/tensor.js'
import { flatten, leaves, mapTree, type Tree } from '../../src/tensor/tree.js'
import { type Problem, problems, unit } from '../arbitraries/batch.js'
import { tensorsOf } from '../arbitraries/tensor.js'
import { expectEqual } from './closeness.js'
import { exactly, expectWithin } from './exact-norm.js'
import { leavesUnchanged } from './purity.js'

/** Norms from 0 to the largest number. */
export const norms: Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 5e-324, 1e-310, 2 ** -1022, 1, 1e308, Number.MAX_VALUE),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
)

/** Bounds that leave room for a margin: normal numbers, and no clipping at all. */
export const bounds: Arbitrary<number> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(Number.POSITIVE_INFINITY, 1e-280) },
  // divided by the largest norms, no more than the least number, or a fraction of it
  { weight: 1, arbitrary: fc.constantFrom(5e-16, 7e-16) },
  { weight: 3, arbitrary: fc.double({ min: 1e-280, max: 1e300, noNaN: true }) },
  { weight: 6, arbitrary: fc.double({ min: 1e-3, max: 1e3, noNaN: true }) },
)

/** The laws of a rule that keeps its promise. */
export const clipLaws = (name: string, rules: Arbitrary<ClipRule>): void => {
  describe(name, () => {
    it('s · factor(s) ≤ l2Bound for every finite s ≥ 0, up to the last place of the factor', () => {
      fc.assert(
        fc.property(rules, norms, ({ factor, l2Bound }, s) => {
          const w = factor(s)
          expect(w).toBeGreaterThanOrEqual(0)
          expect(s * (w - Math.max(w * 2 ** -51, Number.MIN_VALUE))).toBeLessThanOrEqual(l2Bound)
        }),
      )
    })
    it('safeFactor is the factor, less at most a hair', () => {
      fc.assert(
        fc.property(rules, fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (rule, s) => {
          const [safe, honest] = [safeFactor(rule)(s), rule.factor(s)]
          expect(safe).toBeLessThanOrEqual(honest)
          if (honest > 1e-290) expect(safe).toBeGreaterThanOrEqual(honest * (1 - 2 ** -19))
        }),
      )
    })
    safeFactorLaws(rules)
  })
}

/** The law of a rule that treats no longer gradient more gently. */
export const nonIncreasingLaw = (name: string, rules: Arbitrary<ClipRule>): void => {
  it(`${name}: a longer gradient is scaled by no more`, () => {
    fc.assert(
      fc.property(rules, norms, norms, ({ factor }, s, t) => {
        expect(factor(Math.max(s, t))).toBeLessThanOrEqual(factor(Math.min(s, t)))
      }),
    )
  })
}

/** The laws of a rule that promises anything: the promise is kept for it. */
export const safeFactorLaws = (rules: Arbitrary<ClipRule>): void => {
  it('safeFactor(s) · s ≤ l2Bound, exactly, whatever the rule returns', () => {
    fc.assert(
      fc.property(rules, norms, (rule, s) => {
        const weight = safeFactor(rule)(s)
        expect(Number.isFinite(weight) && weight >= 0).toBe(true)
        if (rule.l2Bound !== Number.POSITIVE_INFINITY)
          expect(exactly(weight) * exactly(s) <= exactly(rule.l2Bound) << 1074n).toBe(true)
      }),
    )
  })
  it('safeFactor of a norm that is not finite is 0', () => {
    fc.assert(
      fc.property(rules, fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY), (rule, s) => {
        expect(safeFactor(rule)(s)).toBe(0)
      }),
    )
  })
}

/** Numbers of every magnitude that float32 knows, and what is none. */
const wild: Arbitrary<number> = fc.oneof(
  { weight: 12, arbitrary: unit },
  { weight: 2, arbitrary: fc.constantFrom(0, -0, 1e-45, -1e-40, 1e-30, 1e-20, 1e-8, 1e4, -1e8, 1e20, -1e30) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
)

const wildTensors = (shape: readonly number[]): Arbitrary<Tensor> =>
  tensorsOf(shape, { dtypes: ['float32', 'float64'], values: wild })

/** Groups of every kind, those that cut through layers included. */
export const groupClips: Arbitrary<Clip> = fc
  .record({
    group: fc.constantFrom(byLeaf, byLayer, byPrefix('0', '1.weight'), () => 'all'),
    l2ClipNorm: fc.constantFrom(1e-6, 0.1, 1, 1e2),
    shares: fc.constantFrom(
      () => 1,
      sharesByDimension,
      ({ name }: { readonly name: string }) => 1 + name.length,
    ),
    rule: fc.constantFrom<(c: number) => ClipRule>(
      flatClip,
      autoS,
      autoV,
      // Promises ten times its share, and twice as much again as that: the whole is cut down to what it may be.
      (c) => ({ factor: () => 20 * c, l2Bound: 10 * c }),
    ),
  })
  .map(perGroupClip)

/** Clips: of most gradients of unit scale, of few of them, by a constant, not as promised, and by groups. */
const clipRules: Arbitrary<Clip> = fc.oneof(
  { weight: 2, arbitrary: groupClips },
  fc.constantFrom(1e-6, 1e-2, 1, 1e2, 1e6).map(flatClip),
  fc.double({ min: 1e-3, max: 10, noNaN: true }).map(flatClip),
  fc.constantFrom<ClipRule>(
    autoS(1),
    autoV(0.5),
    psac(1),
    globalClip({ l2ClipNorm: 1, threshold: 2 }),
    { factor: () => 1e9, l2Bound: 0.5 },
    { factor: (s) => -s, l2Bound: 1 },
    { factor: () => Number.NaN, l2Bound: 1 },
  ),
)

const run = (
  { loss, model, params, batch }: Problem,
  clip: Clip,
  options: GradientOptions,
  part: Batch = batch,
): BoundedSum<Tree> => clippedGrad(loss, model, clip, options)(params, part)

const sizeOfBatch = ({ batch }: Problem): number => batch.input.shape[0] as number
const indices = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)
const without = (list: readonly number[], index: number): readonly number[] => list.filter((i) => i !== index)

const distance = (a: Tree, b: Tree): number =>
  Math.hypot(...toArray(zipTensorsWith((x, y) => x - y)(flatten(a), flatten(b))))

/** Batches of as many samples as asked for at least, with one of them chosen. */
const chosen = (least: number): Arbitrary<readonly [Problem, number]> =>
  problems({ samples: fc.integer({ min: Math.max(1, least), max: 4 }) }).chain((problem) =>
    fc.nat(sizeOfBatch(problem) - 1).map((index) => [problem, index] as const),
  )

/** `rounding` is what the backend's dtype does to a sum of unit scale. */
export const clippedGradLaws = (
  name: string,
  options: GradientOptions & { readonly backend: Backend },
  rounding: number,
): void => {
  const runs = { numRuns: 50 }
  describe(name, () => {
    it('no sample contributes more than its bound, in exact arithmetic, whatever its numbers', () => {
      fc.assert(
        fc.property(problems({ inputs: wildTensors }), clipRules, (problem, clip) => {
          for (const index of indices(sizeOfBatch(problem))) {
            const { sum, l2Bound } = run(problem, clip, options, takeBatch([index])(problem.batch))
            expect(l2Bound).toBe(clip.l2Bound)
            expectWithin(l2Bound, sum)
          }
        }),
        { numRuns: 100 },
      )
    })
    it('samples without a finite norm are counted, and leave the sum as it is without them, bit for bit', () => {
      fc.assert(
        fc.property(problems({ inputs: wildTensors }), clipRules, (problem, clip) => {
          const { loss, model, params, batch } = problem
          const { bounded, diagnostics } = clippedGradWithDiagnostics(loss, model, clip, options)(params, batch)
          const norm = toArray(diagnostics.value.norm)
          const finite = indices(norm.length).filter((index) => Number.isFinite(norm[index]))
          expect(diagnostics._tag).toBe('NotPrivate')
          expect(diagnostics.value.nonFinite).toBe(norm.length - finite.length)
          expect(leaves(bounded.sum).flatMap(toArray).every(Number.isFinite)).toBe(true)
          expectEqual(bounded.sum, run(problem, clip, options, takeBatch(finite)(batch)).sum)
        }),
        runs,
      )
    })
    it('one sample more moves the sum by at most C, another in its place by at most 2C; a permutation by rounding', () => {
      fc.assert(
        fc.property(chosen(2), clipRules, ([problem, index], clip) => {
          const { batch } = problem
          const all = indices(sizeOfBatch(problem))
          const sumOf = (list: readonly number[]) => run(problem, clip, options, takeBatch(list)(batch)).sum
          const slack = rounding * all.length * clip.l2Bound
          const [sum, less] = [sumOf(all), sumOf(without(all, index))]
          const other = [...without(all, index), (index + 1) % all.length]
          expect(distance(sum, less)).toBeLessThanOrEqual(clip.l2Bound + slack)
          expect(distance(sum, sumOf(other))).toBeLessThanOrEqual(2 * clip.l2Bound + slack)
          expect(distance(sum, sumOf(all.toReversed()))).toBeLessThanOrEqual(slack)
        }),
        runs,
      )
    })
    it('physical batches add up to the logical one', () => {
      fc.assert(
        fc.property(chosen(1), clipRules, ([problem, cut], clip) => {
          const all = indices(sizeOfBatch(problem))
          const part = (list: readonly number[]) => run(problem, clip, options, takeBatch(list)(problem.batch))
          const joined = disjointSum<Tree>().concat(part(all.slice(0, cut)), part(all.slice(cut)))
          expect(joined.l2Bound).toBe(clip.l2Bound)
          expect(distance(joined.sum, part(all).sum)).toBeLessThanOrEqual(rounding * all.length * clip.l2Bound)
        }),
        runs,
      )
    })
    it('an infinite bound clips nothing: the sum is the plain gradient, bit for bit', () => {
      fc.assert(
        fc.property(problems(), (problem) => {
          const { loss, model, params, batch } = problem
          const ones = full(1, [sizeOfBatch(problem)], 'float64')
          expectEqual(
            run(problem, flatClip(Number.POSITIVE_INFINITY), options).sum,
            weightedGrad(loss, model, options)(params, batch, ones).grad,
          )
        }),
        runs,
      )
    })
    it('the empty batch gives zeros of the shapes of the parameters, with the same bound', () => {
      fc.assert(
        fc.property(problems({ samples: fc.constant(0) }), clipRules, (problem, clip) => {
          const { sum, l2Bound } = run(problem, clip, options)
          expectEqual(mapTree(cast('float64'))(sum), mapTree(({ shape }) => zeros(shape, 'float64'))(problem.params))
          expect(l2Bound).toBe(clip.l2Bound)
        }),
        runs,
      )
    })
    it('writes to no argument; the sum is the one with diagnostics', () => {
      fc.assert(
        fc.property(problems(), clipRules, (problem, clip) => {
          const { loss, model, params, batch } = problem
          const bounded = leavesUnchanged([params, batch], () => run(problem, clip, options))
          const again = clippedGradWithDiagnostics(loss, model, clip, options)(params, batch)
          expectEqual(again.bounded.sum, bounded.sum)
          const none = full(0, [sizeOfBatch(problem)])
          expectEqual(again.diagnostics.value.loss, weightedGrad(loss, model, options)(params, batch, none).loss)
        }),
        runs,
      )
    })
  })
}
