import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { binomialLowerBound, binomialUpperBound } from '../src/privacy/audit/clopper-pearson.js'
import { gaussianMembershipEpsilon, membershipEpsilon, membershipMu } from '../src/privacy/audit/membership.js'
import {
  gaussianOneRunEpsilon,
  oneRunEpsilon,
  oneRunMu,
  oneRunPValue,
  refutesGaussian,
} from '../src/privacy/audit/one-run.js'
import { bestOverThresholds, countsAt, guessBothEnds, oneRunOf } from '../src/privacy/audit/scores.js'
import { epsilonOfGdp, logDeltaOfGdp } from '../src/privacy/gdp.js'
import { baseDeltaFor, drawsNeeded, estimateDelta, verifiedDelta, verifies } from '../src/privacy/monte-carlo.js'
import { foldIn, key } from '../src/sampling/key.js'
import { standardNormals } from '../src/sampling/normal.js'
import { bernoulli } from '../src/sampling/uniform.js'
import { logBinomialMass, logBinomialTail } from '../src/tensor/binomial.js'
import { ndtri } from '../src/tensor/normal-quantile.js'
import { ndtr } from '../src/tensor/special.js'
import { toArray } from '../src/tensor/tensor.js'

interface Golden {
  readonly tails: readonly {
    readonly trials: number
    readonly successes: number
    readonly logOdds: number
    readonly logTail: string
    readonly logMass: string
  }[]
  readonly bounds: readonly {
    readonly trials: number
    readonly successes: number
    readonly significance: number
    readonly upper: string
  }[]
  readonly quantiles: readonly { readonly p: number; readonly ndtri: string }[]
}
const golden = JSON.parse(readFileSync(new URL('golden/binomial.json', import.meta.url), 'utf8')) as Golden

const relative = (actual: number, expected: number): number =>
  actual === expected ? 0 : Math.abs(actual - expected) / Math.abs(expected)

describe('binomial laws', () => {
  it('tails and masses to the last digits of float64, where P is near 0 and where it is near 1', () => {
    for (const { logTail, logMass, ...law } of golden.tails) {
      expect(relative(logBinomialTail(law), Number(logTail))).toBeLessThan(5e-16)
      expect(relative(logBinomialMass(law), Number(logMass))).toBeLessThan(5e-16)
    }
  })

  it('the tail is the sum of masses, and falls with k', () => {
    const law = fc.record({
      trials: fc.integer({ min: 1, max: 60 }),
      logOdds: fc.double({ min: -8, max: 8, noNaN: true }),
    })
    fc.assert(
      fc.property(law, ({ trials, logOdds }) => {
        let sum = 0
        for (let successes = trials; successes >= 0; successes--) {
          sum += Math.exp(logBinomialMass({ trials, successes, logOdds }))
          expect(relative(Math.exp(logBinomialTail({ trials, successes, logOdds })), sum)).toBeLessThan(2e-13)
        }
        expect(logBinomialTail({ trials, successes: trials + 1, logOdds })).toBe(-Infinity)
        expect(logBinomialMass({ trials, successes: -1, logOdds })).toBe(-Infinity)
      }),
    )
  })

  it('log-odds beyond every power of e are a certain outcome', () => {
    for (const logOdds of [-Infinity, -1e300, 1e300, Infinity])
      for (const successes of [0, 1, 3]) {
        const certain = logOdds > 0 ? 3 : 0
        const mass = logBinomialMass({ trials: 3, successes, logOdds })
        expect(mass).toBeCloseTo(successes === certain ? 0 : Math.abs(logOdds) * -Math.abs(successes - certain), 15)
        expect(logBinomialTail({ trials: 3, successes, logOdds })).toBeCloseTo(successes <= certain ? 0 : mass, 15)
      }
  })

  it('quantiles of the normal law to 40 digits, and the inverse of Φ', () => {
    for (const { p, ndtri: expected } of golden.quantiles)
      expect(Math.abs(ndtri(p) - Number(expected))).toBeLessThan(4e-15 * Math.max(Math.abs(Number(expected)), 0.1))
    fc.assert(
      fc.property(fc.double({ min: -30, max: 5, noNaN: true }), (x) => {
        expect(Math.abs(ndtri(ndtr(x)) - x)).toBeLessThan(1e-9 * (1 + Math.abs(x)))
      }),
    )
    expect([ndtri(0), ndtri(1), ndtri(-1), ndtri(2)]).toEqual([-Infinity, Infinity, Number.NaN, Number.NaN])
  })

  it('Clopper and Pearson to 40 digits', () => {
    for (const { significance, upper, ...counted } of golden.bounds)
      expect(relative(binomialUpperBound(significance)(counted), Number(upper))).toBeLessThan(1e-12)
  })

  it('a lower bound keeps its digits where it is small: 1 − (1 − s)^(1/n) for one success of n', () => {
    for (const trials of [10, 1e4, 1e8, 1e12])
      for (const significance of [0.3, 0.05, 1e-9]) {
        const known = -Math.expm1(Math.log1p(-significance) / trials)
        const lower = binomialLowerBound(significance)({ successes: 1, trials })
        expect(lower).toBeLessThanOrEqual(known * (1 + 4e-15))
        expect(relative(lower, known)).toBeLessThan(1e-12)
      }
  })

  it('upper and lower bounds enclose the frequency, mirror each other, and grow with successes', () => {
    for (const significance of [0.3, 0.05, 1e-4])
      for (let successes = 0; successes <= 20; successes++) {
        const counted = { successes, trials: 20 }
        const [lower, upper] = [binomialLowerBound, binomialUpperBound].map((f) => f(significance)(counted)) as [
          number,
          number,
        ]
        expect(lower).toBeLessThanOrEqual(successes / 20)
        expect(upper).toBeGreaterThanOrEqual(successes / 20)
        if (successes > 0)
          expect(upper).toBeGreaterThan(
            binomialUpperBound(significance)({ successes: successes - 1, trials: 20 }) - 1e-15,
          )
      }
    expect(() => binomialUpperBound(0)({ successes: 0, trials: 1 })).toThrow(RangeError)
    expect(() => binomialUpperBound(0.1)({ successes: 2, trials: 1 })).toThrow(RangeError)
  })
})

