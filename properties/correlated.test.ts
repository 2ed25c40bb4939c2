import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { epsilonOf } from '../src/privacy/accountant.js'
import {
  type CorrelatedMechanism,
  type CorrelatedSettings,
  correlatedGaussian,
} from '../src/privacy/correlated/mechanism.js'
import { binaryTree, initialNoise, type NoiseState, nextNoise } from '../src/privacy/correlated/noise.js'
import {
  epochsInOrder,
  largestOverPatterns,
  type Participation,
  participationsIn,
  singleParticipation,
} from '../src/privacy/correlated/participation.js'
import { participationOf } from '../src/privacy/correlated/scheme-participation.js'
import { gramSensitivity, sensitivitySquared } from '../src/privacy/correlated/sensitivity.js'
import {
  bufferedToeplitz,
  coefficientsOf,
  independentNoise,
  inverseSquareRootToeplitz,
  inverseToeplitz,
  largestPrefixVariance,
  noisingCoefficientsOf,
  type Strategy,
  squareRootToeplitz,
  toeplitz,
} from '../src/privacy/correlated/strategy.js'
import { sharedNodes, treeSensitivitySquared } from '../src/privacy/correlated/tree.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { gdp } from '../src/privacy/gdp.js'
import { ballsAndBinsSampler, cyclicPoissonSampler, poissonSampler } from '../src/sampling/batches/independent.js'
import { chachaKey, foldIn, key } from '../src/sampling/key.js'
import { standardNormals } from '../src/sampling/normal.js'
import { tensor, toArray } from '../src/tensor/tensor.js'

const strategies: Readonly<Record<string, Strategy>> = {
  independent: independentNoise,
  'square root of 12 steps': squareRootToeplitz(12),
  'square root in 3 bands': squareRootToeplitz(3),
  'inverse square root in 4 bands': inverseSquareRootToeplitz(4),
  'one buffer': bufferedToeplitz({ bufferDecays: [0.9], outputScales: [0.3] }),
  'two buffers': bufferedToeplitz({ bufferDecays: [0.99, 0.6], outputScales: [0.1, 0.4] }),
  'a first coefficient of 2': toeplitz([2, 1, -0.5]),
}

/** Every pattern of steps that a record may follow. */
const patterns = (steps: number, participation: Participation): readonly (readonly number[])[] => {
  const most = participationsIn(steps)(participation)
  const grow = (from: number, left: number): readonly (readonly number[])[] =>
    left === 0
      ? [[]]
      : [
          [],
          ...Array.from({ length: Math.max(0, steps - from) }, (_, i) => from + i).flatMap((first) =>
            grow(first + participation.minSeparation, left - 1).map((rest) => [first, ...rest]),
          ),
        ]
  return grow(0, most)
}

const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0)

/** max over patterns of Σ_{j,l∈π} sⱼ sₗ Xⱼₗ, over all signs where they are free: what scalars can do. */
const bruteForce = (
  steps: number,
  participation: Participation,
  gram: (j: number, l: number) => number,
  signs: readonly number[] = [1],
): number =>
  most(
    patterns(steps, participation).flatMap((pattern) => {
      const choices = pattern.reduce<readonly (readonly number[])[]>(
        (all, _) => all.flatMap((one) => signs.map((sign) => [...one, sign])),
        [[]],
      )
      return choices.map((choice) =>
        pattern.reduce(
          (sum, j, a) =>
            sum + pattern.reduce((s, l, b) => s + (choice[a] as number) * (choice[b] as number) * gram(j, l), 0),
          0,
        ),
      )
    }),
  )

const gramOf =
  (column: ArrayLike<number>) =>
  (j: number, l: number): number => {
    let sum = 0
    for (let i = Math.max(j, l); i < column.length; i++) sum += (column[i - j] as number) * (column[i - l] as number)
    return sum
  }

const smallParticipation = fc.record({
  minSeparation: fc.integer({ min: 1, max: 5 }),
  maxParticipations: fc.integer({ min: 1, max: 4 }),
})
const coefficient = fc.double({ min: -1, max: 1, noNaN: true })

