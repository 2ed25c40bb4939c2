import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { logDeltaOfGdp } from '../src/privacy/gdp.js'
import { approximateDpPair, discreteLaplacePair, laplacePair } from '../src/privacy/pld/discrete-pair.js'
import { fourier, mirrorOf } from '../src/privacy/pld/fourier.js'
import { gaussianMixturePair, gaussianPair, replacedGaussianPair } from '../src/privacy/pld/gaussian-pair.js'
import { latticeBins } from '../src/privacy/pld/lattice-bins.js'
import { type LatticeLaw, optimistic, pessimistic } from '../src/privacy/pld/lattice-law.js'
import { chosenAmong, type PrivacyLossPair, pairOfMasses, swapped } from '../src/privacy/pld/loss-pair.js'
import { meshFor } from '../src/privacy/pld/mesh.js'
import { normalMass } from '../src/privacy/pld/normal-interval.js'
import { outcomeLoss } from '../src/privacy/pld/outcome-loss.js'
import { buckets, connectedDots } from '../src/privacy/pld/plain-laws.js'
import { type Component, componentsOf, planFor } from '../src/privacy/pld/plan.js'
import { poissonSampledPair } from '../src/privacy/pld/poisson-pair.js'
import { readingOf } from '../src/privacy/pld/reading.js'
import { singleDelta } from '../src/privacy/pld/single.js'
import { tiltedSum } from '../src/privacy/pld/tilted-sum.js'
import { ndtr } from '../src/tensor/special.js'
import { logUniform } from './arbitraries/event.js'

/** The transform as it is defined. */
const plainTransform = (re: Float64Array, im: Float64Array) => {
  const n = re.length
  return Array.from({ length: n }, (_, k) => {
    let [a, b] = [0, 0]
    for (let j = 0; j < n; j++) {
      const angle = (-2 * Math.PI * ((j * k) % n)) / n
      a += (re[j] as number) * Math.cos(angle) - (im[j] as number) * Math.sin(angle)
      b += (re[j] as number) * Math.sin(angle) + (im[j] as number) * Math.cos(angle)
    }
    return [a, b] as const
  })
}

const reversedBits = (k: number, length: number): number => {
  let reversed = 0
  for (let bit = 1, weight = length / 2; bit < length; bit *= 2, weight /= 2) if (k & bit) reversed += weight
  return reversed
}

const size = (values: Float64Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0))

describe('the Fourier transform', () => {
  const sequences = fc.integer({ min: 1, max: 8 }).chain((stages) =>
    fc.tuple(
      ...([0, 1] as const).map(() =>
        fc.array(
          fc.integer({ min: -1000, max: 1000 }).map((x) => x / 997),
          { minLength: 2 ** stages, maxLength: 2 ** stages },
        ),
      ),
    ),
  )
  it('is what its definition says, to the error that it states, and comes back', () =>
    fc.assert(
      fc.property(sequences, ([x, y]) => {
        const [re, im] = [Float64Array.from(x as number[]), Float64Array.from(y as number[])]
        const { length, forward, inverse, roundoff } = fourier(re.length)
        const wanted = plainTransform(re, im)
        const z = { re: re.slice(), im: im.slice() }
        forward(z)
        const total = size(re) + size(im)
        wanted.forEach(([a, b], k) => {
          const place = reversedBits(k, length)
          // The definition's own sum errs by about N u.
          const allowed = (roundoff + 4 * length * 2 ** -53) * Math.sqrt(length) * total
          expect(Math.hypot((z.re[place] as number) - a, (z.im[place] as number) - b)).toBeLessThanOrEqual(allowed)
          expect(mirrorOf(place)).toBe(reversedBits((length - k) % length, length))
        })
        inverse(z)
        z.re.forEach((value, i) => {
          expect(Math.abs(value - (re[i] as number))).toBeLessThanOrEqual(3 * roundoff * total)
        })
      }),
      { numRuns: 40 },
    ))
  it('refuses lengths that are no powers of two', () => {
    for (const length of [0, 1, 3, 12, Number.NaN]) expect(() => fourier(length)).toThrow(RangeError)
  })
})