const DELTA = 1e-5
const level = { significance: 0.05, delta: DELTA }
const MU = 1.5
/** ε of a Gaussian mechanism of that μ: what every audit below must stay under. */
const truth = epsilonOfGdp(MU)(DELTA).lower

/** Independent canaries before a Gaussian mechanism: scores are N(μ, 1) for members, N(0, 1) for others. */
const gaussianScores = (members: number, nonMembers: number, seed: number, mu = MU) => {
  const normals = standardNormals(members + nonMembers)(foldIn(seed)(key(3)))
  return {
    members: [...normals.slice(0, members)].map((z) => z + mu),
    nonMembers: [...normals.slice(members)],
  }
}

/** m canaries with a coin each. */
const oneRunScores = (canaries: number, seed: number, mu = MU) => {
  const coins = toArray(bernoulli(0.5)([canaries])(foldIn(2 * seed)(key(4))))
  const normals = standardNormals(canaries)(foldIn(2 * seed + 1)(key(4)))
  const scores = coins.map((coin, i) => (normals[i] as number) + (coin === 1 ? mu : 0))
  return {
    members: scores.filter((_, i) => coins[i] === 1),
    nonMembers: scores.filter((_, i) => coins[i] === 0),
  }
}

const RUNS = 100
const seeds = Array.from({ length: RUNS }, (_, i) => i)
/** How often a bound may exceed the truth among 100 runs at 5 %: 13 or more has probability 0.2 %. */
const MOST_EXCEEDING = 13
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number