describe('participation patterns', () => {
  it('the largest sum over patterns is that of trying them all', () => {
    fc.assert(
      fc.property(
        fc.array(coefficient, { minLength: 1, maxLength: 9 }),
        smallParticipation,
        (values, participation) => {
          const tried = most(
            patterns(values.length, participation).map((pattern) =>
              pattern.reduce((s, j) => s + (values[j] as number), 0),
            ),
          )
          expect(Math.max(0, largestOverPatterns(participation)(values))).toBeCloseTo(tried, 12)
        },
      ),
    )
  })

  it('epochs in order: every pattern of them is allowed, and no record more often', () => {
    const allowed = patterns(12, epochsInOrder({ stepsPerEpoch: 4, epochs: 3 }))
    for (const first of [0, 1, 2, 3]) expect(allowed).toContainEqual([first, first + 4, first + 8])
    expect(most(allowed.map((pattern) => pattern.length))).toBe(3)
  })
})

describe('sensitivity of a Toeplitz strategy', () => {
  it('a descending column: exact, and the earliest pattern is the worst', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 10 }),
        smallParticipation,
        (values, participation) => {
          const column = values.map((v) => v + 0.01).toSorted((a, b) => b - a)
          const found = sensitivitySquared({ steps: column.length, participation })(toeplitz(column))
          expect(found.exact).toBe(true)
          expect(found.squared).toBeCloseTo(bruteForce(column.length, participation, gramOf(column)), 10)
        },
      ),
    )
  })

  it('any column: never below what signed contributions reach, and equal to it where it says so', () => {
    fc.assert(
      fc.property(
        fc.array(coefficient, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 8 }),
        smallParticipation,
        (others, steps, participation) => {
          const strategy = toeplitz([1, ...others])
          const column = coefficientsOf(steps)(strategy)
          const { squared, exact: isExact } = sensitivitySquared({ steps, participation })(strategy)
          const reached = bruteForce(steps, participation, gramOf(column), [1, -1])
          expect(squared).toBeGreaterThanOrEqual(reached - 1e-12)
          if (isExact) expect(squared).toBeCloseTo(reached, 10)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('grows with participations, falls with separation', () => {
    for (const strategy of Object.values(strategies)) {
      const at = (minSeparation: number, maxParticipations: number): number =>
        sensitivitySquared({ steps: 12, participation: { minSeparation, maxParticipations } })(strategy).squared
      for (let b = 1; b < 6; b++)
        for (let k = 1; k < 4; k++) {
          expect(at(b, k + 1)).toBeGreaterThanOrEqual(at(b, k) - 1e-12)
          expect(at(b + 1, k)).toBeLessThanOrEqual(at(b, k) + 1e-12)
        }
    }
  })

  it('the bound by Gram matrices is exact for independent noise: k participations', () => {
    expect(gramSensitivity({ minSeparation: 2, maxParticipations: 3 })(9, (j, l) => Number(j === l))).toBe(3)
  })
})

describe('sensitivity of a tree', () => {
  it('is that of trying every pattern', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), smallParticipation, (steps, participation) => {
        const found = treeSensitivitySquared({ steps, participation })
        expect(found.exact).toBe(true)
        expect(found.squared).toBe(bruteForce(steps, participation, sharedNodes(steps)))
      }),
    )
  })

  it('one participation: ⌈log₂(n + 1)⌉', () => {
    for (const steps of [1, 2, 3, 4, 7, 8, 1000, 1_000_000])
      expect(treeSensitivitySquared({ steps, participation: singleParticipation }).squared).toBe(
        Math.ceil(Math.log2(steps + 1)),
      )
  })

  it('where the recursion would be too long, a bound', () => {
    const participation = { minSeparation: 150, maxParticipations: 5 }
    const { squared, exact: isExact } = treeSensitivitySquared({ steps: 1000, participation })
    expect(isExact).toBe(false)
    const earliest = [0, 150, 300, 450, 600]
    const reached = earliest.reduce((s, j) => s + earliest.reduce((t, l) => t + sharedNodes(1000)(j, l), 0), 0)
    expect(squared).toBeGreaterThanOrEqual(reached)
    expect(squared).toBeLessThan(2 * reached)
  })
})