describe('a mixture of Gaussians', () => {
  it('is cut at the edges that it is asked for, to every digit of them, however small its losses', () =>
    fc.assert(
      fc.property(
        // What is left of 1 has to be a double too.
        logUniform({ low: 1e-9, high: 0.5 }).map((q) => Math.ceil(q * 2 ** 52) / 2 ** 52),
        logUniform({ low: 0.1, high: 4 }),
        fc.array(fc.double({ min: -6, max: 6, noNaN: true }), { minLength: 1, maxLength: 8 }),
        (q, mu, places) => {
          const moves = [
            { mu, probability: 0.7 * q },
            { mu: 0.6 * mu, probability: 0.3 * q },
          ]
          const { density } = gaussianMixturePair([{ mu: 0, probability: 1 - q }, ...moves])
          // L = log(1 + Σ pᵢ (e^(μᵢz − μᵢ²/2) − 1)), in any order of z.
          for (const z of places) {
            const loss = Math.log1p(
              moves.reduce((sum, part) => sum + part.probability * Math.expm1(part.mu * (z - 0.5 * part.mu)), 0),
            )
            const slope = moves.reduce(
              (sum, part) => sum + part.mu * part.probability * Math.exp(part.mu * (z - 0.5 * part.mu)),
              0,
            )
            // The edge has 53 bits, and so have the probabilities.
            const off = (4 * Number.EPSILON * (Math.abs(loss) + q)) / slope + 1e-14
            const found = density?.above(loss).q as number
            expect(Math.abs(found / ndtr(-z) - 1)).toBeLessThanOrEqual(1e-13 + (2 + Math.abs(z)) * off)
          }
        },
      ),
    ))
})

describe('the mesh of a law', () => {
  it('has edges that rise from end to end, also where the tilted mass, or what is relevant of it, is none at all', () => {
    const [component] = componentsOf([{ pair: replacedGaussianPair({ mu: 2, samplingProbability: 1e-6 }), count: 834 }])
    const plan = planFor([component as Component], { epsilon: 0.017, logDelta: -19, tolerance: 1e-6 })
    for (const relevant of [plan.relevant, 1e-300, 0])
      for (const step of [1e-3, 0.006, 0.1]) {
        const edges = meshFor(component as Component, { offset: 0, step }, { ...plan, relevant, negligible: 1e-18 })
        expect(edges.length).toBeLessThan(2 ** 20)
        expect(edges.at(-1)).toBeGreaterThan(1 / step)
        expect(edges.every((edge, i) => i === 0 || edge > (edges[i - 1] as number))).toBe(true)
      }
  })
})

describe('normal masses', () => {
  it('of parts add up to the whole, and are those of Φ', () =>
    fc.assert(
      fc.property(
        fc.double({ min: -12, max: 12, noNaN: true }),
        logUniform({ low: 1e-7, high: 8 }),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        (a, width, part) => {
          const [middle, b] = [a + part * width, a + width]
          const whole = normalMass(a, b, 0)
          const sum = normalMass(a, middle, 0) + normalMass(middle, b, 0)
          // Edges are rounded: their digits are a part of a short interval.
          const edges = (4 * Number.EPSILON * (1 + Math.abs(a))) / width
          expect(Math.abs(sum - whole)).toBeLessThanOrEqual((1e-13 + edges) * whole)
          if (width > 0.5 && b < 0) expect(Math.abs(whole / (ndtr(b) - ndtr(a)) - 1)).toBeLessThan(1e-12)
          expect(Math.abs(normalMass(a, b, 3) / (Math.exp(3) * whole) - 1)).toBeLessThan(1e-13)
        },
      ),
    ))
  it('reach both ends, and do not underflow with a scale', () => {
    expect(normalMass(-Infinity, Infinity, 0)).toBe(1)
    expect(normalMass(40, Infinity, 800)).toBeGreaterThan(0)
    expect(normalMass(1, 1, 0)).toBe(0)
  })
})