describe('audits of a Gaussian mechanism: the bounds stay below the truth, and come near it', () => {
  it('membership, one threshold', () => {
    const counts = seeds.map((seed) => countsAt(gaussianScores(1000, 1000, seed)))
    // Where ε shows is far out, where μ shows is in the middle.
    const epsilons = counts.map((at) => membershipEpsilon(level)(at(2.5)))
    const gaussians = counts.map((at) => gaussianMembershipEpsilon(level)(at(0.75)))
    const mus = counts.map((at) => membershipMu(level.significance)(at(0.75)))
    expect(epsilons.filter((e) => e > truth).length).toBeLessThan(MOST_EXCEEDING)
    expect(mus.filter((mu) => mu > MU).length).toBeLessThan(MOST_EXCEEDING)
    expect(gaussians.filter((e) => e > truth).length).toBeLessThan(MOST_EXCEEDING)
    expect(median(epsilons)).toBeGreaterThan(0.3 * truth)
    expect(median(gaussians)).toBeGreaterThan(0.85 * truth)
  })

  it('membership, the best of several thresholds', () => {
    const thresholds = [0, 0.5, 1, 1.5, 2, 2.5, 3]
    const best = seeds

      .slice(0, 30)
      .map((seed) =>
        bestOverThresholds((significance) => gaussianMembershipEpsilon({ ...level, significance }))(
          thresholds,
          level.significance,
        )(gaussianScores(1000, 1000, seed)),
      )
    expect(best.filter(({ value }) => value > truth).length).toBeLessThan(6)
    expect(best.every(({ threshold }) => thresholds.includes(threshold))).toBe(true)
  })

  it('one run', () => {
    const runs = seeds.map((seed) => oneRunOf(countsAt(oneRunScores(1000, seed))(2.5)))
    const epsilons = runs.map(oneRunEpsilon(level))
    const gaussians = runs.map(gaussianOneRunEpsilon(level))
    expect(epsilons.filter((e) => e > truth).length).toBe(0)
    expect(gaussians.filter((e) => e > truth).length).toBeLessThan(MOST_EXCEEDING)
    expect(median(epsilons)).toBeGreaterThan(0.2 * truth)
    expect(median(gaussians)).toBeGreaterThan(0.4 * truth)
    expect(median(gaussians)).toBeGreaterThan(median(epsilons))
  })

  it('one run, with guesses at both ends', () => {
    const centred = seeds.slice(0, 100).map((seed) => guessBothEnds(200)(oneRunScores(2000, seed)))
    expect(centred.every(({ guesses, canaries }) => guesses === 200 && canaries === 2000)).toBe(true)
    expect(centred.map(oneRunEpsilon(level)).filter((e) => e > truth).length).toBe(0)
    expect(() => guessBothEnds(6)({ members: [1], nonMembers: [2, 3] })).toThrow(RangeError)
    // Nothing is won where scores say nothing, in whatever order the canaries are given.
    expect(guessBothEnds(2)({ members: [1, 1], nonMembers: [1, 1] }).correct).toBe(0)
  })

  it('a mechanism that reveals nothing: nothing is shown, but for the significance', () => {
    const runs = seeds.map((seed) => oneRunOf(countsAt(oneRunScores(500, seed, 0))(1)))
    expect(runs.map(oneRunEpsilon(level)).filter((e) => e > 0).length).toBeLessThan(MOST_EXCEEDING)
    expect(runs.map(oneRunMu(0.05)).filter((mu) => mu > 0).length).toBeLessThan(MOST_EXCEEDING)
  })
})

/** The p-value of Steinke, Nasr & Jagielski by its definition, with binomial coefficients by Pascal's rule. */
const naivePValue = (
  { canaries, guesses, correct }: { canaries: number; guesses: number; correct: number },
  { epsilon, delta }: { epsilon: number; delta: number },
): number => {
  const q = Math.exp(epsilon) / (1 + Math.exp(epsilon))
  let law = [1]
  for (let n = 0; n < guesses; n++) law = [...law, 0].map((mass, k) => mass * (1 - q) + (law[k - 1] ?? 0) * q)
  const tail = (k: number): number => law.slice(Math.max(0, k)).reduce((s, x) => s + x, 0)
  const beta = tail(correct)
  const steps = Array.from({ length: correct }, (_, i) => (tail(correct - i - 1) - beta) / (i + 1))
  return Math.min(1, beta + 2 * canaries * delta * steps.reduce((a, b) => Math.max(a, b), 0))
}

const anyRun = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }))
  .map(([canaries, a, b]) => {
    const guesses = Math.min(a, canaries)
    return { canaries, guesses, correct: Math.min(b, guesses) }
  })

