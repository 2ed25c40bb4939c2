/**
 * Privacy events of every kind, and those that an accountant reads.
 */
import fc, { type Arbitrary } from 'fast-check'
import * as Event from '../../src/privacy/event/event.js'

/** Numbers spread evenly over orders of magnitude. */
export const logUniform = ({ low, high }: { readonly low: number; readonly high: number }): Arbitrary<number> =>
  fc
    .double({ min: Math.log(low), max: Math.log(high), noNaN: true })
    .map((x) => Math.min(high, Math.max(low, Math.exp(x))))

/** Sampling probabilities, both ends included. */
export const samplingProbability: Arbitrary<number> = fc.oneof(
  { weight: 8, arbitrary: logUniform({ low: 1e-6, high: 1 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
)

/** Noise multipliers at which a step spends something like what training spends. */
export const noiseMultiplier: Arbitrary<number> = logUniform({ low: 0.3, high: 100 })

const grade: Arbitrary<Event.NoiseGrade> = fc.constantFrom('float', 'secure', 'discrete')

/** Composition of what `leaf` gives, with samples of it where a rule for them is given. */
const composedOf = (
  leaf: Arbitrary<Event.PrivacyEvent>,
  wrap: (inner: Arbitrary<Event.PrivacyEvent>) => readonly Arbitrary<Event.PrivacyEvent>[] = () => [],
): Arbitrary<Event.PrivacyEvent> =>
  fc.letrec<{ event: Event.PrivacyEvent }>((tie) => ({
    event: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'event', withCrossShrink: true },
      leaf,
      fc.tuple(fc.nat(1000), tie('event')).map(([count, event]) => Event.selfComposed(count)(event)),
      fc.array(tie('event'), { maxLength: 3, depthIdentifier: 'event' }).map(Event.composed),
      ...wrap(tie('event')),
    ),
  })).event

const gaussianEvent: Arbitrary<Event.PrivacyEvent> = fc
  .tuple(noiseMultiplier, grade)
  .map(([sigma, kind]) => Event.gaussian(sigma, kind))

/** Compositions of unsampled Gaussians. */
export const gaussianEvents: Arbitrary<Event.PrivacyEvent> = composedOf(
  fc.oneof({ weight: 6, arbitrary: gaussianEvent }, { weight: 1, arbitrary: fc.constant(Event.noOp) }),
)

/** What the Rényi accountant reads under every neighbouring relation. */
export const rdpEvents: Arbitrary<Event.PrivacyEvent> = composedOf(
  fc.oneof(
    { weight: 4, arbitrary: gaussianEvent },
    {
      weight: 4,
      arbitrary: fc.tuple(samplingProbability, gaussianEvent).map(([q, event]) => Event.poissonSampled(q)(event)),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(samplingProbability, gaussianEvents).map(([q, event]) => Event.poissonSampled(q)(event)),
    },
    { weight: 1, arbitrary: noiseMultiplier.map(Event.laplace) },
    { weight: 1, arbitrary: logUniform({ low: 1e-4, high: 5 }).map(Event.pureDp) },
    { weight: 1, arbitrary: fc.constant(Event.noOp) },
  ),
)

/** Mixtures of up to four Gaussians. */
const mixtures: Arbitrary<Event.PrivacyEvent> = fc
  .record({
    noiseMultiplier,
    parts: fc.array(fc.record({ sensitivity: fc.nat(16).map((k) => k / 4), weight: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map(({ noiseMultiplier: sigma, parts }) => {
    const total = parts.reduce((sum, { weight }) => sum + weight, 0)
    return Event.mixtureOfGaussians({
      noiseMultiplier: sigma,
      sensitivities: parts.map(({ sensitivity }) => sensitivity),
      probabilities: parts.map(({ weight }) => weight / total),
    })
  })

const shape: Arbitrary<number | 'poisson'> = fc.oneof(
  fc.double({ min: -0.9, max: 5, noNaN: true }),
  fc.constantFrom(0, 1),
  fc.constant('poisson' as const),
)

/** Every mechanism there is, its numbers in their domains. */
export const anyMechanism: Arbitrary<Event.PrivacyEvent> = fc.oneof(
  gaussianEvent,
  noiseMultiplier.map(Event.laplace),
  fc.record({ sigma: noiseMultiplier, sensitivity: fc.nat(4) }).map(Event.discreteGaussian),
  fc.record({ scale: noiseMultiplier, sensitivity: fc.nat(4) }).map(Event.discreteLaplace),
  fc
    .record({ noiseParameter: samplingProbability, buckets: fc.integer({ min: 2, max: 20 }) })
    .map(Event.randomizedResponse),
  logUniform({ low: 1e-4, high: 5 }).map(Event.exponentialMechanism),
  logUniform({ low: 1e-4, high: 5 }).map(Event.pureDp),
  fc.record({ epsilon: logUniform({ low: 1e-4, high: 5 }), delta: samplingProbability }).map(Event.approximateDp),
  fc
    .tuple(logUniform({ low: 1e-6, high: 5 }), fc.constantFrom(0, 0.1))
    .map(([rho, xi]) => Event.zeroConcentratedDp(rho, xi)),
  mixtures,
  fc.record({ noiseMultiplier, steps: fc.integer({ min: 1, max: 1e6 }) }).map(Event.treeAggregation),
  fc.record({ noiseMultiplier, sensitivity: logUniform({ low: 0.1, high: 10 }) }).map(Event.matrixFactorisation),
  fc.constantFrom(Event.noOp, Event.nonPrivate),
  fc.string({ maxLength: 8 }).map(Event.unsupported),
)

/** Every event there is, nested, its numbers in their domains. */
export const anyEvent: Arbitrary<Event.PrivacyEvent> = composedOf(anyMechanism, (inner) => [
  fc.tuple(samplingProbability, inner).map(([q, event]) => Event.poissonSampled(q)(event)),
  fc
    .tuple(
      fc.record({
        datasetSize: fc.integer({ min: 1, max: 1000 }),
        samplingProbability,
        truncatedBatchSize: fc.nat(1000),
      }),
      inner,
    )
    .map(([sampler, event]) => Event.truncatedPoissonSampled(sampler)(event)),
  fc.tuple(fc.integer({ min: 1, max: 9 }), inner).map(([batches, event]) => Event.shuffled(batches)(event)),
  fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.nat(9), inner)
    .map(([datasetSize, batchSize, event]) => Event.sampledWithoutReplacement({ datasetSize, batchSize })(event)),
  fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.nat(9), inner)
    .map(([datasetSize, batchSize, event]) => Event.sampledWithReplacement({ datasetSize, batchSize })(event)),
  fc
    .tuple(fc.nat(9), fc.nat(9), inner)
    .map(([more, participations, event]) =>
      Event.randomAllocation({ steps: participations + more + 1, participations })(event),
    ),
  fc
    .tuple(logUniform({ low: 1, high: 1e4 }), shape, inner)
    .map(([mean, eta, event]) => Event.repeatAndSelect({ mean, shape: eta })(event)),
])

/** Events whose numbers may lie anywhere: what comes when nobody has checked a configuration. */
export const uncheckedEvent: Arbitrary<Event.PrivacyEvent> = composedOf(
  fc.oneof(
    fc.double().map((x) => Event.gaussian(x)),
    fc.double().map(Event.laplace),
    fc.record({ sigma: fc.double(), sensitivity: fc.double() }).map(Event.discreteGaussian),
    fc.record({ scale: fc.double(), sensitivity: fc.double() }).map(Event.discreteLaplace),
    fc.record({ noiseParameter: fc.double(), buckets: fc.double() }).map(Event.randomizedResponse),
    fc.double().map(Event.exponentialMechanism),
    fc.double().map(Event.pureDp),
    fc.record({ epsilon: fc.double(), delta: fc.double() }).map(Event.approximateDp),
    fc.tuple(fc.double(), fc.double()).map(([rho, xi]) => Event.zeroConcentratedDp(rho, xi)),
    fc
      .record({
        noiseMultiplier: fc.double(),
        sensitivities: fc.array(fc.double(), { maxLength: 3 }),
        probabilities: fc.array(fc.double(), { maxLength: 3 }),
      })
      .map(Event.mixtureOfGaussians),
    fc.record({ noiseMultiplier: fc.double(), steps: fc.double() }).map(Event.treeAggregation),
    fc.record({ noiseMultiplier: fc.double(), sensitivity: fc.double() }).map(Event.matrixFactorisation),
    fc.constant(Event.nonPrivate),
  ),
  (inner) => [
    fc.tuple(fc.double(), inner).map(([q, event]) => Event.poissonSampled(q)(event)),
    fc
      .tuple(
        fc.record({ datasetSize: fc.double(), samplingProbability: fc.double(), truncatedBatchSize: fc.double() }),
        inner,
      )
      .map(([sampler, event]) => Event.truncatedPoissonSampled(sampler)(event)),
    fc
      .tuple(fc.record({ datasetSize: fc.double(), batchSize: fc.double() }), inner)
      .map(([sampler, event]) => Event.sampledWithoutReplacement(sampler)(event)),
    fc
      .tuple(fc.record({ datasetSize: fc.double(), batchSize: fc.double() }), inner)
      .map(([sampler, event]) => Event.sampledWithReplacement(sampler)(event)),
    fc
      .tuple(fc.record({ steps: fc.double(), participations: fc.double() }), inner)
      .map(([allocation, event]) => Event.randomAllocation(allocation)(event)),
    fc.tuple(fc.double(), inner).map(([batches, event]) => Event.shuffled(batches)(event)),
    fc
      .tuple(fc.record({ mean: fc.double().map((x) => x + 0), shape: fc.double().map((x) => x + 0) }), inner)
      .map(([repetitions, event]) => Event.repeatAndSelect(repetitions)(event)),
    fc.tuple(fc.double(), inner).map(([count, event]) => Event.selfComposed(count)(event)),
  ],
)