const ratio = logUniform({ low: 0.05, high: 4 })
const probability = logUniform({ low: 1e-3, high: 0.9 })
/** Pairs of every kind, in the direction in which they are known. */
const bases: Arbitrary<PrivacyLossPair> = fc.oneof(
  ratio.map(gaussianPair),
  ratio.map(laplacePair),
  fc.tuple(ratio, probability).map(([mu, q]) => replacedGaussianPair({ mu, samplingProbability: q })),
  fc.tuple(ratio, probability).map(([mu, p]) =>
    gaussianMixturePair([
      { mu: 0, probability: 0.5 * p },
      { mu, probability: 1 - p },
      { mu: 2 * mu, probability: 0.5 * p },
    ]),
  ),
  fc
    .tuple(logUniform({ low: 0.05, high: 2 }), fc.integer({ min: 1, max: 6 }))
    .map(([rate, sensitivity]) => discreteLaplacePair({ rate: rate / sensitivity, sensitivity })),
  fc
    .tuple(logUniform({ low: 0.01, high: 3 }), logUniform({ low: 1e-9, high: 0.3 }))
    .map(([epsilon, delta]) => approximateDpPair({ epsilon, delta })),
)
const pairs: Arbitrary<PrivacyLossPair> = fc.oneof(
  bases,
  bases.map(swapped),
  fc
    .tuple(bases, probability, fc.constantFrom('remove' as const, 'add' as const))
    .map(([base, q, direction]) => poissonSampledPair(direction, q)(base)),
  fc.tuple(bases, bases, probability).map(([a, b, weight]) =>
    chosenAmong([
      { weight, pair: a },
      { weight: 1 - weight, pair: b },
    ]),
  ),
)

/** P and Q of everything, from bins. */
const totals = ({ atoms, density, infinity, nothing }: PrivacyLossPair) => {
  let [p, q] = [infinity, nothing]
  for (const atom of atoms) {
    p += atom.p
    q += atom.p * Math.exp(-atom.loss)
  }
  if (density !== undefined) {
    const edges = Float64Array.of(-Infinity, -3, -0.5, -0.01, 0, 0.02, 0.4, 2, Infinity)
    const masses = density.masses(edges)
    masses.p.forEach((mass, i) => {
      p += mass
      q += (masses.q[i] as number) * Math.exp(-Math.max(0, edges[i] as number))
    })
  }
  return { p, q }
}