describe('strategies', () => {
  it.each(Object.entries(strategies))('%s: C times its inverse is the identity', (_, strategy) => {
    const [c, d] = [coefficientsOf(40)(strategy), noisingCoefficientsOf(40)(strategy)]
    for (let k = 0; k < 40; k++) {
      let sum = 0
      for (let j = 0; j <= k; j++) sum += (c[j] as number) * (d[k - j] as number)
      expect(sum).toBeCloseTo(k === 0 ? 1 : 0, 12)
    }
  })

  it('the square root squared is the lower triangle of ones', () => {
    const { coefficients: c } = squareRootToeplitz(30)
    for (let k = 0; k < 30; k++)
      expect(c.slice(0, k + 1).reduce((s, x, j) => s + x * (c[k - j] as number), 0)).toBeCloseTo(1, 12)
    expect(largestPrefixVariance(30)(squareRootToeplitz(30))).toBeCloseTo(
      sensitivitySquared({ steps: 30, participation: singleParticipation })(squareRootToeplitz(30)).squared,
      12,
    )
  })

  it('correlation pays: less variance of the prefix sums at equal privacy than independent noise', () => {
    const loss = (strategy: Strategy): number =>
      largestPrefixVariance(256)(strategy) *
      sensitivitySquared({ steps: 256, participation: singleParticipation })(strategy).squared
    const independent = loss(independentNoise)
    expect(independent).toBe(256)
    expect(loss(squareRootToeplitz(256))).toBeLessThan(0.05 * independent)
    expect(loss(bufferedToeplitz({ bufferDecays: [0.98, 0.6], outputScales: [0.09, 0.5] }))).toBeLessThan(
      0.06 * independent,
    )
    expect(loss(inverseSquareRootToeplitz(16))).toBeLessThan(0.2 * independent)
  })

  it.each([
    () => toeplitz([]),
    () => toeplitz([0, 1]),
    () => toeplitz([1, Number.NaN]),
    () => inverseToeplitz([-1]),
    () => bufferedToeplitz({ bufferDecays: [1.5], outputScales: [1] }),
    () => bufferedToeplitz({ bufferDecays: [0.5], outputScales: [] }),
    () => participationsIn(10)({ minSeparation: 0 }),
  ])('a strategy that is none is refused: %s', (make) => {
    expect(make).toThrow(RangeError)
  })
})

/** The noises of the first steps, as rows. */
const stream = (
  noise: Parameters<typeof nextNoise>[0],
  { steps, size, seed = 7 }: { readonly steps: number; readonly size: number; readonly seed?: number },
): readonly Float64Array[] => {
  const next = nextNoise(noise)({ size, key: key(seed) })
  const rows: Float64Array[] = []
  let state: NoiseState = initialNoise
  for (let t = 0; t < steps; t++) {
    const [row, after] = next(state)
    rows.push(row)
    state = after
  }
  return rows
}