describe('bounds of one run', () => {
  it('the p-value is its definition', () => {
    const claim = fc.record({
      epsilon: fc.double({ min: 0, max: 5, noNaN: true }),
      delta: fc.double({ min: 0, max: 0.1, noNaN: true }),
    })
    fc.assert(
      fc.property(anyRun, claim, (run, at) => {
        expect(oneRunPValue(at)(run)).toBeCloseTo(naivePValue(run, at), 11)
      }),
    )
  })

  it('grow with right guesses and with the significance, fall with δ and with more canaries; refuted below, kept above', () => {
    fc.assert(
      fc.property(anyRun, fc.double({ min: 0.01, max: 0.3, noNaN: true }), (run, significance) => {
        const at = { significance, delta: 1e-3 }
        const epsilon = oneRunEpsilon(at)(run)
        const mu = oneRunMu(significance)(run)
        if (run.correct < run.guesses) {
          const better = { ...run, correct: run.correct + 1 }
          expect(oneRunEpsilon(at)(better)).toBeGreaterThanOrEqual(epsilon - 1e-7)
          expect(oneRunMu(significance)(better)).toBeGreaterThanOrEqual(mu - 1e-7)
        }
        expect(oneRunEpsilon({ ...at, significance: significance / 2 })(run)).toBeLessThanOrEqual(epsilon + 1e-7)
        expect(oneRunEpsilon({ ...at, delta: 1e-2 })(run)).toBeLessThanOrEqual(epsilon + 1e-7)
        expect(oneRunEpsilon(at)({ ...run, canaries: 2 * run.canaries })).toBeLessThanOrEqual(epsilon + 1e-7)
        if (mu > 0) {
          expect(refutesGaussian(0.99 * mu, significance)(run)).toBe(true)
          expect(refutesGaussian(1.01 * mu, significance)(run)).toBe(false)
        }
        if (epsilon > 0) expect(oneRunPValue({ epsilon, delta: 1e-3 })(run)).toBeLessThanOrEqual(significance)
      }),
    )
  })

  it('counts that are none are refused', () => {
    expect(() => oneRunEpsilon(level)({ canaries: 5, guesses: 6, correct: 1 })).toThrow(RangeError)
    expect(() => oneRunMu(0.05)({ canaries: 5, guesses: 3, correct: 4 })).toThrow(RangeError)
    expect(() => oneRunMu(1)({ canaries: 5, guesses: 3, correct: 2 })).toThrow(/significance/)
  })
})

describe('random losses', () => {
  const gaussianLosses = (count: number, seed: number, mu: number): readonly number[] =>
    [...standardNormals(count)(foldIn(seed)(key(9)))].map((z) => mu * z + (mu * mu) / 2)

  it('estimate the δ of a Gaussian mechanism', () => {
    const found = estimateDelta(1)(gaussianLosses(100_000, 0, 1))
    expect(relative(found, Math.exp(logDeltaOfGdp(1)(1)))).toBeLessThan(0.02)
  })

  it('verify what is true by a margin, and refuse what is not', () => {
    const delta = Math.exp(logDeltaOfGdp(1)(1))
    for (let seed = 1; seed <= 20; seed++) {
      const losses = gaussianLosses(20_000, seed, 1)
      expect(verifies({ epsilon: 1, delta: 1.2 * delta })(losses)).toBe(true)
      expect(verifies({ epsilon: 1, delta: 0.9 * delta })(losses)).toBe(false)
    }
    expect(verifies({ epsilon: 1, delta: 1e-6 })(gaussianLosses(100, 0, 0.1))).toBe(false)
  })

  it('base and verified δ are inverse to each other; more draws prove more', () => {
    for (const delta of [0.3, 1e-2, 1e-4])
      for (const draws of [1000, 100_000, 10_000_000]) {
        const base = baseDeltaFor(draws)(delta)
        expect(base).toBeLessThan(delta)
        if (base > 0) expect(relative(verifiedDelta(draws)(base), delta)).toBeLessThan(1e-6)
        expect(baseDeltaFor(10 * draws)(delta)).toBeGreaterThanOrEqual(base)
      }
    const needed = drawsNeeded({ baseDelta: 0.01, delta: 0.02 })
    expect(verifiedDelta(needed)(0.01)).toBeLessThanOrEqual(0.02)
    expect(verifiedDelta(needed - 1)(0.01)).toBeGreaterThan(0.02)
  })
})