describe('pairs', () => {
  it('are two probability laws', () =>
    fc.assert(
      fc.property(pairs, (pair) => {
        const { p, q } = totals(pair)
        expect(Math.abs(p - 1)).toBeLessThan(1e-12)
        expect(Math.abs(q - 1)).toBeLessThan(1e-12)
      }),
    ))
  it('of noise however narrow, all of a law lies from its least loss to its most', () =>
    fc.assert(
      fc.property(
        logUniform({ low: 0.05, high: 1e5 }),
        fc.double({ min: 1e-3, max: 0.999, noNaN: true }),
        fc.constantFrom(1, 0.5, 0.1),
        fc.constantFrom('remove' as const, 'add' as const),
        (mu, q, again, direction) => {
          const once = poissonSampledPair('remove', again)(gaussianPair(mu))
          const { density } = poissonSampledPair(direction, q)(once)
          if (density === undefined) return expect.fail('a density')
          const [p] = density.masses(Float64Array.of(density.least, density.most)).p
          expect(Math.abs((p as number) - 1)).toBeLessThan(1e-12)
        },
      ),
      { numRuns: 500 },
    ))
  it('a loss in a bin is in the bin: e^a ≤ P/Q ≤ e^b', () =>
    fc.assert(
      fc.property(
        pairs,
        fc.double({ min: -4, max: 4, noNaN: true }),
        logUniform({ low: 1e-4, high: 1 }),
        (pair, a, w) => {
          const masses = pair.density?.masses(Float64Array.of(a, a + w))
          const p = masses?.p[0] ?? 0
          const q = (masses?.q[0] ?? 0) * Math.exp(Math.min(0, a))
          expect(p).toBeGreaterThanOrEqual(q * (1 - 1e-11))
          expect(p).toBeLessThanOrEqual(q * Math.exp(w) * (1 + 1e-11))
        },
      ),
    ))
  it('δ of the other direction: δ′(−ε) = 1 − e^(−ε) (1 − δ(ε))', () =>
    fc.assert(
      fc.property(pairs, fc.double({ min: -2, max: 2, noNaN: true }), (pair, epsilon) => {
        const other = singleDelta(swapped(pair))(-epsilon).value
        const one = singleDelta(pair)(epsilon).value
        expect(Math.abs(other - (1 - Math.exp(-epsilon) * (1 - one)))).toBeLessThan(1e-11)
      }),
    ))
  it('a Gaussian has the δ of a Gaussian, a Laplace that of a Laplace', () =>
    fc.assert(
      fc.property(ratio, fc.double({ min: 0, max: 8, noNaN: true }), (mu, epsilon) => {
        const log = logDeltaOfGdp(mu)(epsilon)
        if (log > -500)
          expect(Math.abs(Math.log(singleDelta(gaussianPair(mu))(epsilon).value) - log)).toBeLessThan(
            1e-10 * (1 + Math.abs(log)),
          )
        const laplace = Math.max(0, -Math.expm1(0.5 * (epsilon - mu)))
        expect(Math.abs(singleDelta(laplacePair(mu))(epsilon).value - laplace)).toBeLessThan(1e-13)
      }),
    ))
  it('a sample of a sample is a sample with the product', () =>
    fc.assert(
      fc.property(
        bases,
        probability,
        probability,
        fc.double({ min: 0, max: 2, noNaN: true }),
        (base, a, b, epsilon) => {
          const twice = poissonSampledPair('remove', a)(poissonSampledPair('remove', b)(base))
          const once = poissonSampledPair('remove', a * b)(base)
          expect(Math.abs(singleDelta(twice)(epsilon).value - singleDelta(once)(epsilon).value)).toBeLessThan(1e-12)
        },
      ),
    ))
  it('a loss and its outcome', () =>
    fc.assert(
      fc.property(
        fc.constantFrom('remove' as const, 'add' as const, 'replace' as const),
        ratio,
        probability,
        fc.double({ min: -3, max: 3, noNaN: true }),
        (pair, mu, samplingProbability, z) => {
          const { loss, outcome } = outcomeLoss({ noise: 'gaussian', ratio: mu, samplingProbability, pair })
          const t = loss(z)
          expect(Math.abs(loss(outcome(t)) - t)).toBeLessThan(1e-9)
        },
      ),
    ))
})