describe('noise as a stream', () => {
  it.each(Object.entries(strategies))('%s: C times the noises are the independent draws', (_, strategy) => {
    const [steps, size] = [12, 5]
    const rows = stream(strategy, { steps, size })
    const c = coefficientsOf(steps)(strategy)
    for (let t = 0; t < steps; t++) {
      const draws = standardNormals(size)(foldIn(t)(key(7)))
      for (let i = 0; i < size; i++) {
        let sum = 0
        for (let j = 0; j <= t; j++) sum += (c[t - j] as number) * ((rows[j] as Float64Array)[i] as number)
        expect(sum).toBeCloseTo(draws[i] as number, 11)
      }
    }
  })

  it('holds no more state than it says', () => {
    const held = (noise: Parameters<typeof nextNoise>[0], steps: number): number => {
      const next = nextNoise(noise)({ size: 1, key: key(0) })
      let state: NoiseState = initialNoise
      for (let t = 0; t < steps; t++) state = next(state)[1]
      return state.buffers.reduce((sum, buffer) => sum + buffer.length, 0)
    }
    expect(held(inverseSquareRootToeplitz(8), 30)).toBe(0)
    expect(held(squareRootToeplitz(8), 30)).toBe(7)
    expect(held(strategies['two buffers'] as Strategy, 30)).toBe(2)
    expect(held(binaryTree, 31)).toBe(5)
    expect(held(binaryTree, 32)).toBe(1)
  })

  it('a state is data: the stream goes on from its copy, and a state is left as it was', () => {
    for (const noise of [...Object.values(strategies), binaryTree]) {
      const next = nextNoise(noise)({ size: 3, key: key(1) })
      let state: NoiseState = initialNoise
      for (let t = 0; t < 6; t++) state = next(state)[1]
      const copy = structuredClone(state)
      const [row] = next(state)
      expect(state).toEqual(copy)
      expect(next(copy)[0]).toEqual(row)
    }
  })
})

describe('noise of a tree', () => {
  it('prefix sums carry the estimates of the nodes in their binary expansion', () => {
    const [steps, size] = [13, 3]
    const rows = stream(binaryTree, { steps, size })
    const draw = (height: number, index: number): Float64Array => {
      // The draw of a node is keyed by its height and by the step that completes it, divided by its size.
      return standardNormals(size)(foldIn(index)(foldIn(height)(key(7))))
    }
    const estimate = (height: number, index: number): readonly number[] => {
      const own = [...draw(height, index)]
      if (height === 0) return own
      const [left, right] = [estimate(height - 1, 2 * index), estimate(height - 1, 2 * index + 1)]
      const w = 2 ** height / (2 ** (height + 1) - 1)
      return own.map((z, i) => w * z + (1 - w) * ((left[i] as number) + (right[i] as number)))
    }
    for (let t = 1; t <= steps; t++) {
      const expected = [0, 0, 0]
      for (let height = 0, left = t; left > 0; height++, left = Math.floor(left / 2))
        if (left % 2 === 1)
          estimate(height, left - 1).forEach((x, i) => {
            expected[i] = (expected[i] as number) + x
          })
      const prefix = expected.map((_, i) => rows.slice(0, t).reduce((sum, row) => sum + (row[i] as number), 0))
      prefix.forEach((x, i) => {
        expect(x).toBeCloseTo(expected[i] as number, 11)
      })
    }
  })

  it('of the stated variance: Σ 2ˡ/(2ˡ⁺¹ − 1) over the set bits l of t', () => {
    const size = 20_000
    const rows = stream(binaryTree, { steps: 7, size })
    const prefix = new Float64Array(size)
    rows.forEach((row, step) => {
      for (let i = 0; i < size; i++) prefix[i] = (prefix[i] as number) + (row[i] as number)
      let expected = 0
      for (let l = 0; 2 ** l <= step + 1; l++)
        if (Math.floor((step + 1) / 2 ** l) % 2 === 1) expected += 2 ** l / (2 ** (l + 1) - 1)
      const variance = prefix.reduce((sum, x) => sum + x * x, 0) / size
      // Five standard deviations of a variance estimated from so many numbers.
      expect(Math.abs(variance / expected - 1)).toBeLessThan(5 * Math.sqrt(2 / size))
    })
  })
})

const right = (settings: CorrelatedSettings): CorrelatedMechanism => {
  const made = correlatedGaussian(settings)
  if (E.isLeft(made)) throw new Error(JSON.stringify(made.left))
  return made.right
}
const bounded = (values: readonly number[]) => ({
  _tag: 'BoundedSum' as const,
  sum: { w: tensor(values, [values.length], 'float64') },
  l2Bound: 3,
})