/** κ of a law at a loss. */
const kappa = ({ offset, step, index, mass, infinity }: LatticeLaw, epsilon: number): number => {
  let sum = infinity
  index.forEach((k, i) => {
    sum += (mass[i] as number) * Math.max(0, -Math.expm1(epsilon - offset - k * step))
  })
  return sum
}
const integers = (from: number, to: number): Float64Array =>
  Float64Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('laws on a lattice', () => {
  const lattices = fc.record({
    offset: fc.double({ min: -0.2, max: 0.2, noNaN: true }),
    step: logUniform({ low: 0.02, high: 0.5 }),
  })
  const binsOf = (pair: PrivacyLossPair, lattice: { readonly offset: number; readonly step: number }, bulk = false) =>
    latticeBins(pair, lattice, integers(-Math.ceil(5 / lattice.step), Math.ceil(5 / lattice.step)), bulk)
  it('optimistic ≤ δ ≤ pessimistic, and buckets are farther', () =>
    fc.assert(
      fc.property(
        pairs,
        lattices,
        fc.boolean(),
        fc.double({ min: -2.5, max: 3.5, noNaN: true }),
        (pair, lattice, bulk, epsilon) => {
          const bins = binsOf(pair, lattice, bulk)
          const { value, error } = singleDelta(pair)(epsilon)
          const slack = error + 1e-12
          const [upper, lower] = [kappa(pessimistic(bins), epsilon), kappa(optimistic(bins), epsilon + bins.lossError)]
          expect(upper).toBeGreaterThanOrEqual(value - slack)
          expect(lower).toBeLessThanOrEqual(value + slack)
          expect(kappa(buckets(bins, 'up'), epsilon)).toBeGreaterThanOrEqual(upper - slack)
          expect(kappa(buckets(bins, 'down'), epsilon)).toBeLessThanOrEqual(value + slack)
        },
      ),
      { numRuns: 150 },
    ))
  it('meet δ at lattice points from above: the dots are connected', () =>
    fc.assert(
      fc.property(pairs, lattices, fc.integer({ min: -5, max: 5 }), (pair, lattice, k) => {
        const at = lattice.offset + k * lattice.step
        const { value } = singleDelta(pair)(at)
        expect(Math.abs(kappa(pessimistic(binsOf(pair, lattice)), at) - value)).toBeLessThan(1e-9)
      }),
    ))
  it('the pessimistic law is that of second differences of δ', () =>
    fc.assert(
      fc.property(bases, lattices, (pair, lattice) => {
        const bins = binsOf(pair, lattice)
        const law = pessimistic(bins)
        const losses = Array.from(bins.edges, (k) => lattice.offset + k * lattice.step)
        const plain = connectedDots({ losses, deltas: losses.map((loss) => singleDelta(pair)(loss).value) })
        const found = new Map<number, number>()
        law.index.forEach((k, i) => {
          found.set(k, (found.get(k) ?? 0) + (law.mass[i] as number))
        })
        plain.mass.forEach((mass, i) => {
          expect(Math.abs(mass - (found.get(bins.edges[i] as number) ?? 0))).toBeLessThan(1e-8)
        })
        expect(Math.abs(plain.infinity - law.infinity)).toBeLessThan(1e-10)
      }),
      { numRuns: 40 },
    ))
  it('both errors fall with the square of the step', () => {
    const pair = poissonSampledPair('remove', 0.2)(gaussianPair(0.8))
    const errors = [0.04, 0.02, 0.01].map((step) => {
      const bins = latticeBins(pair, { offset: 0, step }, integers(-Math.round(3 / step), Math.round(20 / step)))
      // The mean of κ between lattice points.
      const mean = (law: LatticeLaw): number => {
        let sum = 0
        for (let i = 0; i < 64; i++) sum += kappa(law, 0.1 + (0.4 * (i + 0.5)) / 64)
        return sum / 64
      }
      let exact = 0
      for (let i = 0; i < 64; i++) exact += singleDelta(pair)(0.1 + (0.4 * (i + 0.5)) / 64).value / 64
      return [mean(pessimistic(bins)) - exact, exact - mean(optimistic(bins))] as const
    })
    for (const side of [0, 1] as const)
      for (const i of [0, 1] as const) {
        const falls = (errors[i]?.[side] as number) / (errors[i + 1]?.[side] as number)
        expect(falls).toBeGreaterThan(3)
        expect(falls).toBeLessThan(5)
      }
  })
})

/** The law of a sum of n, by convolution. */
const convolved = (mass: readonly number[], count: number): readonly number[] => {
  let sum: readonly number[] = [1]
  for (let n = 0; n < count; n++) {
    const next = new Array<number>(sum.length + mass.length - 1).fill(0)
    sum.forEach((a, i) => {
      mass.forEach((b, j) => {
        next[i + j] = (next[i + j] as number) + a * b
      })
    })
    sum = next
  }
  return sum
}

describe('tilted sums', () => {
  const laws = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 })
  it('are naive convolutions, to the error that they state, whatever the tilt', () =>
    fc.assert(
      fc.property(
        laws,
        laws,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0, max: 40, noNaN: true }),
        (first, second, n, m, theta) => {
          const step = 0.25
          const lawOf = (mass: readonly number[]): LatticeLaw => ({
            offset: -0.3,
            step,
            infinity: 0,
            index: Float64Array.from(mass.keys()),
            mass: Float64Array.from(mass),
          })
          const [a, b] = [lawOf(first), lawOf(second)]
          const sum = tiltedSum(
            [
              { upper: a, lower: a, count: n },
              { upper: b, lower: b, count: m },
            ],
            { theta, toTheRight: 20, toTheLeft: 20 },
            { first: -4, length: 64 },
          )
          const wanted = convolved(first, n)
          const all = new Array<number>(wanted.length + m * (second.length - 1)).fill(0)
          wanted.forEach((x, i) => {
            convolved(second, m).forEach((y, j) => {
              all[i + j] = (all[i + j] as number) + x * y
            })
          })
          let distance = 0
          all.forEach((mass, k) => {
            const loss = -0.3 * (n + m) + k * step
            const tilted = mass * Math.exp(theta * loss - sum.upper.logScale)
            distance += Math.abs((sum.upper.mass[k + 4] as number) - tilted)
          })
          expect(distance).toBeLessThanOrEqual(sum.upper.error + sum.upper.relative + 1e-13)
          expect(sum.upper.error).toBeLessThan(1e-9)
          expect([...sum.lower.mass].every((x, i) => Math.abs(x - (sum.upper.mass[i] as number)) < 1e-12)).toBe(true)
        },
      ),
      { numRuns: 60 },
    ))
  it('what is outside of the window is bounded', () => {
    const law: LatticeLaw = {
      offset: 0,
      step: 1,
      infinity: 0,
      index: Float64Array.of(0, 1),
      mass: Float64Array.of(0.5, 0.5),
    }
    const { upper } = tiltedSum(
      [{ upper: law, lower: law, count: 64 }],
      { theta: 0, toTheRight: 0.5, toTheLeft: 0.5 },
      {
        first: 16,
        length: 32,
      },
    )
    const binomial = convolved([0.5, 0.5], 64)
    const beyond = binomial.slice(48).reduce((sum, x) => sum + x, 0)
    expect(upper.beyond).toBeGreaterThanOrEqual(beyond)
    expect(upper.folded).toBeGreaterThanOrEqual(beyond + binomial.slice(0, 16).reduce((sum, x) => sum + x, 0))
    const [above, below] = [readingOf(upper, 1), readingOf(upper, -1)]
    for (const epsilon of [20, 30.5, 40]) {
      const exact = binomial.reduce((sum, x, k) => sum + x * Math.max(0, -Math.expm1(epsilon - k)), 0)
      expect(above.delta(epsilon)).toBeGreaterThanOrEqual(exact)
      expect(below.delta(epsilon)).toBeLessThanOrEqual(exact)
    }
    // Of an ε below the window a lower bound says nothing.
    expect(below.epsilon(0.5)).toBeLessThan(32)
    expect(below.epsilon(1)).toBe(undefined)
  })
})

describe('pairs of masses', () => {
  it('are what was given', () => {
    const pair = pairOfMasses([
      { p: 0.75, q: 0.25 },
      { p: 0.25, q: 0.75 },
    ])
    expect(pair.atoms.map(({ p }) => p)).toEqual([0.25, 0.75])
    expect(pair.atoms.map(({ loss }) => loss)).toEqual([Math.log(0.25 / 0.75), Math.log(3)])
  })
})