describe('the correlated Gaussian mechanism', () => {
  const settings = { noiseMultiplier: 0.7, steps: 8, participation: { minSeparation: 3, maxParticipations: 2 } }

  it('costs one Gaussian release of its noise multiplier, whatever the strategy and the pattern', () => {
    for (const noise of [...Object.values(strategies), binaryTree])
      for (const participation of [singleParticipation, settings.participation, { minSeparation: 1 }]) {
        const { event } = right({ ...settings, noise, participation })
        const at = (e: Event.PrivacyEvent): number =>
          E.getOrElse(() => ({ estimate: Number.NaN }) as { estimate: number })(epsilonOf(gdp(), 1e-5)(e)).estimate
        expect(at(event) / at(Event.gaussian(0.7))).toBeCloseTo(1, 10)
      }
  })

  it('independent noise with one participation is the Gaussian mechanism of one step', () => {
    expect(right({ ...settings, noise: independentNoise, participation: singleParticipation }).sensitivity).toBeCloseTo(
      1,
      11,
    )
  })

  it('adds σ · sensitivity · bound times the stream to the sums, and charges the first step of each round', () => {
    const noise = inverseSquareRootToeplitz(3)
    const mechanism = right({ ...settings, noise })
    const release = mechanism.release(key(5))
    let state: NoiseState = initialNoise
    const events: Event.PrivacyEvent[] = []
    for (let t = 0; t < 17; t++) {
      const [round, step] = [Math.floor(t / 8), t % 8]
      const [{ value, event }, next] = release(state)(bounded([10, -4]))
      events.push(event)
      const d = noisingCoefficientsOf(8)(noise)
      const draws = Array.from({ length: step + 1 }, (_, j) => standardNormals(2)(foldIn(j)(foldIn(round)(key(5)))))
      const expected = [10, -4].map(
        (x, i) =>
          x +
          0.7 *
            mechanism.sensitivity *
            3 *
            draws.reduce((s, z, j) => s + (d[step - j] as number) * (z[i] as number), 0),
      )
      toArray(value.w).forEach((x, i) => {
        expect(x).toBeCloseTo(expected[i] as number, 9)
      })
      state = next
    }
    const first = mechanism.event
    expect(events).toEqual(Array.from({ length: 17 }, (_, t) => (t % 8 === 0 ? first : Event.noOp)))
  })

  it('rounds are independent: restarted noise is uncorrelated with what was', () => {
    const release = right({ ...settings, noise: binaryTree, steps: 4 }).release(key(11))
    const size = 20_000
    const zero = bounded(Array.from({ length: size }, () => 0))
    const rows: number[][] = []
    let state: NoiseState = initialNoise
    for (let t = 0; t < 8; t++) {
      const [{ value }, next] = release(state)(zero)
      rows.push(toArray(value.w))
      state = next
    }
    const correlation = (a: readonly number[], b: readonly number[]): number => {
      const dot = (x: readonly number[], y: readonly number[]): number =>
        x.reduce((s, value, i) => s + value * (y[i] as number), 0)
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
    }
    for (let s = 0; s < 4; s++)
      for (let t = 4; t < 8; t++)
        expect(Math.abs(correlation(rows[s] as number[], rows[t] as number[]))).toBeLessThan(5 / Math.sqrt(size))
    // Within a round they are: a step that completes a node takes the noise of its left half back.
    expect(correlation(rows[0] as number[], rows[1] as number[])).toBeLessThan(-0.1)
  })

  it('cyclic Poisson: amplified rounds, for at most as many bands as groups', () => {
    const cyclic = { noiseMultiplier: 2, steps: 100, participation: { groups: 8, samplingProbability: 0.1 } }
    const { event, sensitivity } = right({ ...cyclic, noise: squareRootToeplitz(8) })
    expect(event).toEqual(Event.selfComposed(13)(Event.poissonSampled(0.1)(Event.gaussian(2))))
    expect(sensitivity ** 2).toBeCloseTo(1.718379259109497, 9)
    for (const noise of [squareRootToeplitz(9), inverseSquareRootToeplitz(2), binaryTree])
      expect(E.isLeft(correlatedGaussian({ ...cyclic, noise }))).toBe(true)
    // A cryptographic key says so in the event.
    const secure = right({ ...cyclic, noise: independentNoise }).release(chachaKey([1, 2, 3, 4, 5, 6, 7, 8]))
    expect(secure(initialNoise)(bounded([1]))[0].event).toEqual(
      Event.selfComposed(13)(Event.poissonSampled(0.1)(Event.gaussian(2, 'secure'))),
    )
    // One group: the event of DP-SGD.
    const dpSgd = right({ ...cyclic, noise: independentNoise, participation: { groups: 1, samplingProbability: 0.1 } })
    const sgdEvent = Event.selfComposed(100)(Event.poissonSampled(0.1)(Event.gaussian(2)))
    expect(epsilonOf(exact(), 1e-5)(dpSgd.event)).toEqual(epsilonOf(exact(), 1e-5)(sgdEvent))
  })

  it('samplers say their patterns, and keep to them', () => {
    const rounds = 12
    const samplers = [
      poissonSampler({ samplingProbability: 0.5 }),
      cyclicPoissonSampler({ samplingProbability: 0.9, cycle: 3 }),
      ballsAndBinsSampler({ batches: 4 }),
    ]
    for (const { scheme, batch } of samplers) {
      const found = participationOf(scheme, rounds)
      if (E.isLeft(found)) expect.fail(JSON.stringify(found.left))
      const pattern = found.right
      for (let record = 0; record < 20; record++) {
        const taken = Array.from({ length: rounds }, (_, t) => t).filter((t) => batch(key(6), t)(20).includes(record))
        const gaps = taken.slice(1).map((t, i) => t - (taken[i] as number))
        if ('groups' in pattern) expect(gaps.every((gap) => gap % pattern.groups === 0)).toBe(true)
        else {
          expect(gaps.every((gap) => gap >= pattern.minSeparation)).toBe(true)
          expect(taken.length).toBeLessThanOrEqual(participationsIn(rounds)(pattern))
        }
      }
      expect(
        E.isRight(correlatedGaussian({ ...settings, noise: independentNoise, steps: rounds, participation: pattern })),
      ).toBe(true)
    }
    expect(E.isLeft(participationOf({ _tag: 'Shuffled', datasetSize: 20, batches: 4 }, rounds))).toBe(true)
  })

  it.each([
    { noiseMultiplier: 0 },
    { noiseMultiplier: Number.NaN },
    { steps: 0 },
    { participation: { minSeparation: 0 } },
    { participation: { minSeparation: 1, maxParticipations: 0.5 } },
    { participation: { groups: 1, samplingProbability: 2 } },
  ])('%j is answered with a Left', (wrong) => {
    const made = correlatedGaussian({ ...settings, noise: independentNoise, ...wrong })
    expect(E.isLeft(made) && made.left._tag).toBe('InvalidParameter')
  })

  it('a sum that is clipped to another bound than those before gets no noise: the noise of a round covers all of them', () => {
    const release = right({ ...settings, noise: binaryTree, steps: 3 }).release(key(0))
    const sumOf = (l2Bound: number) => ({ ...bounded([1]), l2Bound })
    let state: NoiseState = initialNoise
    for (const step of [0, 1, 2]) {
      if (step > 0)
        expect(() => release(state)(sumOf(0.5))).toThrow(/l2Bound is 0.5: the steps before were clipped to 1/)
      state = release(state)(sumOf(1))[1]
    }
    // A new round is a new Gaussian release.
    expect(release(state)(sumOf(0.5))[0].event).not.toEqual(Event.noOp)
  })

  it('a sum without a bound gets no noise', () => {
    const release = right({ ...settings, noise: binaryTree }).release(key(0))(initialNoise)
    expect(() => release({ ...bounded([1]), l2Bound: Infinity })).toThrow(RangeError)
  })
})
